import type { Face, Landmarks } from '@facedet/core';
import { createSmoother, type TrackedFace } from '@facedet/temporal';
import { createTracker, type Detection, type Track } from '@facedet/tracker';
import { describe, expect, expectTypeOf, it } from 'vitest';

describe('one face shape from detector to smoother', () => {
  const landmarksAt = (x: number): Landmarks => [
    { x: x + 12, y: 120 },
    { x: x + 28, y: 120 },
    { x: x + 20, y: 130 },
    { x: x + 14, y: 138 },
    { x: x + 26, y: 138 },
  ];
  const faceAt = (x: number): Face => ({
    box: { x, y: 100, width: 40, height: 50 },
    score: 0.9,
    landmarks: landmarksAt(x),
  });

  it('has the same types: a face is a detection, and what is smoothed is part of a track', () => {
    expectTypeOf<Face>().toExtend<Detection>();
    expectTypeOf<Track<Face>['landmarks']>().toEqualTypeOf<Landmarks | undefined>();
    expectTypeOf<keyof TrackedFace>().toEqualTypeOf<'id' | 'box' | 'score' | 'landmarks'>();
    expectTypeOf<Pick<Track, keyof TrackedFace>>().toExtend<TrackedFace>();
    expectTypeOf<Track<Face>>().toExtend<TrackedFace>();
  });

  it('keeps landmarks through tracker and smoother, also on skipped frames', () => {
    const tracker = createTracker<Face>();
    const smoother = createSmoother();
    for (let i = 0; i < 20; i++) {
      const tracks = i % 2 ? tracker.predict(i / 30) : tracker.update([faceAt(4 * i)], i / 30);
      const [smoothed] = smoother.smooth(tracks, i / 30);
      expect(smoothed!.landmarks).toHaveLength(5);
      smoothed!.landmarks!.forEach((point, k) => {
        expect(Math.abs(point.x - landmarksAt(4 * i)[k]!.x)).toBeLessThan(6);
        expect(Math.abs(point.y - landmarksAt(4 * i)[k]!.y)).toBeLessThan(1);
      });
    }
  });
});
