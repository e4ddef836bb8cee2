import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection, TrackerPreset, Track } from './types.ts';

const face = (x: number, y = 100, score = 0.9, side = 50): Detection => ({
  box: { x, y, width: side * 0.8, height: side },
  score,
});

/** Frames with some faces each: crowded enough that new faces overlap old boxes. */
const frames = fc.array(
  fc.array(
    fc
      .record({ x: fc.integer({ min: 0, max: 300 }), score: fc.integer({ min: 0, max: 100 }).map((k) => k / 100) })
      .map(({ x, score }) => face(x, 100, score)),
    { maxLength: 6 },
  ),
  { minLength: 1, maxLength: 12 },
);
const presets = fc.constantFrom<TrackerPreset>('conservative', 'balanced', 'aggressive');

describe('a track ends when maxLostSeconds have passed', () => {
  it.each([[1.04], [2], [60], [600], [86_400]])('over a gap of %d s between two updates', (gap) => {
    for (const pause of [[], [gap / 2], [gap / 3, gap / 2]]) {
      const tracker = createTracker({ maxLostSeconds: 1 });
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      for (const time of pause) tracker.update([], 0.3 + time);
      expect(tracker.update([face(0)], 0.3 + gap)).toMatchObject([{ id: 2, state: 'tentative' }]);
    }
  });

  it('but not before', () => {
    for (const gap of [0.1, 0.5, 0.9, 1]) {
      const tracker = createTracker({ maxLostSeconds: 1 });
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      expect(tracker.update([face(1)], 0.3 + gap)).toMatchObject([{ id: 1, state: 'tracked' }]);
    }
  });

  it('for any scene: after a longer gap no earlier ID is returned, predicted or stored', () => {
    const options = fc.record({
      preset: presets,
      maxLostSeconds: fc.double({ min: 0.06, max: 5, noNaN: true }),
      affinity: fc.constantFrom(undefined, () => 1),
    });
    fc.assert(
      fc.property(
        options,
        frames,
        frames,
        fc.double({ min: 1.0001, max: 1000, noNaN: true }),
        ({ affinity, ...rest }, before, after, factor) => {
          const tracker = createTracker({ ...rest, ...(affinity && { affinity }) });
          const earlier = new Set<number>();
          before.forEach((detections, i) => tracker.update(detections, i / 30).forEach(({ id }) => earlier.add(id)));
          const restart = (before.length - 1) / 30 + rest.maxLostSeconds * factor;
          expect(tracker.predict(restart)).toEqual([]);
          const seen = after.flatMap((detections, i) =>
            tracker.update(detections, restart + i / 30).map(({ id }) => id),
          );
          expect(seen.filter((id) => earlier.has(id))).toEqual([]);
          expect(tracker.snapshot().tracks.filter(({ id }) => earlier.has(id))).toEqual([]);
        },
      ),
    );
  });

  it('also when it was never confirmed', () => {
    const tracker = createTracker({ maxLostSeconds: 1 });
    tracker.update([], 0);
    expect(tracker.update([face(0)], 0.1)).toMatchObject([{ id: 1, state: 'tentative' }]);
    expect(tracker.update([face(0)], 1.2)).toMatchObject([{ id: 2, state: 'tentative' }]);
  });

  it('but after a detection in the last frame lives until the next one at the given frame rate', () => {
    const strict = createTracker({ maxLostSeconds: 0 });
    for (const [i, time] of [0, 0.033, 0.067, 0.1, 0.134].entries())
      expect(strict.update([face(i)], time)).toMatchObject([{ id: 1 }]);
    strict.update([], 0.167);
    expect(strict.update([face(5)], 0.2)).toMatchObject([{ id: 2 }]);

    const slow = createTracker({ frameRate: 0.2 });
    for (let i = 0; i < 5; i++) expect(slow.update([face(i)])).toMatchObject([{ id: 1, lastSeen: 5 * i }]);
  });

  it('and until then needs some overlap after a gap, however long maxLostSeconds is', () => {
    const after = (x: number, gap: number) => {
      const tracker = createTracker({ maxLostSeconds: 3600 });
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      return tracker.update([face(x)], 0.3 + gap)[0]!.id;
    };
    for (const gap of [0.5, 5, 60, 3000]) {
      expect(after(39.9, gap)).toBe(2); // barely touches the old box
      expect(after(20, gap)).toBe(1); // overlaps half of it
    }
  });
});

describe('a shot cut', () => {
  it('ends all tracks, and the first frame after it confirms its tracks at once, like the first of a video', () => {
    // Multiples of 1/32 are exact, so that both trackers see the same time steps.
    fc.assert(
      fc.property(presets, fc.boolean(), frames, frames, fc.boolean(), (preset, compat, before, after, resumed) => {
        const fresh = createTracker({ preset, compat });
        let tracker = createTracker({ preset, compat });
        const earlier = new Set<number>();
        before.forEach((detections, i) => tracker.update(detections, i / 32).forEach(({ id }) => earlier.add(id)));
        tracker.cut();
        expect([tracker.tracks, tracker.predict(before.length / 32), tracker.snapshot().tracks]).toEqual([[], [], []]);
        if (resumed) {
          const snapshot = JSON.parse(JSON.stringify(tracker.snapshot()));
          tracker = createTracker({ preset, compat });
          tracker.restore(snapshot);
        }
        const summary = (tracks: readonly Track[], firstId: number) =>
          tracks.map(({ id, state, hits, detectionIndex }) => ({ id: id - firstId, state, hits, detectionIndex }));
        const firstId = tracker.snapshot().nextId;
        after.forEach((detections, i) => {
          const tracks = tracker.update(detections, (before.length + i) / 32);
          expect(tracks.filter(({ id }) => earlier.has(id))).toEqual([]);
          if (i === 0) expect(tracks.filter(({ state }) => state !== 'tracked')).toEqual([]);
          // The same as a tracker that starts with this shot, except for the IDs.
          expect(summary(tracks, firstId)).toEqual(summary(fresh.update(detections, i / 32), 1));
        });
      }),
    );
  });

  it('ends lost and tentative tracks too', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 0);
    tracker.update([face(200)], 1 / 30);
    tracker.cut();
    expect(tracker.update([face(0), face(200)], 2 / 30)).toMatchObject([
      { id: 3, state: 'tracked' },
      { id: 4, state: 'tracked' },
    ]);
  });
});
