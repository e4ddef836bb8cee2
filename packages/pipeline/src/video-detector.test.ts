import { createDetector, FaceDetError, type Detector, type Face, type Frame, type PixelBuffer } from '@facedet/core';
import { fakeBackend } from '@facedet/core/testing';
import { createSmoother } from '@facedet/temporal';
import { createTracker } from '@facedet/tracker';
import { describe, expect, it, vi } from 'vitest';
import { createVideoDetector } from './video-detector.ts';
import type { FrameResult, VideoDetectorOptions, VideoSnapshot, VideoStatistics } from './types.ts';

const [WIDTH, HEIGHT] = [640, 360];
const FPS = 25;

/**
 * Frames with their index in the first bytes, by which the fake detector knows what to return. Counts how many are
 * open.
 */
function film(length: number, { from = 0, color = (_: number): number => 100, slow = 0 } = {}) {
  const state = { open: 0, most: 0, closed: [] as number[], returned: false };
  async function* frames(): AsyncGenerator<Frame, void, undefined> {
    try {
      for (let index = from; index < length; index++) {
        state.most = Math.max(state.most, ++state.open);
        yield {
          index,
          timestamp: index / FPS,
          width: WIDTH,
          height: HEIGHT,
          async rasterize(width, height, options): Promise<PixelBuffer> {
            if (slow) await new Promise((done) => setTimeout(done, slow));
            const data = scene(width, height, color(index));
            data.set([index >> 8, index & 255, options?.region ? 1 : 0]);
            return { width, height, format: 'rgb', data };
          },
          close() {
            state.open--;
            state.closed.push(index);
          },
        };
      }
    } finally {
      state.returned = true;
    }
  }
  return { frames, state };
}

/** 8 × 5 patches around a gray; other greys than those of its quarter of all are another scene. */
function scene(width: number, height: number, gray: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const patch = Math.floor(((i % width) * 8) / width) + 8 * Math.floor((Math.floor(i / width) * 5) / height);
    data.fill(gray + ((Math.imul(patch + 1, 7919 + 2 * (gray >> 6)) >> 3) % 32), 3 * i, 3 * i + 3);
  }
  return data;
}

const faceAt = (x: number, y: number, score = 0.9, side = 40): Face => ({
  box: { x, y, width: side, height: side * 1.2 },
  score,
});

/** A detector that finds what `truth` says of a frame, after `delay(index)` ms; several calls at once. */
function seer(
  truth: (index: number) => readonly Face[],
  { concurrency = 2, delay = (_: number): number => 0, detectedIndices = [] as number[] } = {},
): Detector & { detectedIndices: number[]; running: () => number } {
  let running = 0;
  let most = 0;
  return {
    concurrency,
    detectedIndices,
    running: () => most,
    async detect(image, { signal } = {}) {
      signal?.throwIfAborted();
      const pixels = 'rasterize' in image ? await image.rasterize(64, 36) : image;
      const index = (pixels.data[0]! << 8) | pixels.data[1]!;
      detectedIndices.push(index);
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, delay(index)));
      running--;
      return [...truth(index)];
    },
    async detectBatch(images, options) {
      return Promise.all(images.map((image) => this.detect(image, options)));
    },
    async warmup() {},
    async drain() {},
    async dispose() {},
  };
}

async function collect(options: VideoDetectorOptions, source: AsyncIterable<Frame>) {
  const video = createVideoDetector(options);
  const results: Omit<FrameResult, 'frame'>[] = [];
  for await (const { frame: _, ...rest } of video.run(source)) results.push(rest);
  return { results, video };
}

const walk = (index: number) => [faceAt(50 + 4 * index, 80), faceAt(500 - 3 * index, 200)];

