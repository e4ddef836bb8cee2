import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection, Track, TrackerOptions } from './types.ts';

const face = (x: number, y = 100, score = 0.9, side = 50): Detection => ({ box: { x, y, width: side * 0.8, height: side }, score });
const ids = (tracks: readonly Track[]) => tracks.map((track) => track.id);
const thrown = (code: string, message: string) => expect.objectContaining({ name: 'FaceDetError', code, message: expect.stringContaining(message) });

/** Frames of faces that walk, are missed, score low, cross and come anew. */
const scenes = fc.record({ seed: fc.integer(), faces: fc.integer({ min: 1, max: 8 }), frames: fc.integer({ min: 2, max: 25 }) }).map(({ seed, faces, frames }) => {
  let s = seed >>> 0;
  const random = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
  const people = Array.from({ length: faces }, () => ({ x: random() * 600, y: random() * 300, vx: (random() - 0.5) * 16, vy: (random() - 0.5) * 8, side: 25 + random() * 70 }));
  return Array.from({ length: frames }, () => people.flatMap((p): Detection[] => {
    p.x += p.vx;
    p.y += p.vy;
    const jitter = () => (random() - 0.5) * 0.1 * p.side;
    const score = random() < 0.25 ? 0.05 + 0.45 * random() : 0.5 + 0.5 * random();
    return random() < 0.15 ? [] : [face(p.x + jitter(), p.y + jitter(), score, p.side + jitter())];
  }));
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
    expect(tracker.update([face(90 + 27 * 10)], 1.2)).toMatchObject([{ id: 1, state: 'tracked', startTime: 0, hits: 11 }]);
  });

  it('end after the time, whatever the number of frames', () => {
    for (const times of [[1.4], [0.5, 1.0, 1.29, 1.4], Array.from({ length: 40 }, (_, k) => 0.35 + k * 0.02).concat(1.4)]) {
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
    expect(after(face(32), 1)).toMatchObject([{ id: 2, state: 'tentative' }, { id: 1, state: 'lost' }]); // IoU · score = .1
    expect(after(face(32), 3)).toMatchObject([{ id: 1, state: 'tracked' }]);
    expect(after(face(32, 100, 0.9, 30), 3)).toMatchObject([{ id: 2, state: 'tentative' }, { id: 1, state: 'lost' }]);
    expect(after(face(2, 100, 0.9, 30), 3)).toMatchObject([{ id: 1, state: 'tracked' }]); // overlap enough, whatever the size
  });

  it("are not continued by another's low score, however long the gap", () => {
    const tracker = createTracker();
    for (let i = 0; i < 10; i++) tracker.update([face(0)], i / 30);
    expect(tracker.update([face(20, 100, 0.4)], 0.5)).toMatchObject([{ id: 1, state: 'lost' }]); // IoU = .33
    expect(tracker.update([face(2, 100, 0.4)], 0.6)).toMatchObject([{ id: 1, state: 'lost' }]); // low scores find nobody again
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
    expect(createTracker({ compat: true, scoreThreshold: 0.5, newTrackThreshold: 0.5 }).update([face(0, 0, 0.5)])).toHaveLength(0);
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
    interface Mine extends Detection { name: string }
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
    fc.assert(fc.property(scenes, fc.boolean(), (frames, compat) => {
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
    }), { numRuns: 200 });
  });

  /** Boxes, states and hits, without identities, in one order. */
  const anonymous = (tracks: readonly Track[], mirror = (x: number) => x) =>
    tracks.map(({ box, state, hits, startTime }) => ({ x: mirror(box.x + box.width / 2), y: box.y, width: box.width, height: box.height, state, hits, startTime })).sort((a, b) => a.x - b.x || a.y - b.y);
  const same = (actual: ReturnType<typeof anonymous>, expected: ReturnType<typeof anonymous>) => {
    expect(actual.map(({ state, hits, startTime }) => [state, hits, startTime])).toEqual(expected.map(({ state, hits, startTime }) => [state, hits, startTime]));
    actual.forEach((a, i) => (['x', 'y', 'width', 'height'] as const).forEach((key) => expect(a[key]).toBeCloseTo(expected[i]![key], 6)));
  };

  it('does not depend on the order of the input', () => {
    fc.assert(fc.property(scenes, fc.infiniteStream(fc.nat()), (frames, stream) => {
      const [a, b] = [createTracker(), createTracker()];
      for (const detections of frames) {
        const shuffled = detections.map((d) => [stream.next().value as number, d] as const).sort((p, q) => p[0] - q[0]).map(([, d]) => d);
        same(anonymous(b.update(shuffled)), anonymous(a.update(detections)));
      }
    }), { numRuns: 100 });
  });

  it('is mirrored with the input', () => {
    fc.assert(fc.property(scenes, (frames) => {
      const [a, b] = [createTracker(), createTracker()];
      for (const detections of frames) {
        const mirrored = detections.map((d) => ({ ...d, box: { ...d.box, x: 1000 - d.box.x - d.box.width } }));
        same(anonymous(b.update(mirrored), (x) => 1000 - x), anonymous(a.update(detections)));
      }
    }), { numRuns: 100 });
  });
});

