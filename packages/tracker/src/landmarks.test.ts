import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { placeLandmarks, relativeLandmarks } from './landmarks.ts';
import { createTracker } from './tracker.ts';
import type { Box, Detection, Point, Track } from './types.ts';

const FRACTIONS = [
  [0.3, 0.4],
  [0.7, 0.4],
  [0.5, 0.6],
  [0.35, 0.8],
  [0.65, 0.8],
] as const;
const pointsIn = ({ x, y, width, height }: Box): Point[] =>
  FRACTIONS.map(([fx, fy]) => ({ x: x + fx * width, y: y + fy * height }));
const boxAt = (x: number, side = 50): Box => ({ x, y: 100, width: side * 0.8, height: side });
const plain = (x: number): Detection => ({ box: boxAt(x), score: 0.9 });
const withLandmarks = (x: number, side = 50): Detection => ({
  box: boxAt(x, side),
  score: 0.9,
  landmarks: pointsIn(boxAt(x, side)),
});
/** Points as fractions of a box, rounded. */
const fractions = ({ box, landmarks }: Track) =>
  landmarks!.map(({ x, y }) =>
    [(x - box.x) / box.width, (y - box.y) / box.height].map((v) => Math.round(v * 1e6) / 1e6),
  );

describe('landmarks of a track', () => {
  it('are those of its detection', () => {
    const tracker = createTracker();
    for (let i = 0; i < 5; i++) {
      const detection = withLandmarks(7 * i);
      const [track] = tracker.update([detection]);
      expect(track!.landmarks).toEqual(detection.landmarks);
      expect(track!.landmarks).not.toBe(detection.landmarks);
    }
  });

  it('move and scale with the box while it is predicted or lost', () => {
    for (const compat of [false, true]) {
      const tracker = createTracker({ compat });
      for (let i = 0; i < 10; i++) tracker.update([withLandmarks(6 * i, 50 + 2 * i)], i / 30);
      const [last] = tracker.tracks;
      const expected = fractions(last!);
      const [ahead] = tracker.predict(0.4);
      expect(ahead!.box.x).toBeGreaterThan(last!.box.x + 3);
      expect(ahead!.box.height).toBeGreaterThan(last!.box.height);
      expect(fractions(ahead!)).toEqual(expected);
      tracker.update([], 0.4);
      const [lost] = tracker.lost;
      expect(lost).toMatchObject({ state: 'lost' });
      expect(fractions(lost!)).toEqual(expected);
      // A prediction of no time shows them where they were detected.
      const now = createTracker({ compat });
      now.update([withLandmarks(0)], 0);
      now.predict(0)[0]!.landmarks!.forEach((point, k) => {
        expect(point.x).toBeCloseTo(pointsIn(boxAt(0))[k]!.x, 9);
        expect(point.y).toBeCloseTo(pointsIn(boxAt(0))[k]!.y, 9);
      });
    }
  });

  it('stay with the box where a later detection has none, and are replaced by the next that has some', () => {
    const tracker = createTracker();
    tracker.update([withLandmarks(0)]);
    const expected = fractions(tracker.tracks[0]!);
    for (const landmarks of [undefined, [], null]) {
      const [track] = tracker.update([{ ...plain(1), ...(landmarks !== undefined && { landmarks }) } as Detection]);
      expect(fractions(track!)).toEqual(expected);
    }
    const [track] = tracker.update([{ ...plain(2), landmarks: [{ x: 20, y: 120 }] }]);
    expect(track!.landmarks).toEqual([{ x: 20, y: 120 }]);
    tracker.update([]);
    expect(tracker.lost[0]!.landmarks).toHaveLength(1);
  });

  it('are absent before the first, and belong to one track', () => {
    const tracker = createTracker();
    const tracks = tracker.update([plain(0), withLandmarks(300)]);
    expect(tracks[0]).not.toHaveProperty('landmarks');
    expect(tracks[1]!.landmarks).toHaveLength(5);
    expect(tracker.snapshot().tracks.map((track) => 'landmarks' in track)).toEqual([false, true]);
    // The first track ends, so that the second moves to its slot; a new track has none.
    tracker.update([withLandmarks(300)], 1 / 30);
    for (let i = 2; i < 60; i++) tracker.update([plain(300)], i / 30);
    const [kept, started] = tracker.update([plain(300), plain(0)], 2);
    expect([kept!.id, kept!.landmarks?.length, started!.landmarks]).toEqual([2, 5, undefined]);
    tracker.cut();
    expect(tracker.update([plain(300)], 2.1)[0]).not.toHaveProperty('landmarks');
  });

  it('move with the camera', () => {
    const tracker = createTracker();
    for (let i = 0; i < 5; i++) tracker.update([withLandmarks(100)]);
    const expected = fractions(tracker.tracks[0]!);
    tracker.update([], undefined, { motion: [2, 0, 30, 0, 2, -10] });
    const [lost] = tracker.lost;
    expect(lost!.box.height).toBeCloseTo(100, 3);
    expect(fractions(lost!)).toEqual(expected);
  });

  it('pass through a snapshot', () => {
    const whole = createTracker();
    for (let i = 0; i < 5; i++) whole.update([withLandmarks(5 * i)], i / 30);
    const resumed = createTracker();
    resumed.restore(JSON.parse(JSON.stringify(whole.snapshot())));
    expect(resumed.tracks[0]!.landmarks).toHaveLength(5);
    expect(resumed.predict(0.3)).toEqual(whole.predict(0.3));
    expect(resumed.update([], 0.3)).toEqual(whole.update([], 0.3));
  });

  it('do not change boxes, IDs or states', () => {
    const [a, b] = [createTracker(), createTracker()];
    for (let i = 0; i < 20; i++) {
      const found = i % 7 !== 3;
      const tracks = a.update(found ? [withLandmarks(4 * i)] : []);
      const bare = tracks.map(({ landmarks: _landmarks, detection: _detection, ...track }) => track);
      expect(bare).toEqual(b.update(found ? [plain(4 * i)] : []).map(({ detection: _detection, ...track }) => track));
    }
  });

  it.each([
    ['text', 'eyes'],
    ['an object', {}],
    ['a flat list of numbers', [1, 2, 3, 4]],
    ['pairs of numbers', [[1, 2]]],
    ['null as a point', [null]],
    ['holes', new Array(5)],
    ['NaN', [{ x: NaN, y: 0 }]],
    ['a huge number', [{ x: 0, y: 1e12 }]],
    ['a typed array', new Float32Array(10)],
  ])('given as %s are an error that leaves the tracker unchanged', (_name, landmarks) => {
    const tracker = createTracker();
    tracker.update([withLandmarks(0)]);
    const before = tracker.snapshot();
    expect(() => tracker.update([plain(0), { ...plain(9), landmarks: landmarks as never }])).toThrow(
      expect.objectContaining({
        code: 'INVALID_DETECTION',
        message: expect.stringMatching(
          /^Expected an array of finite points as landmarks for detection 1 but received .+; give each point as .+\.$/,
        ),
      }),
    );
    expect(tracker.snapshot()).toEqual(before);
  });

  it('have as many points as the type of the detections declares', () => {
    type Eyes = [Point, Point];
    interface Face extends Detection {
      landmarks: Eyes;
    }
    expectTypeOf<NonNullable<Track<Face>['landmarks']>>().toEqualTypeOf<Eyes>();
    expectTypeOf<NonNullable<Track['landmarks']>>().toEqualTypeOf<readonly Point[]>();
    expectTypeOf<Track<Face>>().toExtend<Track>();
  });
});

describe('relativeLandmarks and placeLandmarks', () => {
  const number = fc.double({ min: -1e4, max: 1e4, noNaN: true });
  const side = fc.double({ min: 0.1, max: 1e4, noNaN: true });
  const box = fc.record({ x: number, y: number, width: side, height: side });

  it('are inverse to each other', () => {
    fc.assert(
      fc.property(box, fc.array(fc.record({ x: number, y: number })), (where, points) => {
        const placed = placeLandmarks(relativeLandmarks(points, where), where);
        const off = placed.filter(({ x, y }, k) => Math.hypot(x - points[k]!.x, y - points[k]!.y) > 1e-8);
        expect([placed.length, off]).toEqual([points.length, []]);
      }),
    );
  });

  it('stay finite for a box without area', () => {
    const flat = { x: 5, y: 5, width: 0, height: -2 };
    expect(placeLandmarks(relativeLandmarks([{ x: 7, y: 8 }], flat), flat)).toEqual([{ x: 7, y: 8 }]);
  });
});
