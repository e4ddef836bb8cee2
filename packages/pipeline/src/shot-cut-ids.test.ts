import { isRasterSource, type Detector, type Face, type Frame, type RasterSource } from '@facedet/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { blend, framesOf, shot } from './fixtures/shots.fixture.ts';
import { initialShotState, nextShotState } from './shot-cut.ts';
import { thumbnailOf } from './shot-thumbnail.ts';
import type { FrameResult, VideoDetectorOptions } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

/** Cuts between two places of one room, in the same light; none is a multiple of 2, 3, 5 or 10 frames. */
const CUTS = [17, 31, 49];
const LENGTH = 61;
const frames = framesOf([
  ...shot(1, 17),
  ...shot(1, 14, { x: 240, y: 190 }),
  ...shot(1, 18),
  ...shot(1, 12, { x: 240, y: 190 }),
]);

/** The worst case: in every frame somebody is in the same place, before and after a cut. */
const face: Face = { box: { x: 30, y: 15, width: 20, height: 24 }, score: 0.9 };

function detectorOf(options: { asks?: boolean; fails?: (call: number) => boolean } = {}): Detector {
  const { asks = true, fails = () => false } = options;
  let calls = 0;
  return {
    concurrency: 2,
    async detect(image) {
      const call = calls++;
      if (asks && 'rasterize' in image) await image.rasterize(64, 36);
      if (fails(call)) throw new Error('failed');
      return [face];
    },
    detectBatch: async (images) =>
      images.map(({ width, height }) => [
        { box: { x: width / 2 - 10, y: height / 2 - 12, width: 20, height: 24 }, score: 0.9 },
      ]),
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  };
}

/** IDs of each shot. */
function idsOf(results: readonly FrameResult[]): number[][] {
  const shots: Set<number>[] = CUTS.concat(0).map(() => new Set());
  for (const { index, faces } of results)
    for (const { id } of faces) shots[CUTS.filter((cut) => cut <= index).length]!.add(id!);
  return shots.map((ids) => [...ids]);
}

async function runAll(
  options: Partial<VideoDetectorOptions>,
  source: Iterable<Frame> = frames,
): Promise<FrameResult[]> {
  const results: FrameResult[] = [];
  for await (const result of createVideoDetector({ detector: detectorOf(), ...options }).run(source))
    results.push(result);
  return results;
}

describe('no ID is on both sides of a cut', () => {
  it.each<[string, Partial<VideoDetectorOptions>]>([
    ['by default', {}],
    ['every 2nd frame', { detectEvery: 2 }],
    ['every 10th frame', { detectEvery: 10 }],
    ['every 5th frame, crops between', { detectEvery: 5, refine: true }],
    ['every 5th frame, with look-ahead', { detectEvery: 5, lookAhead: 0.5 }],
    ["frames chosen by 'auto'", { detectEvery: 'auto' }],
    ["frames chosen by 'auto', crops and look-ahead", { detectEvery: 'auto', refine: true, lookAhead: 1 }],
    ['a detector that asks for no pixels', { detector: detectorOf({ asks: false }) }],
  ])('%s', async (_, options) => {
    const results = await runAll(options);
    expect(results).toHaveLength(LENGTH);
    expect(results.filter(({ cut }) => cut).map(({ index }) => index)).toEqual(CUTS);
    expect(idsOf(results)).toEqual([[1], [2], [3], [4]]);
    // Tracks are confirmed in the first frame of a shot, which the detector always sees.
    for (const cut of [0, ...CUTS])
      expect(results[cut]).toMatchObject({ detectorRan: true, faces: [{ state: 'detected' }] });
  });

  it('frame by frame', async () => {
    for (const detectEvery of [1, 4, 'auto'] as const) {
      const video = createVideoDetector({ detector: detectorOf(), detectEvery });
      const results: FrameResult[] = [];
      for (const frame of frames) results.push(await video.process(frame));
      expect(idsOf(results)).toEqual([[1], [2], [3], [4]]);
    }
  });

  it('where frames are dropped, though then a shot may be missed', async () => {
    for (const detectEvery of [1, 2, 'auto'] as const) {
      const kept = frames.filter(({ index }) => index % 3 !== 1 || index > 40);
      expect(idsOf(await runAll({ detectEvery }, kept))).toEqual([[1], [2], [3], [4]]);
    }
  });

  it('where the detector fails right at the cut', async () => {
    for (const detectEvery of [1, 2] as const) {
      const at = detectEvery === 1 ? 17 : 9; // the call for frame 17
      const results = await runAll({
        detectEvery,
        onError: 'skip',
        detector: detectorOf({ fails: (call) => call === at }),
      });
      expect(results.filter(({ error }) => error).map(({ index }) => index)).toEqual([17]);
      expect(results[17]).toMatchObject({ cut: true, faces: [] });
      expect(idsOf(results)).toEqual([[1], [2], [3], [4]]);
    }
  });

  it('where a run goes on from a snapshot, at any frame', async () => {
    for (const [detectEvery, lookAhead] of [
      [1, 0],
      [3, 0],
      [3, 0.3],
      ['auto', 0],
    ] as const) {
      const options = { detectEvery, lookAhead };
      const whole = await runAll(options);
      for (const stop of [0, 9, 16, 17, 18, 30, 31, 40]) {
        const first = createVideoDetector({ detector: detectorOf(), ...options });
        const results: FrameResult[] = [];
        for await (const result of first.run(frames)) {
          results.push(result);
          if (result.index === stop) break;
        }
        const second = createVideoDetector({ detector: detectorOf(), ...options });
        second.restore(JSON.parse(JSON.stringify(first.snapshot())));
        for await (const result of second.run(frames.slice(stop + 1))) results.push(result);
        const plain = (all: readonly FrameResult[]) =>
          all.map(({ index, cut, faces }) => [index, cut, faces.map(({ id }) => id)]);
        expect(plain(results)).toEqual(plain(whole));
      }
    }
  });
});