describe('time', () => {
  it('without timestamps advances by the frame rate', () => {
    const [a, b] = [createTracker({ frameRate: 10 }), createTracker()];
    for (let i = 0; i < 8; i++) expect(a.update([face(20 * i)])).toEqual(b.update([face(20 * i)], a.tracks[0]!.lastSeen));
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
    fc.assert(fc.property(scenes, (frames) => {
      const [asked, other] = [createTracker(), createTracker()];
      frames.forEach((detections, i) => {
        for (const part of [0.2, 0.9, 0.5]) if (i) asked.predict((i - 1 + part) / 30);
        expect(asked.update(detections, i / 30)).toEqual(other.update(detections, i / 30));
      });
    }), { numRuns: 30 });
  });

  it('going backwards or standing is an error that leaves the tracker as it was', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 5);
    const before = tracker.snapshot();
    for (const time of [5, 4.9, -1]) expect(() => tracker.update([face(0)], time)).toThrow(thrown('TIME_NOT_RISING', `after 5 s, the last update's, but received ${time} s; call reset()`));
    expect(() => tracker.predict(4.9)).toThrow(thrown('TIME_NOT_RISING', 'from 5 s'));
    for (const time of [NaN, Infinity]) expect(() => tracker.update([face(0)], time)).toThrow(thrown('INVALID_ARGUMENT', `received ${time}`));
    expect(tracker.snapshot()).toEqual(before);
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
    fc.assert(fc.property(scenes, fc.boolean(), fc.nat(24), (frames, compat, at) => {
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
    }), { numRuns: 100 });
  });

  it.each([[null], [{}], [{ version: 2 }], [{ version: 1, time: 'now', frame: 1, nextId: 2, tracks: [] }], [{ version: 1, time: 0, frame: 1, nextId: 2, tracks: [{ id: 1, mean: [], covariance: [] }] }], [{ version: 1, time: 0, frame: 1, nextId: 2, tracks: [null] }]])('refuses %j', (snapshot) => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    expect(() => tracker.restore(snapshot as never)).toThrow(thrown('INVALID_SNAPSHOT', 'take it from snapshot()'));
    expect(ids(tracker.update([face(0)]))).toEqual([1]);
  });
});

