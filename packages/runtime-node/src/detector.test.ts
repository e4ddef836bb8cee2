import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDetector as createInThread, type PixelBuffer, type RasterSource } from '@facedet/core';
import { detectionSettings, planPasses } from '@facedet/core/engine';
import { encodeOnnx, fakeBackend } from '@facedet/core/testing';
import { createDetector, division, type PoolDetector, type PoolDetectorOptions } from './detector.ts';
import { onnxBackend } from './backend.ts';
import { handOver, spareBuffers } from './handover.ts';
import { createPool } from './pool.ts';
import { readImage } from './read-image.ts';

const fixture = new URL('./fixtures/fake-backend.mjs', import.meta.url);
const shared = fileURLToPath(new URL('../../../../shared', import.meta.url));
const hasShared = existsSync(join(shared, 'models'));
if (!hasShared) console.warn('skipped: the official models are read from ../shared/models, which is not here');

const WIDTH = 320;
const HEIGHT = 256;
/** A gray picture whose red channel selects what the fixture does. */
function picture(red = 10): PixelBuffer & { data: Uint8Array } {
  const data = new Uint8Array(WIDTH * HEIGHT * 3).fill(90);
  for (let i = 0; i < data.length; i += 3) data[i] = red;
  return { data, width: WIDTH, height: HEIGHT, format: 'rgb' };
}
const [EXIT, UNCAUGHT, THROW, SLOW, SLOWISH, HANG] = [255, 250, 245, 240, 235, 230];

let open: PoolDetector | undefined;
async function pool(options: Partial<PoolDetectorOptions> = {}, backendOptions?: unknown): Promise<PoolDetector> {
  open = await createDetector({
    model: new Uint8Array(1),
    inputSize: { width: 320, height: 256 },
    workers: 2,
    backend: { module: fixture, options: backendOptions },
    ...options,
  });
  return open;
}
afterEach(async () => {
  await open?.dispose();
  open = undefined;
});
const threadOf = (score: number) => Math.round((score - 0.6) * 100);

