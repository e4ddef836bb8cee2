import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection, Track, TrackerOptions, TrackerSnapshot } from './types.ts';

const face = (x: number, y = 100, score = 0.9, side = 50): Detection => ({
  box: { x, y, width: side * 0.8, height: side },
  score,
});
const ids = (tracks: readonly Track[]) => tracks.map((track) => track.id);
const errorWith = (code: string, message: string) =>
  expect.objectContaining({ name: 'FaceDetError', code, message: expect.stringContaining(message) });

/** Frames of faces that move, are missed, have low scores, cross and enter. */
const scenes = fc
  .record({ seed: fc.integer(), faces: fc.integer({ min: 1, max: 8 }), frames: fc.integer({ min: 2, max: 25 }) })
  .map(({ seed, faces, frames }) => {
    let s = seed >>> 0;
    const random = () => {
      s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
      return s / 2 ** 32;
    };
    const people = Array.from({ length: faces }, () => ({
      x: random() * 600,
      y: random() * 300,
      vx: (random() - 0.5) * 16,
      vy: (random() - 0.5) * 8,
      side: 25 + random() * 70,
    }));
    return Array.from({ length: frames }, () =>
      people.flatMap((p): Detection[] => {
        p.x += p.vx;
        p.y += p.vy;
        const jitter = () => (random() - 0.5) * 0.1 * p.side;
        const score = random() < 0.25 ? 0.05 + 0.45 * random() : 0.5 + 0.5 * random();
        return random() < 0.15 ? [] : [face(p.x + jitter(), p.y + jitter(), score, p.side + jitter())];
      }),
    );
  });

