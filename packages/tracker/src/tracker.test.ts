import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection, Track, TrackerOptions, TrackerSnapshot } from './types.ts';

const face = (x: number, y = 100, score = 0.9, side = 50): Detection => ({
  box: { x, y, width: side * 0.8, height: side },
  score,
});
const ids = (tracks: readonly Track[]) => tracks.map((track) => track.id);
const thrown = (code: string, message: string) =>
  expect.objectContaining({ name: 'FaceDetError', code, message: expect.stringContaining(message) });

/** Frames of faces that walk, are missed, score low, cross and enter. */
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

describe('identities', () => {
  it('hold over a walk, and boxes follow', () => {
    const tracker = createTracker();
    for (let i = 0; i < 30; i++) {
      const [track, ...others] = tracker.update([face(10 + 5 * i)]);
      expect(others).toEqual([]);
      expect(track).toMatchObject({ id: 1, state: 'tracked', detectionIndex: 0, hits: i + 1, startTime: 0 });
      expect(track!.box.x).toBeCloseTo(10 + 5 * i, i < 2 ? -1.2 : -0.6);
    }
  });

  it('begin tentative after the first frame, are confirmed by a second detection, forgotten without', () => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    expect(tracker.update([face(0), face(300)]).map((t) => t.state)).toEqual(['tracked', 'tentative']);
    expect(tracker.update([face(0), face(300)]).map((t) => t.state)).toEqual(['tracked', 'tracked']);
    expect(tracker.update([face(0), face(300), face(600)])).toHaveLength(3);
    expect(ids(tracker.update([face(0), face(300)]))).toEqual([1, 2]);
    expect(ids(tracker.update([face(0), face(300), face(600)]))).toEqual([1, 2, 4]);
  });

  it('are lost, predicted and found again within the time', () => {
    const tracker = createTracker({ maxLostSeconds: 1 });
    for (let i = 0; i < 10; i++) tracker.update([face(10 * i)], i / 30);
    const [lost] = tracker.update([], 0.5);
    expect(lost).toMatchObject({ id: 1, state: 'lost', detection: null, detectionIndex: -1, lastSeen: 0.3 });
    expect(lost!.box.x).toBeGreaterThan(130); // 90 + 6 frames at 10
    expect(tracker.update([face(90 + 27 * 10)], 1.2)).toMatchObject([
      { id: 1, state: 'tracked', startTime: 0, hits: 11 },
    ]);
  });

  it('end after the time, whatever the number of frames', () => {
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

  it('hold over a gap that left little overlap, if the size is the same', () => {
    const after = (found: Detection, gap: number) => {
      const tracker = createTracker();
      for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
      return tracker.update([found], (9 + gap) / 30);
    };
    expect(after(face(32), 1)).toMatchObject([
      { id: 2, state: 'tentative' },
      { id: 1, state: 'lost' },
    ]); // IoU · score = .1
    expect(after(face(32), 3)).toMatchObject([{ id: 1, state: 'tracked' }]);
    expect(after(face(32, 100, 0.9, 30), 3)).toMatchObject([
      { id: 2, state: 'tentative' },
      { id: 1, state: 'lost' },
    ]);
    expect(after(face(2, 100, 0.9, 30), 3)).toMatchObject([{ id: 1, state: 'tracked' }]); // overlap enough, whatever the size
  });

  it("are not continued by another's low score, however long the gap", () => {
    const tracker = createTracker();
    for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
    expect(tracker.update([face(20, 100, 0.4)], 0.5)).toMatchObject([{ id: 1, state: 'lost' }]); // IoU = .33
    // low scores recover no lost track
    expect(tracker.update([face(2, 100, 0.4)], 0.6)).toMatchObject([{ id: 1, state: 'lost' }]);
  });

  it('are continued by low scores, not begun by them', () => {
    const tracker = createTracker();
    tracker.update([face(0), face(200, 100, 0.4)]);
    expect(tracker.update([face(2, 100, 0.15)])).toMatchObject([{ id: 1, state: 'tracked', score: 0.15 }]);
    expect(tracker.update([face(2, 100, 0.05)])).toMatchObject([{ id: 1, state: 'lost' }]);
  });

  it('keep their number where a score is just the threshold', () => {
    const tracker = createTracker({ scoreThreshold: 0.5, newTrackThreshold: 0.5 });
    expect(tracker.update([face(0, 0, 0.5)])).toHaveLength(1);
    expect(
      createTracker({ compat: true, scoreThreshold: 0.5, newTrackThreshold: 0.5 }).update([face(0, 0, 0.5)]),
    ).toHaveLength(0);
  });

  it('of the older history take over what a new track found at their place', () => {
    // So unsure that the first comparison refuses it: IoU · score = .65, not .7.
    const strict = createTracker({ matchThreshold: 0.3 });
    for (let i = 0; i < 20; i++) strict.update([face(0, 100, 1)]);
    strict.update([]);
    expect(strict.update([face(0, 100, 0.65)])).toMatchObject([{ id: 1, state: 'tracked', detectionIndex: 0 }]);
  });

  it('belong to their tracker, and begin at 1 again after reset', () => {
    const [a, b] = [createTracker(), createTracker()];
    a.update([face(0), face(200)]);
    expect(ids(b.update([face(0)]))).toEqual([1]);
    a.reset();
    expect(ids(a.update([face(0)], 0))).toEqual([1]);
  });

  it('end at a shot cut, and go on counting', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 10);
    tracker.cut();
    expect(tracker.tracks).toEqual([]);
    expect(tracker.predict(10)).toEqual([]);
    expect(tracker.update([face(0)], 10.1)).toMatchObject([{ id: 2, state: 'tracked' }]);
    expect(() => tracker.update([], 10)).toThrow(thrown('TIME_NOT_RISING', 'after 10.1 s'));
  });
});

