import { createDetector, type DetectOptions, type Face } from '@facedet/core';
import { createTracker, type Tracker } from '@facedet/tracker';
import { describe, expect, it } from 'vitest';
import { faceAt, fakeDetector, film } from './fixtures/film.fixture.ts';
import type { FrameResult, VideoDetectorOptions } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

/**
 * A face whose score falls from 0.9 to 0.3 after a few frames, as half hidden ones do, and one of 0.05 that must not
 * be shown.
 */
const fading = (index: number): Face[] => [faceAt(100 + 2 * index, 100, index < 5 ? 0.9 : 0.3), faceAt(400, 200, 0.05)];

async function results(options: VideoDetectorOptions, length = 20): Promise<FrameResult[]> {
  const all: FrameResult[] = [];
  for await (const result of createVideoDetector(options).run(film(length))) all.push(result);
  return all;
}

const thresholds = (calls: readonly DetectOptions[]) => [...new Set(calls.map(({ scoreThreshold }) => scoreThreshold))];

describe('the score that the detector is asked for', () => {
  it("is the tracker's low threshold, so that a default detector keeps the second association", async () => {
    const { detector, calls } = fakeDetector(fading);
    const rows = await results({ detector });
    expect(rows.filter(({ faces }) => faces.some(({ id }) => id === 1))).toHaveLength(20);
    expect(rows.flatMap(({ unassigned }) => unassigned)).toEqual([]);
    expect(thresholds(calls)).toEqual([0.1]);
  });

  it.each([
    [{ preset: 'conservative' as const }, 0.2],
    [{ lowScoreThreshold: 0.25 }, 0.25],
    [{ highScoreThreshold: 0.05, newTrackThreshold: 0.6 }, 0.05],
  ])('is that of the options %j: %d', async (tracker, low) => {
    const { detector, calls } = fakeDetector(fading);
    await results({ detector, tracker });
    expect(thresholds(calls)).toEqual([low]);
  });

  it("is that of the caller's own tracker where it tells one, else the detector's own", async () => {
    const { detector, calls } = fakeDetector(fading);
    const told = await results({ detector, tracker: createTracker<Face>({ lowScoreThreshold: 0.2 }) });
    expect(thresholds(calls)).toEqual([0.2]);
    expect(told.every(({ faces }) => faces.length === 1)).toBe(true);
    calls.length = 0;
    const { lowScoreThreshold: _, ...untold } = createTracker<Face>();
    await results({ detector, tracker: Object.defineProperty(untold, 'tracks', { value: [] }) as Tracker<Face> });
    expect(thresholds(calls)).toEqual([undefined]);
  });

  it('is the same in crops', async () => {
    const { detector, calls } = fakeDetector(fading);
    await results({ detector, detectEvery: 3, refine: true });
    expect(calls.filter(({ inputSize }) => inputSize).length).toBeGreaterThan(5);
    expect(thresholds(calls)).toEqual([0.1]);
  });

  it("without a tracker is the pipeline's own, also below the detector's", async () => {
    const { detector, calls } = fakeDetector(fading);
    expect(
      (await results({ detector, tracker: false, displayThreshold: 0.2 })).every(({ faces }) => faces.length === 1),
    ).toBe(true);
    expect(thresholds(calls)).toEqual([0.2]);
    calls.length = 0;
    expect((await results({ detector, tracker: false })).filter(({ faces }) => faces.length)).toHaveLength(5);
    expect(thresholds(calls)).toEqual([undefined]);
  });

  it('may be ignored by a detector: what is too weak is shown nowhere, what is missing is not invented', async () => {
    const generous = fakeDetector(fading, { scoreThreshold: 0, honours: false }).detector;
    expect(
      (await results({ detector: generous, tracker: false, displayThreshold: 0.2 })).every(
        ({ faces }) => faces.length === 1,
      ),
    ).toBe(true);
    const rows = await results({ detector: generous });
    expect(rows.every(({ faces }) => faces.length === 1 && faces[0]!.id === 1)).toBe(true);
    expect(
      (await results({ detector: fakeDetector(fading, { honours: false }).detector })).filter(
        ({ faces }) => faces.length,
      ),
    ).toHaveLength(5);
  });
});