describe('createDetector', () => {
  it('finds what the same engine finds in the calling thread', async () => {
    const detector = await pool();
    const plain = await createInThread({
      backend: fakeBackend({ faces: [{ box: { x: 100, y: 100, width: 64, height: 64 }, score: 0.61 }] }),
      model: '',
      inputSize: { width: 320, height: 256 },
    });
    const [[face], [wanted]] = [await detector.detect(picture()), await plain.detect(picture())];
    expect({ ...face, score: 0 }).toEqual({ ...wanted, score: 0 });
    expect(detector.concurrency).toBe(2);
    expect(detector.info).toMatchObject({ backend: 'fake', fallbacks: [], provider: undefined });
  });

  it('spreads a batch over its threads and keeps the order', async () => {
    const detector = await pool();
    await detector.warmup();
    const sizes = Array.from({ length: 12 }, (_, i) => 160 + 12 * i);
    const results = await detector.detectBatch(
      sizes.map((width) => ({ ...picture(SLOWISH), width, stride: WIDTH * 3 })),
    );
    expect(new Set(results.map(([face]) => threadOf(face!.score))).size).toBe(2);
    // The face has a fixed place on the canvas, so its size in the picture gives the picture's scale.
    const plain = await createInThread({
      backend: fakeBackend({ faces: [{ box: { x: 100, y: 100, width: 64, height: 64 }, score: 0.6 }] }),
      model: '',
      inputSize: { width: 320, height: 256 },
    });
    for (const [i, width] of sizes.entries())
      expect(results[i]![0]!.box).toEqual((await plain.detect({ ...picture(), width, stride: WIDTH * 3 }))[0]!.box);
  });

  it('starts further threads only when there is work for them', async () => {
    const starts = new SharedArrayBuffer(4);
    const detector = await pool({ workers: 3 }, { starts });
    for (let i = 0; i < 4; i++) await detector.detect(picture());
    expect(new Int32Array(starts)[0]).toBe(1);
    await detector.warmup();
    expect(new Int32Array(starts)[0]).toBe(3);
  });

  it.each([
    ['ends', EXIT, /exit code 7/],
    ['throws where nobody catches', UNCAUGHT, /not caught/],
  ])('replaces a thread that %s; only its image rejects', async (_, red, reason) => {
    const detector = await pool();
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => detector.detect(picture(i === 3 ? red : SLOWISH))),
    );
    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 9 }, (_, i) => (i === 3 ? 'rejected' : 'fulfilled')),
    );
    expect((results[3] as PromiseRejectedResult).reason).toMatchObject({
      name: 'FaceDetError',
      code: 'WORKER_CRASHED',
      message: expect.stringMatching(reason),
    });
    expect(await detector.detect(picture())).toHaveLength(1);
  });

  it('survives a crash of every thread at once', async () => {
    const detector = await pool();
    const results = await Promise.allSettled(
      [EXIT, EXIT, EXIT, 10, EXIT, 10].map((red) => detector.detect(picture(red))),
    );
    expect(results.map(({ status }) => status[0])).toEqual(['r', 'r', 'r', 'f', 'r', 'f']);
  });

  it("passes on an engine's error and goes on in the same thread", async () => {
    const detector = await pool({ workers: 1 });
    const before = threadOf((await detector.detect(picture()))[0]!.score);
    await expect(detector.detect(picture(THROW))).rejects.toThrow('the engine gave up');
    expect(threadOf((await detector.detect(picture()))[0]!.score)).toBe(before);
  });

  it('works with fewer threads where no more can be started, and says why where none can', async () => {
    const starts = new SharedArrayBuffer(4);
    const detector = await pool({ workers: 4 }, { starts, allow: 1 });
    expect(await detector.detectBatch(Array.from({ length: 8 }, () => picture(SLOWISH)))).toHaveLength(8);
    // The only thread dies and its successor is refused.
    await expect(detector.detect(picture(EXIT))).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    await expect(detector.detect(picture())).rejects.toMatchObject({
      code: 'BACKEND_UNUSABLE',
      message: expect.stringContaining('no memory for another session'),
    });
  });

  it('grows again after a thread could not start, although others live', async () => {
    const starts = new SharedArrayBuffer(4);
    const detector = await pool({ workers: 2 }, { starts, allow: 1, again: 2 });
    const threads = async () =>
      new Set(
        (await detector.detectBatch(Array.from({ length: 6 }, () => picture(SLOWISH)))).map(([face]) =>
          threadOf(face!.score),
        ),
      ).size;
    await threads();
    // Not at once, which would only fail again, but a second later.
    await vi.waitFor(async () => expect(await threads()).toBe(2), { timeout: 20_000, interval: 200 });
    expect(new Int32Array(starts)[0]).toBe(3);
  });

  it('replaces a thread whose run hangs, at its time limit', async () => {
    const detector = await pool({ workers: 1, runTimeout: 3 });
    const [hung, after] = [detector.detect(picture(HANG)), detector.detect(picture())];
    await expect(hung).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
      message: expect.stringContaining('at most 3 s') as string,
    });
    expect(await after).toHaveLength(1);
    expect(await detector.detect(picture(SLOWISH))).toHaveLength(1);
  });

  it('replaces a thread whose run goes on after its call was aborted', async () => {
    const settings = detectionSettings({ inputSize: { width: WIDTH, height: HEIGHT } });
    const setup = {
      backend: { kind: 'module', module: fixture.href, options: undefined },
      model: new Uint8Array(1),
      settings,
    } as const;
    const threads = await createPool({ size: 1, setup, onReuse: () => {}, abortGrace: 0.2 });
    try {
      const task = async (red: number) => {
        const { passes } = await handOver(
          picture(red),
          planPasses(WIDTH, HEIGHT, settings, threads.info.model),
          spareBuffers(1),
        );
        return { type: 'detect', passes, scoreThreshold: 0.5, rotate: [0], reuse: [] } as const;
      };
      const stop = new AbortController();
      const reason = new Error('enough');
      const hung = threads.run(await task(HANG), [], stop.signal);
      const after = threads.run(await task(10), []);
      setTimeout(() => stop.abort(reason), 20);
      await expect(hung).rejects.toBe(reason);
      expect(await after).toHaveLength(1);
    } finally {
      await threads.dispose();
    }
  });

  it('ends a batch at its first failure', async () => {
    const runs = new SharedArrayBuffer(4);
    const detector = await pool({ workers: 1, inputSize: { pixels: 409_600 }, rotate: 0 }, { runs });
    const images = [picture(), picture(THROW), ...Array.from({ length: 20 }, () => picture(SLOWISH))];
    await expect(detector.detectBatch(images)).rejects.toThrow('the engine gave up');
    await detector.detect(picture());
    expect(new Int32Array(runs)[0]).toBeLessThan(8); // of 23
  });
});

describe('aborting', () => {
  const reason = new Error('enough');

  it('rejects at once: before, while waiting and while running', async () => {
    const detector = await pool({ workers: 1 });
    await expect(detector.detect(picture(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    const running = detector.detect(picture(SLOW), { signal: stop.signal });
    const waiting = [1, 2, 3, 4].map(() => detector.detect(picture(SLOW), { signal: stop.signal }));
    const stays = detector.detect(picture());
    setTimeout(() => stop.abort(reason), 50);
    for (const call of [running, ...waiting]) await expect(call).rejects.toBe(reason);
    expect(await stays).toHaveLength(1);
  });

  it("reaches a source's rasterize", async () => {
    const detector = await pool();
    const stop = new AbortController();
    const source: RasterSource = {
      width: 100,
      height: 100,
      rasterize: (_w, _h, { signal } = {}) =>
        new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason))),
    };
    const call = detector.detect(source, { signal: stop.signal });
    setTimeout(() => stop.abort(reason), 20);
    await expect(call).rejects.toBe(reason);
  });
});