describe('a change of the picture that is nearly a cut', () => {
  const [before, after] = [shot(1, 17), shot(31, 1)];
  const mixedWith = (share: number) => framesOf([...before, ...before.map((frame) => blend(frame, after[0]!, share))]);

  /** Whether frame 17 is suspected, in the pixels of the detector and in those asked for skipped frames. */
  async function isSuspected(film: readonly Frame[]): Promise<boolean> {
    const verdicts: boolean[] = [];
    for (const [width, height] of [
      [64, 36],
      [96, 60],
    ] as const) {
      let state = initialShotState();
      for (const frame of film.slice(0, 18)) {
        const pixels = await (frame as RasterSource).rasterize(width, height);
        state = nextShotState(state, thumbnailOf(pixels), frame.timestamp);
      }
      verdicts.push(state.suspected);
    }
    return verdicts.every(Boolean);
  }

  let mixed: Frame[] = [];
  beforeAll(async () => {
    const suspected: Frame[][] = [];
    for (let step = 0; step < 60; step++) {
      const film = mixedWith(step / 60);
      if (await isSuspected(film)) suspected.push(film);
    }
    mixed = suspected[suspected.length >> 1]!;
  });

  it.each([1, 2, 10, 'auto'] as const)('ends tracks without a reported cut, detectEvery: %s', async (detectEvery) => {
    const results = await runAll({ detectEvery }, mixed);
    expect(results.filter(({ cut }) => cut)).toEqual([]);
    expect(results.map(({ faces }) => faces.map(({ id }) => id))).toEqual(mixed.map((_, i) => [i < 17 ? 1 : 2]));
    expect(results[17]).toMatchObject({ detectorRan: true, faces: [{ state: 'detected' }] });
    const video = createVideoDetector({ detector: detectorOf(), detectEvery });
    for (const frame of mixed.slice(0, 17)) await video.process(frame);
    const second = createVideoDetector({ detector: detectorOf(), detectEvery });
    second.restore(JSON.parse(JSON.stringify(video.snapshot())));
    expect((await second.process(mixed[17]!)).faces.map(({ id }) => id)).toEqual([2]);
  });
});

it('shotCuts: false follows tracks over cuts, and asks for no more pixels', async () => {
  let asked = 0;
  const counted = frames.map((frame): Frame => {
    if (!isRasterSource(frame)) throw new Error('expected frames that scale themselves');
    return { ...frame, rasterize: (width, height) => (asked++, frame.rasterize(width, height)) };
  });
  const results = await runAll({ shotCuts: false, detectEvery: 2 }, counted);
  expect(new Set(results.flatMap(({ faces }) => faces.map(({ id }) => id)))).toEqual(new Set([1]));
  expect(asked).toBe(31);
});

it('a small copy that cannot be made of a skipped frame is no error and no cut', async () => {
  const broken = frames
    .slice(0, 17)
    .map((frame): Frame =>
      frame.index === 7 ? ({ ...frame, rasterize: () => Promise.reject(new Error('broken')) } as Frame) : frame,
    );
  const results = await runAll({ detectEvery: 5 }, broken);
  expect(results.map(({ error, cut }) => [error, cut])).toEqual(broken.map(() => [undefined, false]));
  expect(idsOf(results)[0]).toEqual([1]);
});