describe('a track', () => {
  it('keeps its ID while the face moves, and its box follows', () => {
    const tracker = createTracker();
    for (let i = 0; i < 30; i++) {
      const [track, ...others] = tracker.update([face(10 + 5 * i)]);
      expect(others).toEqual([]);
      expect(track).toMatchObject({ id: 1, state: 'tracked', detectionIndex: 0, hits: i + 1, startTime: 0 });
      expect(track!.box.x).toBeCloseTo(10 + 5 * i, i < 2 ? -1.2 : -0.6);
    }
  });

  it('starts as tentative after the first frame, is confirmed by a second detection, and ends without one', () => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    expect(tracker.update([face(0), face(300)]).map((t) => t.state)).toEqual(['tracked', 'tentative']);
    expect(tracker.update([face(0), face(300)]).map((t) => t.state)).toEqual(['tracked', 'tracked']);
    expect(tracker.update([face(0), face(300), face(600)])).toHaveLength(3);
    expect(ids(tracker.update([face(0), face(300)]))).toEqual([1, 2]);
    expect(ids(tracker.update([face(0), face(300), face(600)]))).toEqual([1, 2, 4]);
  });

  it('is lost, predicted and found again within maxLostSeconds', () => {
    const tracker = createTracker({ maxLostSeconds: 1 });
    for (let i = 0; i < 10; i++) tracker.update([face(10 * i)], i / 30);
    expect(tracker.update([], 0.5)).toEqual([]);
    const [lost] = tracker.lost;
    expect(lost).toMatchObject({ id: 1, state: 'lost', detection: null, detectionIndex: -1, lastSeen: 0.3 });
    expect(lost!.box.x).toBeGreaterThan(130); // 90 + 6 frames at 10
    expect(tracker.update([face(90 + 27 * 10)], 1.2)).toMatchObject([
      { id: 1, state: 'tracked', startTime: 0, hits: 11 },
    ]);
  });

  it('ends after maxLostSeconds, whatever the number of frames', () => {
    for (const times of [
      [1.4],
      [0.5, 1.0, 1.29, 1.4],
      Array.from({ length: 40 }, (_, k) => 0.35 + k * 0.02).concat(1.4),
    ]) {
      const tracker = createTracker({ maxLostSeconds: 1 });
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      tracker.update([], 0.31);
      for (const time of times.slice(0, -1)) tracker.update([], time);
      expect(tracker.update([face(0)], times.at(-1))).toMatchObject([{ id: 2 }]);
    }
  });

  it('continues over a gap that left little overlap, if the size is the same', () => {
    const after = (found: Detection, gap: number) => {
      const tracker = createTracker();
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      tracker.update([found], (9 + gap) / 30);
      return tracker.tracks;
    };
    // IoU · score = 0.1
    expect(after(face(32), 1)).toMatchObject([
      { id: 2, state: 'tentative' },
      { id: 1, state: 'lost' },
    ]);
    expect(after(face(32), 3)).toMatchObject([{ id: 1, state: 'tracked' }]);
    expect(after(face(32, 100, 0.9, 30), 3)).toMatchObject([
      { id: 2, state: 'tentative' },
      { id: 1, state: 'lost' },
    ]);
    // Enough overlap, whatever the size.
    expect(after(face(2, 100, 0.9, 30), 3)).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it("is not continued by another face's low score, however long the gap", () => {
    const tracker = createTracker();
    for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
    tracker.update([face(20, 100, 0.4)], 0.5); // IoU = 0.33
    expect(tracker.tracks).toMatchObject([{ id: 1, state: 'lost' }]);
    // Low scores never find a lost track again.
    tracker.update([face(2, 100, 0.4)], 0.6);
    expect(tracker.tracks).toMatchObject([{ id: 1, state: 'lost' }]);
  });

  it('is continued, but not started, by low scores', () => {
    const tracker = createTracker();
    tracker.update([face(0), face(200, 100, 0.4)]);
    expect(tracker.update([face(2, 100, 0.15)])).toMatchObject([{ id: 1, state: 'tracked', score: 0.15 }]);
    expect(tracker.update([face(2, 100, 0.05)])).toEqual([]);
    expect(tracker.lost).toMatchObject([{ id: 1, state: 'lost' }]);
  });

  it('starts where a score equals the threshold, except in compat', () => {
    const options = { highScoreThreshold: 0.5, newTrackThreshold: 0.5 };
    expect(createTracker(options).update([face(0, 0, 0.5)])).toHaveLength(1);
    expect(createTracker({ compat: true, ...options }).update([face(0, 0, 0.5)])).toHaveLength(0);
  });

  it('with the longer history takes over the detection of a duplicate', () => {
    // The first stage refuses the pair: IoU · score = 0.65, and 0.7 is required.
    const strict = createTracker({ matchThreshold: 0.3 });
    for (let i = 0; i < 20; i++) strict.update([face(0, 100, 1)]);
    strict.update([]);
    expect(strict.update([face(0, 100, 0.65)])).toMatchObject([{ id: 1, state: 'tracked', detectionIndex: 0 }]);
  });

  it('has an ID of its own tracker, from 1 again after reset', () => {
    const [a, b] = [createTracker(), createTracker()];
    a.update([face(0), face(200)]);
    expect(ids(b.update([face(0)]))).toEqual([1]);
    a.reset();
    expect(ids(a.update([face(0)], 0))).toEqual([1]);
  });

  it('ends at a shot cut, and its ID is not used again', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 10);
    tracker.cut();
    expect(tracker.tracks).toEqual([]);
    expect(tracker.predict(10)).toEqual([]);
    expect(tracker.update([face(0)], 10.1)).toMatchObject([{ id: 2, state: 'tracked' }]);
    expect(() => tracker.update([], 10)).toThrow(errorWith('TIMESTAMP_NOT_INCREASING', 'after 10.1 s'));
  });
});