describe('pixels', () => {
  it("hands over what a source makes, and leaves the caller's own alone", async () => {
    const detector = await pool();
    const made: Uint8Array[] = [];
    const source: RasterSource = {
      width: 640,
      height: 512,
      rasterize(width, height) {
        made.push(new Uint8Array(width * height * 3));
        return { data: made.at(-1)!, width, height, format: 'rgb' };
      },
    };
    expect(await detector.detect(source)).toHaveLength(1);
    expect(made.map(({ length }) => length)).toEqual([0]); // its memory has moved
    const own = picture(77);
    await Promise.all([1, 2, 3].map(() => detector.detect(own)));
    expect(own.data.length).toBe(WIDTH * HEIGHT * 3);
    expect(own.data[0]).toBe(77);
  });

  it("takes parts of larger memory, shared memory, an engine's memory, padded rows and other classes", async () => {
    const detector = await pool();
    const { data } = picture();
    const bytes = data.length;
    const large = new Uint8Array(bytes + 64);
    large.set(data, 32);
    const sharedBytes = new Uint8Array(new SharedArrayBuffer(bytes));
    sharedBytes.set(data);
    const wasm = new Uint8Array(new WebAssembly.Memory({ initial: 8 }).buffer, 16, bytes);
    const padded = new Uint8Array((WIDTH * 3 + 5) * HEIGHT);
    const image = (data: PixelBuffer['data'], stride?: number): PixelBuffer => ({
      data,
      width: WIDTH,
      height: HEIGHT,
      format: 'rgb',
      ...(stride === undefined ? {} : { stride }),
    });
    const images = [
      image(large.subarray(32, 32 + bytes)),
      image(sharedBytes),
      image(wasm),
      image(padded, WIDTH * 3 + 5),
      image(Buffer.from(data)),
      image(new Uint8ClampedArray(data)),
    ];
    for (const pixels of images) {
      expect(await detector.detect(pixels)).toHaveLength(1);
      const source: RasterSource = { width: WIDTH, height: HEIGHT, rasterize: () => pixels };
      // A source that answers with less than its own memory, or with some that can't move, is copied.
      expect(await detector.detect(source)).toHaveLength(1);
    }
  });

  it('scales very large buffers before they are sent, tiles too', async () => {
    const detector = await pool({ tiles: { size: 2000, overlap: 0.2 } });
    const [width, height] = [4200, 2700];
    const faces = await detector.detect({ data: new Uint8Array(width * height * 3), width, height, format: 'rgb' });
    expect(faces.length).toBeGreaterThan(1);
  });

  it.each([
    ['no object', 'x', 'INVALID_IMAGE'],
    ['0 pixels wide', { ...picture(), width: 0 }, 'INVALID_IMAGE'],
    ['too few bytes', { ...picture(), height: 1000 }, 'INVALID_IMAGE'],
  ])('refuses %s', async (_, image, code) => {
    const detector = await pool();
    await expect(detector.detect(image as PixelBuffer)).rejects.toMatchObject({ code });
    await expect(detector.detectBatch([picture(), image as PixelBuffer])).rejects.toMatchObject({ code });
  });
});

describe('options', () => {
  it('divides the cores', () => {
    expect(division({}, 8)).toEqual({ workers: 8, threads: 1 });
    expect(division({ workers: 1 }, 8)).toEqual({ workers: 1, threads: 8 });
    expect(division({ workers: 3 }, 8)).toEqual({ workers: 3, threads: 2 });
    expect(division({ workers: 12 }, 8)).toEqual({ workers: 12, threads: 1 });
    expect(division({ threads: 4 }, 8)).toEqual({ workers: 2, threads: 4 });
    expect(division({ workers: 2, threads: 3 }, 8)).toEqual({ workers: 2, threads: 3 });
    expect(division({ providers: 'cuda' }, 8)).toEqual({ workers: 1, threads: 1 });
    expect(division({ providers: ['cpu'] }, 8)).toEqual({ workers: 8, threads: 1 });
  });

  it.each([
    [{ workers: 0 }, 'INVALID_ARGUMENT'],
    [{ workers: 1.5 }, 'INVALID_ARGUMENT'],
    [{ runTimeout: 0 }, 'INVALID_ARGUMENT'],
    [{ runTimeout: Number.NaN }, 'INVALID_ARGUMENT'],
    [{ threads: 2 }, 'INVALID_ARGUMENT'], // an option of ONNX Runtime beside another backend
    [{ scoreThreshold: 2 }, 'INVALID_ARGUMENT'],
    [{ backend: { module: '' } }, 'INVALID_ARGUMENT'],
    [{ backend: { module: './no-such-module.mjs' } }, 'BACKEND_UNUSABLE'],
    [{ backend: { module: 'no-such-package' } }, 'BACKEND_UNUSABLE'],
    [{ backend: { module: 'data:text/javascript,export default 5' } }, 'BACKEND_UNUSABLE'],
    [
      { backend: { module: 'data:text/javascript,export default () => { throw new Error("no") }' } },
      'BACKEND_UNUSABLE',
    ],
  ])('refuses %j with %s', async (options, code) => {
    await expect(pool(options as Partial<PoolDetectorOptions>)).rejects.toMatchObject({ name: 'FaceDetError', code });
  });
});