describe('what comes out', () => {
  it("is the caller's own objects, in input order, then those without", () => {
    interface Mine extends Detection {
      name: string;
    }
    const named = (name: string, x: number): Mine => ({ ...face(x), name });
    const tracker = createTracker<Mine>();
    tracker.update([named('a', 0), named('b', 200), named('c', 400)]);
    const detections = [named('c', 400), named('a', 0)];
    const tracks = tracker.update(detections);
    expect(ids(tracks)).toEqual([3, 1, 2]);
    expect(tracks.map((t) => t.detection?.name)).toEqual(['c', 'a', undefined]);
    expect(tracks[0]!.detection).toBe(detections[0]);
    expect(tracker.tracks).toBe(tracks);
  });

  it('tells how far off a detection was', () => {
    const tracker = createTracker();
    for (let i = 0; i < 20; i++) tracker.update([face(0)]);
    expect(tracker.tracks[0]!.innovation).toBeCloseTo(0, 6);
    expect(tracker.update([face(20)])[0]!.innovation).toBeCloseTo(20 / 50, 3);
  });

  it('holds the invariants for any scene', () => {
    fc.assert(
      fc.property(scenes, fc.boolean(), (frames, compat) => {
        const tracker = createTracker({ compat });
        const ended = new Set<number>();
        let before = new Set<number>();
        let highest = 0;
        for (const detections of frames) {
          const tracks = tracker.update(detections);
          const used = tracks.map((t) => t.detectionIndex).filter((i) => i >= 0);
          expect(used).toEqual([...new Set(used)].sort((a, b) => a - b)); // each detection once, in input order
          for (const track of tracks) {
            expect(track.detection).toBe(track.detectionIndex < 0 ? null : detections[track.detectionIndex]);
            expect(track.state === 'lost').toBe(track.detection === null);
            expect(Object.values(track.box).every(Number.isFinite)).toBe(true);
            if (!compat) expect(ended.has(track.id)).toBe(false); // compat hides a removed track for a frame
            if (!before.has(track.id) && !compat) expect(track.id).toBeGreaterThan(highest);
          }
          const now = new Set(ids(tracks));
          expect(now.size).toBe(tracks.length);
          for (const id of before) if (!now.has(id)) ended.add(id);
          highest = Math.max(highest, ...now);
          before = now;
        }
      }),
      { numRuns: 200 },
    );
  });

  /** Boxes, states and hits, without identities, in one order. */
  const anonymous = (tracks: readonly Track[], mirror = (x: number) => x) =>
    tracks
      .map(({ box, state, hits, startTime }) => ({
        x: mirror(box.x + box.width / 2),
        y: box.y,
        width: box.width,
        height: box.height,
        state,
        hits,
        startTime,
      }))
      .sort((a, b) => a.x - b.x || a.y - b.y);
  const same = (actual: ReturnType<typeof anonymous>, expected: ReturnType<typeof anonymous>) => {
    expect(actual.map(({ state, hits, startTime }) => [state, hits, startTime])).toEqual(
      expected.map(({ state, hits, startTime }) => [state, hits, startTime]),
    );
    actual.forEach((a, i) =>
      (['x', 'y', 'width', 'height'] as const).forEach((key) => expect(a[key]).toBeCloseTo(expected[i]![key], 6)),
    );
  };

  it('does not depend on the order of the input', () => {
    fc.assert(
      fc.property(scenes, fc.infiniteStream(fc.nat()), (frames, stream) => {
        const [a, b] = [createTracker(), createTracker()];
        for (const detections of frames) {
          const shuffled = detections
            .map((d) => [stream.next().value as number, d] as const)
            .sort((p, q) => p[0] - q[0])
            .map(([, d]) => d);
          same(anonymous(b.update(shuffled)), anonymous(a.update(detections)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('is mirrored with the input', () => {
    fc.assert(
      fc.property(scenes, (frames) => {
        const [a, b] = [createTracker(), createTracker()];
        for (const detections of frames) {
          const mirrored = detections.map((d) => ({ ...d, box: { ...d.box, x: 1000 - d.box.x - d.box.width } }));
          same(
            anonymous(b.update(mirrored), (x) => 1000 - x),
            anonymous(a.update(detections)),
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('time', () => {
  it('without timestamps advances by the frame rate', () => {
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

  it('is asked about without being changed', () => {
    fc.assert(
      fc.property(scenes, (frames) => {
        const [asked, other] = [createTracker(), createTracker()];
        frames.forEach((detections, i) => {
          for (const part of [0.2, 0.9, 0.5]) if (i) asked.predict((i - 1 + part) / 30);
          expect(asked.update(detections, i / 30)).toEqual(other.update(detections, i / 30));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('of a long gap never shrinks a face away', () => {
    const tracker = createTracker({ maxLostSeconds: 2000 });
    for (let i = 0; i < 10; i++) tracker.update([face(100, 100, 0.9, 200 - 15 * i)], i / 30);
    const [track] = tracker.predict(1000);
    expect(track!.box.height).toBeGreaterThan(0);
    expect(track!.box.width).toBeGreaterThan(0);
  });
});

describe('a snapshot', () => {
  it('goes through JSON and gives the same tracks ever after', () => {
    fc.assert(
      fc.property(scenes, fc.boolean(), fc.nat(24), (frames, compat, at) => {
        const options: TrackerOptions = { compat, maxLostSeconds: 0.2 };
        const whole = createTracker(options);
        let resumed = createTracker(options);
        frames.forEach((detections, i) => {
          if (i === at) {
            const snapshot = JSON.parse(JSON.stringify(resumed.snapshot()));
            resumed = createTracker(options);
            resumed.restore(snapshot);
            expect(resumed.tracks.map((t) => t.id).sort()).toEqual(whole.tracks.map((t) => t.id).sort());
          }
          expect(resumed.update(detections, i / 30)).toEqual(whole.update(detections, i / 30));
        });
      }),
      { numRuns: 100 },
    );
  });

  type Spoil = (snapshot: TrackerSnapshot) => unknown;
  const firstTrack =
    (change: object): Spoil =>
    (s) => ({ ...s, tracks: [{ ...s.tracks[0], ...change }] });
  it.each<[string, Spoil]>([
    ['nothing', () => null],
    ['an empty object', () => ({})],
    ['another version', (s) => ({ ...s, version: 2 })],
    ['a time that is text', (s) => ({ ...s, time: 'now' })],
    ['half a frame', (s) => ({ ...s, frame: 1.5 })],
    ['a next ID that is taken', (s) => ({ ...s, nextId: 1 })],
    ['a next ID that JSON made null', (s) => ({ ...s, nextId: null })],
    ['tracks that are no array', (s) => ({ ...s, tracks: { length: 1 } })],
    ['a track that is null', (s) => ({ ...s, tracks: [null] })],
    ['an ID twice', (s) => ({ ...s, tracks: [s.tracks[0], s.tracks[0]] })],
    ['the ID 0', firstTrack({ id: 0 })],
    ['half an ID', firstTrack({ id: 0.5 })],
    ['an unknown state', firstTrack({ state: 'gone' })],
    ['too few means', firstTrack({ mean: [] })],
    ['no means', firstTrack({ mean: null })],
    ['means that JSON made null', firstTrack({ mean: Array(8).fill(null) })],
    ['too few covariances', firstTrack({ covariance: [1, 2] })],
    ['negative variances', firstTrack({ covariance: Array(12).fill(-1) })],
    ['no score', firstTrack({ score: null })],
    ['a time of text in a track', firstTrack({ lastSeen: 'now' })],
  ])('of %s is refused', (_name, spoil) => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    const spoiled = spoil(tracker.snapshot());
    for (const message of ['; take it from snapshot().', "Expected a tracker's snapshot with "])
      expect(() => tracker.restore(spoiled as never)).toThrow(thrown('INVALID_SNAPSHOT', message));
    expect(ids(tracker.update([face(0)]))).toEqual([1]);
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
    fc.assert(
      fc.property(value, (snapshot) => {
        try {
          createTracker().restore(snapshot as never);
        } catch (error) {
          expect(error).toEqual(thrown('INVALID_SNAPSHOT', 'take it from snapshot().'));
          expect((error as Error).message.length).toBeLessThan(400);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('options', () => {
  it('of motion move predictions with the camera', () => {
    const jump = [1, 0, 300, 0, 1, -40] as const;
    const [still, moved] = [createTracker(), createTracker()];
    for (const tracker of [still, moved]) for (let i = 0; i < 5; i++) tracker.update([face(100, 100)]);
    expect(still.update([face(400, 60)]).map((t) => t.id)).toEqual([2, 1]);
    expect(moved.update([face(400, 60)], undefined, { motion: jump })).toMatchObject([{ id: 1, state: 'tracked' }]);
    for (const motion of [
      [1, 0, 0, 0, 1],
      [1, 0, 0, 2, 0, 0],
      [1, 0, NaN, 0, 1, 0],
    ]) {
      expect(() => moved.update([], undefined, { motion: motion as never })).toThrow(
        thrown('INVALID_ARGUMENT', '[a, b, tx, c, d, ty]'),
      );
    }
  });

  it('of affinity tell faces apart and find them again elsewhere', () => {
    interface Known extends Detection {
      who: string;
    }
    const known = (who: string, x: number): Known => ({ ...face(x), who });
    const names = new Map<number, string>();
    const follow = (affinity?: (track: Track<Known>, detection: Known) => number) => {
      names.clear();
      const tracker = createTracker<Known>(affinity ? { affinity } : {});
      const see = (...detections: Known[]) => {
        const tracks = tracker.update(detections);
        for (const { id, detection } of tracks) if (detection) names.set(id, detection.who);
        return tracks.filter((t) => t.detection).map((t) => [t.id, t.detection!.who]);
      };
      for (let i = 0; i < 5; i++) see(known('ann', 0), known('bob', 30));
      see();
      // They changed places on frames without detections.
      return see(known('bob', 2), known('ann', 28)).sort();
    };
    expect(follow()).toEqual([
      [1, 'bob'],
      [2, 'ann'],
    ]);
    expect(follow((track, detection) => (names.get(track.id) === detection.who ? 1 : 0))).toEqual([
      [1, 'ann'],
      [2, 'bob'],
    ]);
    expect(() => follow(() => 2)).toThrow(thrown('INVALID_ARGUMENT', '[0, 1] from affinity but received 2'));
  });
});