describe('input', () => {
  const broken = (change: object, score: number | null = 0.9) => [face(0), { box: { ...face(0).box, ...change }, score } as Detection];

  it.each([
    ['NaN', broken({ x: NaN }), 'finite numbers up to 1000000000 for detection 1 but received x NaN'],
    ['infinity', broken({ width: Infinity }), 'width Infinity'],
    ['a huge number', broken({ y: 1e12 }), 'y 1000000000000'],
    ['a missing number', broken({ height: undefined }), 'height undefined'],
    ['a score in percent', broken({}, 90), 'a score in [0, 1] for detection 1 but received 90'],
    ['no score', broken({}, null), 'received null'],
    ['no box', [{ score: 1 } as Detection], 'a box and a score for detection 0'],
    ['nothing', [null as unknown as Detection], 'received null'],
  ])('with %s is an error that leaves the tracker as it was', (_name, detections, message) => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    const before = tracker.snapshot();
    expect(() => tracker.update(detections)).toThrow(thrown('INVALID_DETECTION', message));
    expect(tracker.snapshot()).toEqual(before);
    expect(ids(tracker.update([face(0)]))).toEqual([1]);
  });

  it('that is no array is an error', () => {
    expect(() => createTracker().update(undefined as never)).toThrow(thrown('INVALID_ARGUMENT', 'received undefined'));
  });

  it('without area joins no track', () => {
    const tracker = createTracker();
    const flat = [{ ...face(0), box: { x: 0, y: 0, width: 0, height: 5 } }, { ...face(0), box: { x: 50, y: 50, width: -20, height: -30 } }];
    expect(tracker.update([...flat, face(100)])).toMatchObject([{ id: 1, detectionIndex: 2 }]);
    expect(tracker.update(flat)).toMatchObject([{ id: 1, state: 'lost' }]);
  });

  it('twice the same gives two tracks', () => {
    const tracker = createTracker();
    for (let i = 0; i < 5; i++) expect(ids(tracker.update([face(0), face(0)])).sort()).toEqual([1, 2]);
  });

  it('of 10,000 at once is tracked', () => {
    const tracker = createTracker();
    const crowd = (shift: number) => Array.from({ length: 10_000 }, (_, k) => face((k % 100) * 60 + shift, Math.floor(k / 100) * 70));
    tracker.update(crowd(0));
    expect(ids(tracker.update(crowd(3)))).toEqual(Array.from({ length: 10_000 }, (_, k) => k + 1));
  });

  it('of 10,000 at one place is refused, and the tracker stays as it was', () => {
    const tracker = createTracker();
    const heap = Array.from({ length: 10_000 }, () => face(0));
    tracker.update(heap);
    expect(() => tracker.update(heap)).toThrow(thrown('TOO_DENSE', 'suppress overlapping detections first (NMS)'));
    expect(tracker.update([])).toHaveLength(10_000);
  });

  it('as large as the limits is survived', () => {
    const tracker = createTracker();
    const far = [{ box: { x: 1e9, y: -1e9, width: 1e9, height: 1e9 }, score: 1 }, { box: { x: -1e9, y: 1e9, width: 1e-6, height: 1e-6 }, score: 1 }];
    for (let i = 0; i < 5; i++) expect(tracker.update(far).every((t) => Object.values(t.box).every(Number.isFinite))).toBe(true);
  });
});

describe('options', () => {
  it.each([
    [{ scoreThreshold: 60 }, 'scoreThreshold but received 60 of type number'],
    [{ scoreThreshold: '0.5' as unknown as number }, 'received 0.5 of type string'],
    [{ lowScoreThreshold: 0.7 }, '[0, 0.5] for lowScoreThreshold'],
    [{ matchThreshold: 0 }, '(0, 1] for matchThreshold'],
    [{ maxLostSeconds: -1 }, 'from 0 for maxLostSeconds'],
    [{ frameRate: 0 }, 'above 0 for frameRate'],
    [{ frameRate: NaN }, 'received NaN'],
    [{ preset: 'fast' as never }, 'conservative, balanced, aggressive for preset but received fast'],
    [{ affinity: 1 as never }, 'a function for affinity'],
  ])('%j are refused', (options, message) => {
    expect(() => createTracker(options)).toThrow(thrown('INVALID_ARGUMENT', message));
  });

  it('of presets start more tracks from conservative to aggressive', () => {
    const starts = (preset: 'conservative' | 'balanced' | 'aggressive') => createTracker({ preset }).update([0.4, 0.65, 0.8].map((score, k) => face(100 * k, 0, score))).length;
    expect([starts('conservative'), starts('balanced'), starts('aggressive')]).toEqual([1, 2, 3]);
  });

  it('of motion move predictions with the camera', () => {
    const jump = [1, 0, 300, 0, 1, -40] as const;
    const [still, moved] = [createTracker(), createTracker()];
    for (const tracker of [still, moved]) for (let i = 0; i < 5; i++) tracker.update([face(100, 100)]);
    expect(still.update([face(400, 60)]).map((t) => t.id)).toEqual([2, 1]);
    expect(moved.update([face(400, 60)], undefined, { motion: jump })).toMatchObject([{ id: 1, state: 'tracked' }]);
    for (const motion of [[1, 0, 0, 0, 1], [1, 0, 0, 2, 0, 0], [1, 0, NaN, 0, 1, 0]]) {
      expect(() => moved.update([], undefined, { motion: motion as never })).toThrow(thrown('INVALID_ARGUMENT', '[a, b, tx, c, d, ty]'));
    }
  });

  it('of affinity tell faces apart and find them again elsewhere', () => {
    interface Known extends Detection { who: string }
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
      // They changed places while nobody looked.
      return see(known('bob', 2), known('ann', 28)).sort();
    };
    expect(follow()).toEqual([[1, 'bob'], [2, 'ann']]);
    expect(follow((track, detection) => (names.get(track.id) === detection.who ? 1 : 0))).toEqual([[1, 'ann'], [2, 'bob']]);
    expect(() => follow(() => 2)).toThrow(thrown('INVALID_ARGUMENT', '[0, 1] from affinity but received 2'));
  });
});