describe('dispose', () => {
  it('rejects what waits and runs, and what comes later', async () => {
    const detector = await pool({ workers: 1 });
    const calls = [1, 2, 3, 4, 5].map(() => detector.detect(picture(SLOW)));
    const settled = Promise.allSettled(calls);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await Promise.all([detector.dispose(), detector.dispose()]);
    for (const result of await settled)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DISPOSED' } });
    await expect(detector.detect(picture())).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(detector.warmup()).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('is what `await using` calls', async () => {
    const detector = await pool({ workers: 1 });
    const running = detector.detect(picture(SLOW)).catch((error: unknown) => error);
    await Promise.all([detector[Symbol.asyncDispose](), detector[Symbol.asyncDispose](), detector.dispose()]);
    expect(await running).toMatchObject({ code: 'DISPOSED' });
  });

  const built = new URL('../dist/index.js', import.meta.url).href;
  const script = (end: string) => `
    import { createDetector } from ${JSON.stringify(built)};
    const detector = await createDetector({
      model: new Uint8Array(1),
      inputSize: { width: 320, height: 256 },
      workers: 2,
      backend: { module: ${JSON.stringify(fixture.href)} },
    });
    const image = { data: new Uint8Array(320 * 256 * 3), width: 320, height: 256, format: 'rgb' };
    const faces = await detector.detectBatch([image, image, image, image]);
    ${end}
    console.log(faces.flat().length);`;
  it.each([
    ['after dispose()', 'await detector.dispose();'],
    ['with idle threads', ''],
  ])('lets the process end by itself %s', async (_, end) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(end)], {
      timeout: 30_000,
    });
    expect(stdout.trim()).toBe('4');
    expect(stderr).toBe('');
  });

  it("works in a process with V8's flags", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facedet-pool-'));
    writeFileSync(join(folder, 'main.mjs'), script('await detector.dispose();'));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', '--max-old-space-size=512', join(folder, 'main.mjs')],
      { timeout: 30_000 },
    );
    rmSync(folder, { recursive: true });
    expect(stdout.trim()).toBe('4');
  });
});

describe('ONNX Runtime in the pool', () => {
  it("rejects with the model's errors", async () => {
    const double = encodeOnnx({
      inputs: [{ name: 'x', shape: [1, 3, 'h', 'w'] }],
      outputs: [{ name: 'y', shape: [1, 3, 'h', 'w'] }],
      nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    });
    await expect(createDetector({ model: double })).rejects.toMatchObject({ code: 'MODEL_OUTPUTS_UNSUPPORTED' });
    await expect(createDetector({ model: double.subarray(0, 60) })).rejects.toMatchObject({ code: 'MODEL_UNUSABLE' });
    await expect(createDetector({ model: '/no/such/model.onnx' })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('finds the faces that one session in this thread finds [needs ../shared]', { skip: !hasShared }, async () => {
    const model = join(shared, 'models', 'scrfd_500m_kps.onnx');
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    open = await createDetector({ model, workers: 2, providers: 'dml' });
    const plain = await createInThread({ backend: onnxBackend(), model });
    const image = await readImage(join(shared, 'images', 'six_people.jpg'));
    const wanted = await plain.detect(image);
    expect(wanted).toHaveLength(6);
    for (const faces of await open.detectBatch([image, image, image])) expect(faces).toEqual(wanted);
    if (process.platform !== 'win32') {
      expect(open.info).toMatchObject({ provider: 'cpu', fallbacks: [{ provider: 'dml' }] });
      expect(warnings).toMatchObject([{ code: 'PROVIDER_FALLBACK' }]);
    }
    process.off('warning', listen);
    await plain.dispose();
  });
});