describe('update', () => {
  it("returns the caller's own objects in input order", () => {
    interface NamedDetection extends Detection {
      name: string;
    }
    const named = (name: string, x: number): NamedDetection => ({ ...face(x), name });
    const tracker = createTracker<NamedDetection>();
    tracker.update([named('a', 0), named('b', 200), named('c', 400)]);
    const detections = [named('c', 400), named('a', 0)];
    const tracks = tracker.update(detections);
    expect(ids(tracks)).toEqual([3, 1]);
    expect(tracks.map((t) => t.detection?.name)).toEqual(['c', 'a']);
    expect(tracks[0]!.detection).toBe(detections[0]);
    expect(ids(tracker.tracks)).toEqual([3, 1, 2]);
  });

  it('reports the innovation of each detection', () => {
    const tracker = createTracker();
    for (let i = 0; i < 20; i++) tracker.update([face(0)]);
    expect(tracker.tracks[0]!.innovation).toBeCloseTo(0, 6);
    expect(tracker.update([face(20)])[0]!.innovation).toBeCloseTo(20 / 50, 3);
  });

  it('keeps the invariants for any scene', () => {
    fc.assert(
      fc.property(scenes, fc.boolean(), (frames, compat) => {
        const tracker = createTracker({ compat });
        const problems: string[] = [];
        const ended = new Set<number>();
        let before = new Set<number>();
        let highest = 0;
        frames.forEach((detections, frame) => {
          const check = (holds: boolean, what: string) => void (holds || problems.push(`frame ${frame}: ${what}`));
          const active = tracker.update(detections);
          const { tracks, lost } = tracker;
          check(
            [...active, ...lost].every((track, i) => track === tracks[i]) &&
              tracks.length === active.length + lost.length,
            'the active tracks, then the lost ones',
          );
          check(
            active.every(({ state, detection }) => state !== 'lost' && detection),
            'a detection for each active track',
          );
          const used = tracks.map((t) => t.detectionIndex).filter((i) => i >= 0);
          check(
            used.every((index, i) => i === 0 || index > used[i - 1]!),
            'each detection once, in input order',
          );
          for (const { id, detection, detectionIndex, state, box } of tracks) {
            check(detection === (detections[detectionIndex] ?? null), 'the detection of the index');
            check((state === 'lost') === (detection === null), 'lost without a detection only');
            check(Object.values(box).every(Number.isFinite), 'a finite box');
            // In compat a removed track is absent for a frame and may come back.
            check(compat || !ended.has(id), 'no ID that had ended');
            check(compat || before.has(id) || id > highest, 'rising IDs');
          }
          const now = new Set(ids(tracks));
          check(now.size === tracks.length, 'each ID once');
          for (const id of before) if (!now.has(id)) ended.add(id);
          highest = Math.max(highest, ...now);
          before = now;
        });
        expect(problems).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  /** Numbers of each track, without IDs, in one order; states as numbers too. */
  const withoutIds = (tracks: readonly Track[], mirror = (x: number) => x) =>
    tracks
      .map(({ box, state, hits, startTime }) => [
        mirror(box.x + box.width / 2),
        box.y,
        box.width,
        box.height,
        ['tentative', 'tracked', 'lost'].indexOf(state),
        hits,
        startTime,
      ])
      .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  /** Whether two results agree, boxes to 5e-7 pixels and all else exactly. */
  const agree = (actual: number[][], expected: number[][]) =>
    actual.length === expected.length &&
    actual.every((row, i) => row.every((value, k) => Math.abs(value - expected[i]![k]!) < (k < 4 ? 5e-7 : 1e-12)));

  it('does not depend on the order of the input', () => {
    fc.assert(
      fc.property(scenes, fc.infiniteStream(fc.nat()), (frames, stream) => {
        const [a, b] = [createTracker(), createTracker()];
        const wrong = frames.flatMap((detections, frame) => {
          const shuffled = detections
            .map((d) => [stream.next().value as number, d] as const)
            .sort((p, q) => p[0] - q[0])
            .map(([, d]) => d);
          b.update(shuffled);
          a.update(detections);
          return agree(withoutIds(b.tracks), withoutIds(a.tracks)) ? [] : [frame];
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('mirrors its result with the input', () => {
    const mirror = (x: number) => 1000 - x;
    fc.assert(
      fc.property(scenes, (frames) => {
        const [a, b] = [createTracker(), createTracker()];
        const wrong = frames.flatMap((detections, frame) => {
          const mirrored = detections.map((d) => ({ ...d, box: { ...d.box, x: mirror(d.box.x) - d.box.width } }));
          b.update(mirrored);
          a.update(detections);
          return agree(withoutIds(b.tracks, mirror), withoutIds(a.tracks)) ? [] : [frame];
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('lost', () => {
  it('has the lost tracks of the last update, also after restore, and none after a cut', () => {
    const tracker = createTracker();
    tracker.update([face(0), face(200), face(400)], 0);
    expect(tracker.lost).toEqual([]);
    expect(ids(tracker.update([face(200)], 1 / 30))).toEqual([2]);
    expect(ids(tracker.tracks)).toEqual([2, 1, 3]);
    expect(ids(tracker.lost)).toEqual([1, 3]);
    const restored = createTracker();
    restored.restore(tracker.snapshot());
    expect(restored.lost).toEqual(tracker.lost);
    tracker.cut();
    expect(tracker.lost).toEqual([]);
  });
});

describe('time', () => {
  it('advances by the frame rate without timestamps', () => {
    const [a, b] = [createTracker({ frameRate: 10 }), createTracker()];
    for (let i = 0; i < 8; i++)
      expect(a.update([face(20 * i)])).toEqual(b.update([face(20 * i)], a.tracks[0]!.lastSeen));
    expect(a.tracks[0]!.lastSeen).toBeCloseTo(0.7, 9);
  });

  it('moves a prediction by its length', () => {
    const tracker = createTracker();
    for (let i = 0; i < 30; i++) tracker.update([face(6 * i)], i / 30);
    const at = (time: number) => tracker.predict(time)[0]!.box.x;
    const from = 29 / 30;
    expect(at(from + 0.1) - at(from)).toBeCloseTo(18, 0);
    expect(at(from + 0.2) - at(from)).toBeCloseTo(36, 0);
    expect(tracker.predict(from)[0]).toMatchObject({ state: 'tracked', detection: null, detectionIndex: -1 });
  });

  it('of a prediction changes no track', () => {
    fc.assert(
      fc.property(scenes, (frames) => {
        const [predicting, other] = [createTracker(), createTracker()];
        const results = frames.map((detections, i) => {
          for (const part of [0.2, 0.9, 0.5]) if (i) predicting.predict((i - 1 + part) / 30);
          return [predicting.update(detections, i / 30), other.update(detections, i / 30)];
        });
        expect(results.map(([a]) => a)).toEqual(results.map(([, b]) => b));
      }),
      { numRuns: 30 },
    );
  });

  it('of a long gap never shrinks a box to nothing', () => {
    const tracker = createTracker({ maxLostSeconds: 2000 });
    for (let i = 0; i < 10; i++) tracker.update([face(100, 100, 0.9, 200 - 15 * i)], i / 30);
    const [track] = tracker.predict(1000);
    expect(track!.box.height).toBeGreaterThan(0);
    expect(track!.box.width).toBeGreaterThan(0);
  });
});

describe('a snapshot', () => {
  it('passes through JSON and gives the same tracks from then on', () => {
    fc.assert(
      fc.property(scenes, fc.boolean(), fc.nat(24), (frames, compat, at) => {
        const options: TrackerOptions = { compat, maxLostSeconds: 0.2 };
        const whole = createTracker(options);
        let resumed = createTracker(options);
        const results = frames.map((detections, i) => {
          if (i === at) {
            const snapshot = JSON.parse(JSON.stringify(resumed.snapshot()));
            resumed = createTracker(options);
            resumed.restore(snapshot);
            expect(ids(resumed.tracks).sort()).toEqual(ids(whole.tracks).sort());
          }
          return [resumed.update(detections, i / 30), whole.update(detections, i / 30)];
        });
        expect(results.map(([a]) => a)).toEqual(results.map(([, b]) => b));
      }),
      { numRuns: 100 },
    );
  });

  type Corrupt = (snapshot: TrackerSnapshot) => unknown;
  const withTrack =
    (change: object): Corrupt =>
    (s) => ({ ...s, tracks: [{ ...s.tracks[0], ...change }] });
  it.each<[string, Corrupt]>([
    ['null', () => null],
    ['an empty object', () => ({})],
    ['another version', (s) => ({ ...s, version: 2 })],
    ['a time as text', (s) => ({ ...s, time: 'now' })],
    ['a fractional frame', (s) => ({ ...s, frame: 1.5 })],
    ['a next ID that is in use', (s) => ({ ...s, nextId: 1 })],
    ['a next ID that JSON made null', (s) => ({ ...s, nextId: null })],
    ['tracks that are not an array', (s) => ({ ...s, tracks: { length: 1 } })],
    ['a track that is null', (s) => ({ ...s, tracks: [null] })],
    ['an ID twice', (s) => ({ ...s, tracks: [s.tracks[0], s.tracks[0]] })],
    ['the ID 0', withTrack({ id: 0 })],
    ['a fractional ID', withTrack({ id: 0.5 })],
    ['an unknown state', withTrack({ state: 'gone' })],
    ['too few means', withTrack({ mean: [] })],
    ['no means', withTrack({ mean: null })],
    ['means that JSON made null', withTrack({ mean: Array(8).fill(null) })],
    ['too few covariances', withTrack({ covariance: [1, 2] })],
    ['negative variances', withTrack({ covariance: Array(12).fill(-1) })],
    ['no score', withTrack({ score: null })],
    ['a time as text in a track', withTrack({ lastSeen: 'now' })],
    ['landmarks as points', withTrack({ landmarks: [{ x: 0, y: 0 }] })],
    ['half a landmark', withTrack({ landmarks: [0.5, 0.5, 0.5] })],
    ['a hole in the landmarks', withTrack({ landmarks: new Array(2) })],
    ['landmarks that are not an array', withTrack({ landmarks: 'none' })],
  ])('with %s is refused', (_name, corrupt) => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    const corrupted = corrupt(tracker.snapshot());
    for (const message of ['; take it from snapshot().', "Expected a tracker's snapshot with "])
      expect(() => tracker.restore(corrupted as never)).toThrow(errorWith('INVALID_SNAPSHOT', message));
    expect(ids(tracker.update([face(0)]))).toEqual([1]);
  });

  it('of many tracks leaves room for the detections after a shot cut', () => {
    const grid = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ box: { x: 60 * i, y: 0, width: 40, height: 50 }, score: 0.9 }));
    const crowded = createTracker();
    crowded.update(grid(400), 0);
    const tracker = createTracker();
    tracker.restore(crowded.snapshot());
    tracker.cut();
    // The small update swaps the large table of the snapshot into the small workspace.
    for (const [i, count] of [1, 300, 300].entries())
      expect(tracker.update(grid(count), 1 + i / 30)).toHaveLength(count);
    expect(tracker.tracks.filter(({ state }) => state === 'tracked')).toHaveLength(300);
  });

  it('is restored or refused with a code, whatever it is', () => {
    const value = fc.oneof(
      fc.anything(),
      fc.record({
        version: fc.constant(1),
        time: fc.anything(),
        frame: fc.anything(),
        nextId: fc.nat(),
        tracks: fc.array(fc.anything()),
      }),
    );
    const refusals: Error[] = [];
    fc.assert(
      fc.property(value, (snapshot) => {
        try {
          createTracker().restore(snapshot as never);
        } catch (error) {
          refusals.push(error as Error);
        }
      }),
      { numRuns: 300 },
    );
    expect(refusals.length).toBeGreaterThan(100);
    expect(refusals.filter((error) => (error as { code?: string }).code !== 'INVALID_SNAPSHOT')).toEqual([]);
    expect(refusals.filter(({ message }) => !message.includes('take it from snapshot().'))).toEqual([]);
    expect(refusals.filter(({ message }) => message.length >= 400)).toEqual([]);
  });
});

describe('camera motion', () => {
  it('moves predictions with the camera', () => {
    const jump = [1, 0, 300, 0, 1, -40] as const;
    const [still, moved] = [createTracker(), createTracker()];
    for (const tracker of [still, moved]) for (let i = 0; i < 5; i++) tracker.update([face(100, 100)]);
    expect(still.update([face(400, 60)])).toMatchObject([{ id: 2, state: 'tentative' }]);
    expect(moved.update([face(400, 60)], undefined, { motion: jump })).toMatchObject([{ id: 1, state: 'tracked' }]);
    for (const motion of [
      [1, 0, 0, 0, 1],
      [1, 0, 0, 2, 0, 0],
      [1, 0, NaN, 0, 1, 0],
    ]) {
      expect(() => moved.update([], undefined, { motion: motion as never })).toThrow(
        errorWith('INVALID_ARGUMENT', '[a, b, tx, c, d, ty]'),
      );
    }
  });
});

describe('affinity', () => {
  it('distinguishes faces and finds them again elsewhere', () => {
    interface NamedDetection extends Detection {
      name: string;
    }
    const named = (name: string, x: number): NamedDetection => ({ ...face(x), name });
    const names = new Map<number, string>();
    const trackBoth = (affinity?: (track: Track<NamedDetection>, detection: NamedDetection) => number) => {
      names.clear();
      const tracker = createTracker<NamedDetection>(affinity ? { affinity } : {});
      const update = (...detections: NamedDetection[]) => {
        const tracks = tracker.update(detections);
        for (const { id, detection } of tracks) if (detection) names.set(id, detection.name);
        return tracks.filter((t) => t.detection).map((t) => [t.id, t.detection!.name]);
      };
      for (let i = 0; i < 5; i++) update(named('ann', 0), named('bob', 30));
      update();
      // They changed places during a frame without detections.
      return update(named('bob', 2), named('ann', 28)).sort();
    };
    expect(trackBoth()).toEqual([
      [1, 'bob'],
      [2, 'ann'],
    ]);
    expect(trackBoth((track, detection) => (names.get(track.id) === detection.name ? 1 : 0))).toEqual([
      [1, 'ann'],
      [2, 'bob'],
    ]);
    expect(() => trackBoth(() => 2)).toThrow(errorWith('INVALID_ARGUMENT', '[0, 1] from affinity but received 2'));
  });
});