describe('run', () => {
  it('yields results in order, even if detections finish out of order, and closes each frame', async () => {
    const { frames, state } = film(60);
    const detector = seer(walk, { concurrency: 3, delay: (i) => (i * 7) % 5 });
    const { results, video } = await collect({ detector }, frames());
    expect(results.map((r) => r.index)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(results.slice(1).every((r) => r.faces.length === 2 && r.faces.every((f) => f.state === 'detected'))).toBe(
      true,
    );
    expect(new Set(results.flatMap((r) => r.faces.map((f) => f.id))).size).toBe(2);
    expect(state.open).toBe(0);
    expect(state.closed).toEqual(results.map((r) => r.index));
    expect(detector.running()).toBeGreaterThan(1);
    expect(state.most).toBeLessThanOrEqual(3 * 2 + 2);
    expect(video.statistics).toMatchObject({ totalFrames: 60, identities: 2, detectedFrames: 60, failedFrames: 0 });
    expect(video.statistics.avgFacesPerFrame).toBeCloseTo(results.reduce((n, r) => n + r.faces.length, 0) / 60);
  });

  it('keeps a frame open for as long as the consumer has it', async () => {
    const { frames, state } = film(10);
    const video = createVideoDetector({ detector: seer(walk) });
    for await (const { index } of video.run(frames())) {
      await new Promise((done) => setTimeout(done, 2));
      expect(state.closed).not.toContain(index);
    }
    expect(state.open).toBe(0);
  });

  it('closes everything when the consumer leaves early', async () => {
    const { frames, state } = film(100);
    const video = createVideoDetector({ detector: seer(walk, { delay: () => 3 }), lookAhead: 0.2 });
    for await (const { index } of video.run(frames())) if (index === 5) break;
    expect(state.open).toBe(0);
    expect(state.returned).toBe(true);
  });

  it('closes everything when the consumer leaves while "auto" still makes up its mind', async () => {
    const { frames, state } = film(100, { slow: 5 });
    const video = createVideoDetector({ detector: seer(walk), detectEvery: 'auto' });
    for await (const { index } of video.run(frames())) if (index === 3) break;
    await new Promise((done) => setTimeout(done, 50));
    expect(state.open).toBe(0);
  });

  it('gives each result at once, though timestamps are missing, where nothing needs them', async () => {
    const { frames, state } = film(40);
    async function* timeless() {
      for await (const frame of frames()) yield { ...frame, timestamp: NaN };
    }
    const video = createVideoDetector({ detector: seer(walk), tracker: false });
    const most: number[] = [];
    for await (const { index } of video.run(timeless())) most[index] = state.open;
    expect(most).toHaveLength(40);
    expect(Math.max(...most)).toBeLessThanOrEqual(6);
  });

  it('ends with the reason of an aborted signal, even where the source gives nothing more', async () => {
    const controller = new AbortController();
    let open = 0;
    async function* stuck(): AsyncGenerator<Frame> {
      open++;
      yield {
        index: 0,
        timestamp: 0,
        width: 8,
        height: 8,
        rasterize: (w, h) => ({ width: w, height: h, format: 'gray', data: new Uint8Array(w * h) }),
        close: () => void open--,
      };
      await new Promise(() => {});
    }
    const video = createVideoDetector({ detector: seer(() => []) });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(
      (async () => {
        for await (const _ of video.run(stuck(), { signal: controller.signal }));
      })(),
    ).rejects.toBe(reason);
    expect(open).toBe(0);
  });

  it('returns the results before the source fails, then throws its error', async () => {
    async function* broken() {
      yield* film(7).frames();
      throw new FaceDetError('VIDEO_BROKEN', 'the file ends here');
    }
    const video = createVideoDetector({ detector: seer(walk), lookAhead: 0.12 });
    const indices: number[] = [];
    await expect(
      (async () => {
        for await (const { index } of video.run(broken())) indices.push(index);
      })(),
    ).rejects.toMatchObject({ code: 'VIDEO_BROKEN' });
    expect(indices).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('works on a real detector without an engine', async () => {
    const detector = await createDetector({
      backend: fakeBackend({ faces: [faceAt(100, 100)] }),
      model: new Uint8Array(1),
      inputSize: { width: 640, height: 384 },
      rotate: 0,
      scoreThreshold: 0.1,
    });
    const { results } = await collect({ detector }, film(12).frames());
    expect(results.at(-1)!.faces).toHaveLength(1);
  });
});

/**
 * Runs `work` on a clock that stands still but for its timers: every duration is exact, however busy the machine is.
 */
async function onFakeClock<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers();
  try {
    let done = false;
    const result = work().finally(() => (done = true));
    result.catch(() => {});
    while (!done) await vi.advanceTimersByTimeAsync(1);
    return await result;
  } finally {
    vi.useRealTimers();
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

describe('statistics', () => {
  it('are reported after each result: counts, rate and the time of each stage', async () => {
    const reported: VideoStatistics[] = [];
    async function* source() {
      for await (const frame of film(12).frames()) {
        await pause(4);
        yield frame;
      }
    }
    const video = createVideoDetector({ detector: seer(walk, { concurrency: 1, delay: () => 6 }) });
    const seconds = await onFakeClock(async () => {
      const begin = performance.now();
      let last = begin;
      for await (const _ of video.run(source(), { onProgress: (statistics) => reported.push(statistics) })) {
        last = performance.now();
        await pause(8);
      }
      return (last - begin) / 1000;
    });
    expect(reported.map(({ totalFrames }) => totalFrames)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(reported.at(-1)).toEqual(video.statistics);
    const { avgFps, msPerFrame } = video.statistics;
    expect(avgFps).toBeCloseTo(12 / seconds, 6);
    expect(msPerFrame).toEqual({ source: 4, detect: 6, track: 0, smooth: 0, consumer: 8 });
    video.reset();
    expect(video.statistics).toMatchObject({
      totalFrames: 0,
      avgFps: 0,
      identities: 0,
      msPerFrame: { source: 0, detect: 0, track: 0, smooth: 0, consumer: 0 },
    });
  });

  it('tell tracking from smoothing', async () => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const taking =
      <A extends unknown[], R>(ms: number, work: (...parameters: A) => R) =>
      (...parameters: A): R => {
        now += ms;
        return work(...parameters);
      };
    const [tracker, smoother] = [createTracker<Face>(), createSmoother()];
    const smooth = taking(1, smoother.smooth as (...parameters: unknown[]) => never);
    const video = createVideoDetector({
      detector: seer(walk),
      tracker: { ...tracker, update: taking(3, tracker.update) },
      smoother: { ...smoother, smooth },
    });
    for await (const frame of film(5).frames()) await video.process(frame);
    clock.mockRestore();
    expect(video.statistics.msPerFrame).toEqual({ source: 0, detect: 0, track: 3, smooth: 1, consumer: 0 });
  });
});

describe('process', () => {
  it('gives frame by frame what run gives, and leaves the frames open', async () => {
    for (const extra of [{}, { detectEvery: 3 }, { detectEvery: 'auto' as const }]) {
      const { results } = await collect({ detector: seer(walk, { concurrency: 1 }), ...extra }, film(30).frames());
      const { frames, state } = film(30);
      const video = createVideoDetector({ detector: seer(walk, { concurrency: 1 }), ...extra });
      const single: Omit<FrameResult, 'frame'>[] = [];
      for await (const frame of frames()) {
        const { frame: same, ...rest } = await video.process(frame);
        expect(same).toBe(frame);
        single.push(rest);
      }
      expect(single).toEqual(results);
      expect(state.closed).toEqual([]);
      expect(video.statistics.totalFrames).toBe(30);
    }
  });

  it('rejects with what the detector threw, or the reason of its signal, and goes on with the next frame', async () => {
    const detector = seer((i) => {
      if (i === 1) throw new FaceDetError('WORKER_CRASHED', 'gone');
      return walk(i);
    });
    const video = createVideoDetector({ detector });
    const frames = [];
    for await (const frame of film(4).frames()) frames.push(frame);
    await video.process(frames[0]!);
    await expect(video.process(frames[1]!)).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    const reason = new Error('enough');
    await expect(video.process(frames[2]!, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await video.process(frames[3]!)).faces.map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('track IDs', () => {
  it('are carried by detections between the low and the high threshold', async () => {
    const truth = (i: number) => [faceAt(100 + i, 100, i > 5 && i < 30 ? 0.2 : 0.9)];
    const { results } = await collect({ detector: seer(truth) }, film(40).frames());
    expect(results.slice(1).every((r) => r.faces.length === 1 && r.faces[0]!.id === 1)).toBe(true);
    expect(results[20]!.faces[0]!.score).toBeCloseTo(0.2, 1);
  });

  it('are null without a tracker, and every face above the threshold is shown', async () => {
    const truth = () => [faceAt(100, 100), faceAt(300, 100, 0.3)];
    const { results } = await collect(
      { detector: seer(truth), tracker: false, displayThreshold: 0.5 },
      film(3).frames(),
    );
    expect(results.map((r) => r.faces.map((f) => f.id))).toEqual([[null], [null], [null]]);
  });

  it('end at a shot cut with another face in the same place', async () => {
    const color = (i: number) => (i < 20 ? 40 : 220);
    const at = (i: number) => [faceAt(100, 100, 0.9)].slice(0, i < 0 ? 0 : 1);
    const { results } = await collect({ detector: seer(at) }, film(40, { color }).frames());
    expect(results.filter((r) => r.cut).map((r) => r.index)).toEqual([20]);
    expect(results[19]!.faces[0]!.id).not.toBe(results[25]!.faces[0]!.id);
    const without = await collect({ detector: seer(at), shotCuts: false }, film(40, { color }).frames());
    expect(new Set(without.results.flatMap((r) => r.faces.map((f) => f.id))).size).toBe(1);
  });
});

describe('key frames', () => {
  it('are every n-th; in between, tracks are predicted', async () => {
    const detector = seer(walk);
    const { results, video } = await collect({ detector, detectEvery: 3 }, film(60).frames());
    expect(detector.detectedIndices.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 3 * i));
    const late = results.slice(12);
    expect(
      late.every(
        (r) => r.faces.length === 2 && r.faces.every((f) => f.state === (r.index % 3 ? 'predicted' : 'detected')),
      ),
    ).toBe(true);
    for (const r of late.filter((x) => x.index % 3))
      expect(
        Math.abs(r.faces.find((f) => f.id === results[12]!.faces[0]!.id)!.box.y - results[12]!.faces[0]!.box.y),
      ).toBeLessThan(3);
    expect(video.statistics.detectedFrames).toBe(20);
  });

  it('hand their landmarks on: in between they move with the predicted box', async () => {
    const landmarked = (i: number): Face[] =>
      walk(i).map((face) => ({
        ...face,
        landmarks: [0.3, 0.7, 0.5, 0.35, 0.65].map((u, k) => ({
          x: face.box.x + u * 40,
          y: face.box.y + 10 * (k >> 1) + 12,
        })) as Face['landmarks'] & object,
      }));
    const { results } = await collect(
      { detector: seer(landmarked), detectEvery: 3, smoother: false },
      film(40).frames(),
    );
    const predicted = results
      .slice(20)
      .flatMap((r) => r.faces.map((face) => ({ ...face, truth: landmarked(r.index)[face.id! - 1]! })))
      .filter(({ state }) => state === 'predicted');
    expect(predicted.length).toBeGreaterThan(20);
    for (const { landmarks, truth } of predicted)
      for (const [k, { x, y }] of landmarks!.entries())
        expect(Math.hypot(x - truth.landmarks![k]!.x, y - truth.landmarks![k]!.y)).toBeLessThan(3);
  });

  it('come rarely where nothing moves and at once where something does, with "auto", the same each time', async () => {
    const still = seer(() => [faceAt(100, 100)]);
    await collect({ detector: still, detectEvery: 'auto' }, film(100).frames());
    const wild = seer((i) => [faceAt(100 + 60 * Math.sin(i / 2), 100)]);
    await collect({ detector: wild, detectEvery: 'auto' }, film(100).frames());
    const again = seer((i) => [faceAt(100 + 60 * Math.sin(i / 2), 100)], { delay: (i) => i % 4 });
    await collect({ detector: again, detectEvery: 'auto' }, film(100).frames());
    expect(still.detectedIndices.length).toBeLessThan(25);
    expect(wild.detectedIndices.length).toBeGreaterThan(60);
    expect([...again.detectedIndices].sort((a, b) => a - b)).toEqual([...wild.detectedIndices].sort((a, b) => a - b));
  });

  it('with refine, the detector runs on crops around the predicted faces in between', async () => {
    // This detector finds the face in the whole frame, and in crops at their middle.
    const calls = { whole: 0, crops: 0 };
    const detector: Detector = {
      ...seer(walk),
      async detect() {
        calls.whole++;
        return [faceAt(100, 100)];
      },
      async detectBatch(images) {
        calls.crops += images.length;
        return images.map((image) => [
          { box: { x: image.width / 2 - 20, y: image.height / 2 - 24, width: 40, height: 48 }, score: 0.8 },
        ]);
      },
    };
    const { results, video } = await collect({ detector, detectEvery: 5, refine: true }, film(30).frames());
    expect(calls.whole).toBe(6);
    expect(calls.crops).toBe(24);
    expect(
      results
        .slice(2)
        .every(
          (r) => r.faces.length === 1 && r.faces[0]!.state === 'detected' && Math.abs(r.faces[0]!.box.x - 100) < 2,
        ),
    ).toBe(true);
    expect(video.statistics).toMatchObject({ detectedFrames: 6, refinedFrames: 24 });
  });
});

describe('look-ahead', () => {
  const gap = (i: number) => (i >= 20 && i < 26 ? [] : [faceAt(100 + 2 * i, 100)]);

  it('interpolates linearly between two detections of one track', async () => {
    const plain = await collect({ detector: seer(gap), smoother: false }, film(50).frames());
    expect(plain.results[22]!.faces).toHaveLength(0);
    const { results } = await collect({ detector: seer(gap), smoother: false, lookAhead: 0.6 }, film(50).frames());
    expect(results.map((r) => r.index)).toEqual(plain.results.map((r) => r.index));
    for (const r of results.slice(20, 26)) {
      expect(r.faces.map((f) => [f.id, f.state])).toEqual([[1, 'interpolated']]);
      expect(Math.abs(r.faces[0]!.box.x - (100 + 2 * r.index))).toBeLessThan(4);
    }
  });

  it('does not fill what lies further back than it holds', async () => {
    const { results } = await collect({ detector: seer(gap), lookAhead: 0.08 }, film(50).frames());
    expect(results[20]!.faces).toHaveLength(0);
  });

  it('reaches back to the first appearance, over detections too weak to begin a track', async () => {
    const grows = (i: number) => (i < 10 ? [] : [faceAt(100 + i, 100, i < 18 ? 0.3 : 0.9)]);
    const plain = await collect({ detector: seer(grows) }, film(40).frames());
    expect(plain.results.findIndex((r) => r.faces.length)).toBeGreaterThanOrEqual(18);
    const { results } = await collect({ detector: seer(grows), lookAhead: 0.6 }, film(40).frames());
    expect(results.findIndex((r) => r.faces.length)).toBe(10);
    expect(results.slice(10).every((r) => r.faces.length === 1 && r.faces[0]!.id === results[30]!.faces[0]!.id)).toBe(
      true,
    );
  });

  it.each([
    ['', {}],
    [', by crops', { refine: true }],
  ])(
    'adds faces that may have appeared since the last key frame to `unassigned`%s, also across a shot cut',
    async (_, extra) => {
      // Somebody at the left always; somebody comes at frame 7; at frame 22 all is another scene, with one other
      // person.
      const [first, comes, other] = [faceAt(100, 100), faceAt(400, 100, 0.4), faceAt(250, 200)];
      const whole = (i: number) => (i >= 22 ? [other] : i >= 7 ? [first, comes] : [first]);
      const detector = seer(whole);
      detector.detectBatch = async (images) =>
        images.map(({ width, height }) => [
          { box: { x: width / 2 - 20, y: height / 2 - 24, width: 40, height: 48 }, score: 0.9 },
        ]);
      const { results } = await collect(
        { detector, detectEvery: 5, lookAhead: 0.8, ...extra },
        film(40, { color: (i) => (i < 22 ? 40 : 220) }).frames(),
      );
      expect(results.filter((r) => r.cut).map((r) => r.index)).toEqual([22]);
      const hidden = (r: { faces: readonly Face[]; unassigned: readonly Face[] }, { box }: Face) =>
        [...r.faces, ...r.unassigned].some((f) => Math.abs(f.box.x - box.x) < 5 && Math.abs(f.box.y - box.y) < 5);
      for (const r of results)
        for (const face of whole(r.index)) expect([r.index, hidden(r, face)]).toEqual([r.index, true]);
      // Whom nobody saw is no row.
      expect(results.slice(6, 10).every((r) => r.faces.every((f) => f.id === 1))).toBe(true);
      expect(results.slice(22).every((r) => r.faces.every((f) => f.id !== 1))).toBe(true);
    },
  );

  it('replaces predictions between key frames', async () => {
    const { results } = await collect({ detector: seer(walk), detectEvery: 4, lookAhead: 0.4 }, film(60).frames());
    expect(
      results
        .slice(8, 48)
        .filter((r) => r.index % 4)
        .every((r) => r.faces.length === 2 && r.faces.every((f) => f.state === 'interpolated')),
    ).toBe(true);
  });
});

describe('errors of one frame', () => {
  const failing = (bad: number) =>
    seer((i) => {
      if (i === bad) throw new FaceDetError('WORKER_CRASHED', 'gone');
      return walk(i);
    });

  it('stop the run by default, after the results before it', async () => {
    const indices: number[] = [];
    const { frames, state } = film(30);
    const video = createVideoDetector({ detector: failing(10) });
    await expect(
      (async () => {
        for await (const { index } of video.run(frames())) indices.push(index);
      })(),
    ).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    expect(indices).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(state.open).toBe(0);
  });

  it('are reported and skipped if the caller says so; tracks continue', async () => {
    const { results, video } = await collect({ detector: failing(10), onError: 'skip' }, film(30).frames());
    expect(results).toHaveLength(30);
    expect(results.filter((r) => r.error).map((r) => r.index)).toEqual([10]);
    expect(results[10]!.faces.every((f) => f.state === 'predicted')).toBe(true);
    expect(results[29]!.faces.map((f) => f.id).sort()).toEqual([1, 2]);
    expect(video.statistics.failedFrames).toBe(1);
  });

  const bad: [string, VideoDetectorOptions, (frame: Frame) => Frame, string][] = [
    [
      'a picture that "auto" cannot scale',
      { detector: seer(walk), detectEvery: 'auto' },
      (frame) => ({ ...frame, rasterize: () => Promise.reject(new FaceDetError('VIDEO_BROKEN', 'gray')) }),
      'VIDEO_BROKEN',
    ],
    [
      'a detection with NaN',
      { detector: seer((i) => (i === 10 ? [faceAt(NaN, 80)] : walk(i))) },
      (frame) => frame,
      'INVALID_DETECTION',
    ],
    [
      'a time that stands still',
      { detector: seer(walk) },
      (frame) => ({ ...frame, timestamp: 9 / FPS }),
      'TIMESTAMP_NOT_INCREASING',
    ],
    [
      'a time that runs back, between key frames',
      {
        detector: { ...seer(walk), detectBatch: async (images) => images.map(() => []) },
        detectEvery: 3,
        refine: true,
      },
      (frame) => ({ ...frame, timestamp: 0.2 }),
      'TIMESTAMP_NOT_INCREASING',
    ],
  ];

  it.each(bad)('may be %s', async (_, options, spoil, code) => {
    const spoilt = async function* () {
      for await (const frame of frames.frames()) yield frame.index === 10 ? spoil(frame) : frame;
    };
    let frames = film(30);
    const indices: number[] = [];
    const video = createVideoDetector(options);
    await expect(
      (async () => {
        for await (const { index } of video.run(spoilt())) indices.push(index);
      })(),
    ).rejects.toMatchObject({ code });
    expect(indices).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(frames.state.open).toBe(0);
    expect(video.snapshot()).toMatchObject({ lastIndex: 9, processed: 9 });

    frames = film(30);
    const { results, video: skipping } = await collect({ ...options, onError: 'skip' }, spoilt());
    expect(results.map((r) => r.index)).toEqual(Array.from({ length: 30 }, (__, i) => i));
    expect(results.filter((r) => r.error).map((r) => [r.index, r.error])).toEqual([
      [10, expect.objectContaining({ code })],
    ]);
    expect(results[10]!.faces.every((f) => f.state === 'predicted')).toBe(true);
    expect(results[27]!.faces.map((f) => f.id).sort()).toEqual([1, 2]);
    expect(skipping.statistics.failedFrames).toBe(1);
    expect(frames.state.open).toBe(0);
  });

  it('make "auto" choose another key frame as soon as their results count', async () => {
    let failed = -1;
    const detector = seer(
      (i) => {
        if (failed >= 0 || i < 30) return [faceAt(100, 100)];
        failed = i;
        throw new FaceDetError('WORKER_CRASHED', 'gone');
      },
      { concurrency: 1 },
    );
    const { results } = await collect({ detector, detectEvery: 'auto', onError: 'skip' }, film(60).frames());
    expect(results.filter((r) => r.error).map((r) => r.index)).toEqual([failed]);
    expect(results.find((r) => r.index > failed && r.detectorRan)!.index).toBeLessThanOrEqual(failed + 2);
  });

  it('are still reported when results that were held back come out of a snapshot', async () => {
    const options: VideoDetectorOptions = { detector: failing(10), onError: 'skip', lookAhead: 0.4 };
    const first = createVideoDetector(options);
    let saved: VideoSnapshot | null = null;
    for await (const { index } of first.run(film(30).frames())) {
      if (index !== 5) continue;
      saved = JSON.parse(JSON.stringify(first.snapshot())) as VideoSnapshot;
      break;
    }
    expect(saved!.processed).toBeGreaterThan(10);
    const second = createVideoDetector(options);
    second.restore(saved!);
    const failed: FrameResult[] = [];
    for await (const result of second.run(film(30, { from: 6 }).frames())) if (result.error) failed.push(result);
    expect(failed).toEqual([
      expect.objectContaining({
        index: 10,
        error: expect.objectContaining({ name: 'FaceDetError', code: 'WORKER_CRASHED', message: 'gone' }),
      }),
    ]);
    expect(second.statistics.failedFrames).toBe(1);
  });
});

describe('live', () => {
  it('drops what it has no time for, never falls behind and keeps few frames open', async () => {
    const { frames, state } = film(200);
    async function* camera() {
      for await (const frame of frames()) {
        await pause(1);
        yield frame;
      }
    }
    const detector = seer(walk, { concurrency: 1, delay: () => 12 });
    const { results, video } = await onFakeClock(() => collect({ detector, live: true }, camera()));
    // A frame comes each millisecond, a result every twelve; the newest frame waits, so the last one has a result too.
    expect(results.map((r) => r.index)).toEqual(expect.arrayContaining([0, 199]));
    expect(results.length).toBe(Math.ceil(200 / 12) + 1);
    expect(video.statistics.droppedFrames).toBe(200 - results.length);
    expect(state.most).toBeLessThanOrEqual(4);
    expect(state.open).toBe(0);
  });
});

describe('live with "auto"', () => {
  it('compares with the picture of the last key frame that was processed, not of one that was dropped', async () => {
    // No motion for 50 frames. During the next detection six frames come at once; from the second of them the borders
    // have another color.
    let open = () => {};
    let blocked: number | null = null;
    const detector = seer(() => [faceAt(100, 100)], { concurrency: 1 });
    const detect = detector.detect.bind(detector);
    detector.detect = async (image, options) => {
      const faces = await detect(image, options);
      if (blocked === null && detector.detectedIndices.at(-1)! >= 50) {
        blocked = detector.detectedIndices.at(-1)!;
        await new Promise<void>((done) => (open = done));
      }
      return faces;
    };
    let results = 0;
    // of the same color class: no cut
    const color = (index: number) => (blocked !== null && index > blocked + 1 ? 120 : 100);
    async function* camera() {
      for await (const frame of film(100, { color }).frames()) {
        yield frame;
        if (blocked !== null && frame.index < blocked + 6) continue;
        if (blocked === null)
          while (results <= frame.index && blocked === null) await new Promise((done) => setTimeout(done));
        else {
          open();
          await new Promise((done) => setTimeout(done, 5));
        }
      }
    }
    const video = createVideoDetector({ detector, detectEvery: 'auto', live: true, tracker: { maxLostSeconds: 10 } });
    for await (const _ of video.run(camera())) results++;
    expect(video.statistics.droppedFrames).toBeGreaterThan(2);
    const next = detector.detectedIndices.find((index) => index > blocked!)!;
    expect(next).toBeLessThanOrEqual(blocked! + 7);
  });
});

describe('snapshots', () => {
  const busy = (i: number) =>
    i % 11 === 3 ? [] : [...walk(i), ...(i > 14 ? [faceAt(300, 20 + i, i % 5 ? 0.9 : 0.2)] : [])];

  for (const [name, extra] of [
    ['plain', {}],
    ['look-ahead', { lookAhead: 0.3 }],
    ['every third', { detectEvery: 3 }],
    ['auto', { detectEvery: 'auto' as const, lookAhead: 0.2 }],
  ] as const) {
    it(`go on with the same rows: ${name}`, async () => {
      const whole = (await collect({ detector: seer(busy), ...extra }, film(60).frames())).results;
      for (const stop of [1, 17, 33]) {
        const first = createVideoDetector({ detector: seer(busy), ...extra });
        const rows: Omit<FrameResult, 'frame'>[] = [];
        let saved: VideoSnapshot | null = null;
        for await (const { frame: _, ...rest } of first.run(film(60).frames())) {
          rows.push(rest);
          if (rest.index === stop) {
            saved = JSON.parse(JSON.stringify(first.snapshot())) as VideoSnapshot;
            break;
          }
        }
        const second = createVideoDetector({ detector: seer(busy), ...extra });
        second.restore(saved!);
        for await (const { frame: _, ...rest } of second.run(film(60, { from: stop + 1 }).frames())) rows.push(rest);
        expect(rows.map((r) => [r.index, r.faces])).toEqual(whole.map((r) => [r.index, r.faces]));
      }
    });
  }

  it('lose no row where the source breaks again before it is as far as it was', async () => {
    const options = { detector: seer(busy), lookAhead: 0.4 };
    const indices: number[] = [];
    const part = async (from: number, saved: VideoSnapshot | null, end: (index: number) => boolean) => {
      const video = createVideoDetector(options);
      if (saved) video.restore(saved);
      async function* breaking() {
        for await (const frame of film(60, { from }).frames()) {
          yield frame;
          if (end(frame.index)) throw new FaceDetError('VIDEO_BROKEN', 'gone');
        }
      }
      try {
        for await (const { index } of video.run(breaking())) indices.push(index);
      } catch (error) {
        expect(error).toMatchObject({ code: 'VIDEO_BROKEN' });
      }
      return JSON.parse(JSON.stringify(video.snapshot())) as VideoSnapshot;
    };
    const video = createVideoDetector(options);
    let saved!: VideoSnapshot;
    for await (const { index } of video.run(film(60).frames())) {
      indices.push(index);
      saved = JSON.parse(JSON.stringify(video.snapshot())) as VideoSnapshot;
      if (index === 9) break;
    }
    saved = await part(10, saved, (index) => index === 12);
    expect(indices.at(-1)).toBe(12);
    await part(13, saved, () => false);
    expect(indices).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('are values: what comes later does not change them', async () => {
    const video = createVideoDetector({ detector: seer(busy), detectEvery: 'auto', lookAhead: 0.2 });
    const taken: [VideoSnapshot, string][] = [];
    for await (const _ of video.run(film(40).frames()))
      taken.push([video.snapshot(), JSON.stringify(video.snapshot())]);
    expect(
      taken.filter(([snapshot, text]) => JSON.stringify(snapshot) !== text).map(([{ lastIndex }]) => lastIndex),
    ).toEqual([]);
  });

  it('refuses invalid snapshots', async () => {
    const video = createVideoDetector({ detector: seer(walk) });
    for await (const { index } of video.run(film(60).frames())) if (index === 5) break;
    const good = video.snapshot();
    for (const none of [
      {},
      null,
      { version: 1, tracker: good.tracker },
      { ...good, visibleIds: {} },
      { ...good, pending: null },
      { ...good, tracker: null },
      { ...good, smoother: null },
      { ...good, schedule: undefined },
    ]) {
      expect(() => video.restore(none as never)).toThrow(expect.objectContaining({ code: 'INVALID_SNAPSHOT' }));
    }
  });
});

it.each([
  [{ detectEvery: 0 }, 'detectEvery'],
  [{ lookAhead: 100 }, 'lookAhead'],
  [{ live: true, lookAhead: 1 }, 'live'],
  [{ tracker: false as const, detectEvery: 2 }, 'tracker'],
  [{ detector: undefined as never }, 'detector'],
  [{ detector: { ...seer(walk), concurrency: undefined as never } }, 'concurrency'],
  [{ detectEvery: 2, refine: { scale: NaN } }, 'scale'],
])('refuses %j', (options, words) => {
  expect(() => createVideoDetector({ detector: seer(walk), ...options })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) }),
  );
});