describe('options', () => {
  const { detector } = fakeDetector(fading);
  it.each<[object, string]>([
    [{ displayThreshold: 0.5 }, 'tracker: { highScoreThreshold, lowScoreThreshold }'],
    [{ tracker: {}, displayThreshold: 0 }, 'displayThreshold only with tracker: false'],
    [{ tracker: false, displayThreshold: 1.1 }, 'a number in [0, 1] for displayThreshold but received 1.1'],
    [{ tracker: false, displayThreshold: '0.5' }, 'displayThreshold'],
    [{ displayTreshold: 0.5 }, 'did you mean displayThreshold?'],
    [{ lookahead: 1 }, 'did you mean lookAhead?'],
    [{ detectevery: 2 }, 'did you mean detectEvery?'],
    [{ refine: { input_size: 64 } }, 'did you mean refine.inputSize?'],
    [{ refine: 2 }, 'true, false or an object for refine but received 2'],
    [{ refine: null }, 'refine'],
    [{ onError: 'ignore' }, "'stop', 'skip' or a function for onError but received \"ignore\""],
    [{ live: 'no' }, 'live'],
    [{ shotCuts: 0 }, 'shotCuts'],
    [{ smoother: {} }, 'a smoother with smooth()'],
    [{ smoother: true }, 'a smoother with smooth()'],
    [{ tracker: null }, 'tracker'],
    [{ tracker: true }, 'tracker'],
    [{ tracker: { update() {} } }, 'a tracker with update(), predict()'],
    [{ tracker: { highScoreThreshold: 2 } }, 'highScoreThreshold'],
    [{ detector: { ...detector, detectBatch: undefined } }, 'detectBatch()'],
    [{ lookAhead: '1' }, 'lookAhead'],
    [{ smoother: 0 }, 'a smoother with smooth()'],
    [{ smoother: '' }, 'a smoother with smooth()'],
    [{ smoother: null }, 'a smoother with smooth()'],
    [{ rotate: '90' }, 'rotate but received "90"'],
    [{ rotate: null }, 'rotate but received null'],
    [{ rotate: false }, 'rotate but received false'],
    [{ rotate: new Array(2).fill(90, 1) }, 'rotate but received [null,90]'],
    [{ rotate: [[90]] }, 'rotate but received [[90]]'],
    [{ rotate: 90n }, 'rotate but received 90n'],
  ])('%o is refused', (options, words) => {
    expect(() => createVideoDetector({ detector, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) }),
    );
  });

  it.each([undefined, null, 5])('%j instead of options is refused', (options) => {
    expect(() => createVideoDetector(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('that are undefined are the defaults, nested ones too', async () => {
    const nothing = {
      tracker: undefined,
      smoother: undefined,
      detectEvery: undefined,
      refine: undefined,
      lookAhead: undefined,
      live: undefined,
      onError: undefined,
      shotCuts: undefined,
      displayThreshold: undefined,
    };
    const strip = (rows: FrameResult[]) => rows.map(({ frame: _, ...row }) => row);
    expect(strip(await results({ detector, ...nothing } as never))).toEqual(strip(await results({ detector })));
    const crops = {
      detector,
      detectEvery: 3,
      tracker: { highScoreThreshold: undefined },
      refine: { inputSize: undefined, scale: undefined },
    };
    expect(strip(await results(crops as never))).toEqual(
      strip(await results({ detector, detectEvery: 3, refine: true })),
    );
  });

  it('of run and process are known by name', async () => {
    const video = createVideoDetector({ detector });
    await expect(video.run(film(3), { onprogress: () => {} } as never).next()).rejects.toThrow(
      'did you mean onProgress?',
    );
    await expect(video.process([...film(1)][0]!, { singal: undefined, sginal: 1 } as never)).rejects.toThrow(
      'did you mean signal?',
    );
    await expect(video.run(film(3), null as never).next()).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(
      (await video.run(film(3), { signal: undefined, onProgress: undefined } as never).next()).value,
    ).toMatchObject({ index: 0 });
  });
});

it('a real detector in front of the default pipeline keeps a face that falls to 0.3', async () => {
  const { fakeBackend } = await import('@facedet/core/testing');
  const detector = await createDetector({
    backend: fakeBackend({ faces: (_batch, _image, run) => [faceAt(100, 100, run < 5 ? 0.9 : 0.3)] }),
    model: new Uint8Array(1),
    inputSize: { width: 640, height: 384 },
    rotate: 0,
  });
  const rows = await results({ detector });
  expect(rows.filter(({ faces }) => faces.some(({ id }) => id === 1))).toHaveLength(20);
});
