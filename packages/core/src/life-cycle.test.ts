import { describe, expect, it } from 'vitest';
import { createDetector } from './detector.ts';
import { fakeBackend } from './testing/index.ts';
import type { Detector, ImageSource, PixelBuffer } from './types.ts';

const model = new Uint8Array(1);
const gray = (width: number, height: number): PixelBuffer => ({
  width,
  height,
  format: 'gray',
  data: new Uint8Array(width * height),
});
const options = { inputSize: { width: 64, height: 64 }, rotate: 0 as const };

/** A promise with its resolve function. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Waits until all pending work that can continue has continued. */
const settled = () => new Promise<void>((done) => setTimeout(done, 5));

/** A detector whose runs wait until they are released, and sources that log when they are rasterized. */
async function blockedDetector(): Promise<{
  detector: Detector;
  log: string[];
  source(name: string): ImageSource;
  releaseRuns(): void;
  runs(): number;
}> {
  const log: string[] = [];
  const gates: (() => void)[] = [];
  let runs = 0;
  const backend = fakeBackend({
    faces: [],
    async onRun() {
      log.push(`run ${runs++}`);
      const gate = deferred();
      gates.push(gate.resolve);
      await gate.promise;
    },
  });
  const detector = await createDetector({ backend, model, ...options });
  const source = (name: string): ImageSource => ({
    width: 64,
    height: 64,
    rasterize: async (w, h) => (log.push(`pixels ${name}`), gray(w, h)),
  });
  return { detector, log, source, releaseRuns: () => gates.splice(0).forEach((open) => open()), runs: () => runs };
}

describe('a detector on one session', () => {
  it("prepares the next call's pixels while one runs, and only the next one's", async () => {
    const { detector, log, source, releaseRuns } = await blockedDetector();
    const calls = ['a', 'b', 'c'].map((name) => detector.detect(source(name)));
    await settled();
    expect(log).toEqual(['pixels a', 'pixels b', 'run 0']);
    releaseRuns();
    await settled();
    expect(log).toEqual(['pixels a', 'pixels b', 'run 0', 'run 1', 'pixels c']);
    releaseRuns();
    await settled();
    releaseRuns();
    await Promise.all(calls);
  });

  it('overlaps the preparation of pixels with runs', async () => {
    const log: [string, number, 'begin' | 'end'][] = [];
    let tick = 0;
    const wait = async (what: string, i: number) => {
      log.push([what, i, 'begin']);
      await settled();
      log.push([what, i, 'end']);
      tick++;
    };
    let run = 0;
    const backend = fakeBackend({ faces: [], onRun: () => wait('run', run++) });
    const detector = await createDetector({ backend, model, ...options });
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        detector.detect({ width: 64, height: 64, rasterize: async (w, h) => (await wait('pixels', i), gray(w, h)) }),
      ),
    );
    expect(tick).toBe(20);
    // The pixels of call i + 1 are started before run i ends.
    for (let i = 0; i < 8; i++) {
      const end = log.findIndex(([what, n, edge]) => what === 'run' && n === i && edge === 'end');
      const next = log.findIndex(([what, n, edge]) => what === 'pixels' && n === i + 1 && edge === 'begin');
      expect(next).toBeGreaterThanOrEqual(0);
      expect(next).toBeLessThan(end);
    }
  });

  it('rejects a queued call as soon as its signal aborts, and continues with the others', async () => {
    const { detector, source, releaseRuns, runs } = await blockedDetector();
    const first = detector.detect(source('a'));
    await settled();
    const stop = new AbortController();
    const reason = new Error('no longer needed');
    const waiting = [
      detector.detect(source('b'), { signal: stop.signal }),
      detector.detect(source('c'), { signal: stop.signal }),
    ];
    const last = detector.detect(source('d'));
    await settled();
    stop.abort(reason);
    // They do not wait for the first call's run, which has not ended.
    for (const call of waiting) await expect(call).rejects.toBe(reason);
    releaseRuns();
    await first;
    await settled();
    releaseRuns();
    await last;
    expect(runs()).toBe(2);
  });

  it('rejects a running call as soon as its signal aborts; the next run waits for its end', async () => {
    const { detector, source, releaseRuns, log } = await blockedDetector();
    const stop = new AbortController();
    const running = detector.detect(source('a'), { signal: stop.signal });
    await settled();
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const next = detector.detect(source('b'));
    await settled();
    expect(log.filter((line) => line.startsWith('run'))).toHaveLength(1);
    releaseRuns();
    await settled();
    expect(log.filter((line) => line.startsWith('run'))).toHaveLength(2);
    releaseRuns();
    await next;
  });

  it('rejects calls in flight with DISPOSED, and frees the session after its run', async () => {
    const { source, detector, releaseRuns } = await blockedDetector();
    const calls = ['a', 'b', 'c'].map((name) => detector.detect(source(name)));
    await settled();
    const disposal = detector.dispose();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(detector.detect(source('d'))).rejects.toMatchObject({ code: 'DISPOSED' });
    let done = false;
    void disposal.then(() => (done = true));
    await settled();
    expect(done).toBe(false);
    releaseRuns();
    await disposal;
    await detector.dispose();
  });

  it('drain resolves when all calls have settled, failed ones too; the detector stays usable', async () => {
    const { source, detector, releaseRuns } = await blockedDetector();
    const broken: ImageSource = {
      width: 64,
      height: 64,
      rasterize: () => Promise.reject(new Error('connection lost')),
    };
    const calls = [detector.detect(source('a')), detector.detect(broken).catch((error: Error) => error.message)];
    let drained = false;
    const drain = detector.drain().then(() => (drained = true));
    await settled();
    expect(drained).toBe(false);
    releaseRuns();
    await drain;
    expect(await Promise.all(calls)).toEqual([[], 'connection lost']);
    const later = detector.detect(source('b'));
    await settled();
    releaseRuns();
    expect(await later).toEqual([]);
    await detector.drain();
  });

  it('warms up again after a failure, and only once after success', async () => {
    let runs = 0;
    const backend = fakeBackend({
      faces: [],
      onRun() {
        if (runs++ === 0) throw new Error('out of memory temporarily');
      },
    });
    const detector = await createDetector({ backend, model });
    await expect(detector.warmup()).rejects.toThrow('out of memory');
    await detector.warmup();
    await detector.warmup();
    expect(runs).toBe(2);
  });

  it('leaves no listener on a signal that is used for many calls', async () => {
    const detector = await createDetector({ backend: fakeBackend({ faces: [] }), model, ...options });
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--,
      remove(...args)
    )) as typeof remove;
    for (let i = 0; i < 20; i++) await detector.detect(gray(64, 64), { signal });
    await detector.drain();
    expect(listeners).toBeLessThanOrEqual(0);
  });
});
