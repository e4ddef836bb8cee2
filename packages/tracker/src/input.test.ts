import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection } from './types.ts';

const face = (x: number, y = 100, score = 0.9, side = 50): Detection => ({
  box: { x, y, width: side * 0.8, height: side },
  score,
});
const errorWith = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'FaceDetError',
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  });
const MESSAGE_FORM = /^Expected .+ but received .+; .+\.$/;

describe('detections', () => {
  const boxed = (box: unknown, score: unknown = 0.9) => [face(0), { box, score }];
  const withBox = (change: object, score?: unknown) => boxed({ ...face(0).box, ...change }, score);
  const corners = 'fromXyxy makes detections from corners x1, y1, x2, y2';
  const rows = `${corners}, fromXywh from x, y, width, height`;

  it.each([
    [
      'NaN',
      withBox({ x: NaN }),
      'all finite numbers, for detection 1 but received x NaN, y 100, width 40, height 50; ',
    ],
    ['infinity', withBox({ width: Infinity }), 'width Infinity'],
    [
      'a huge number',
      withBox({ y: 1e12 }),
      'all within ±1000000000, for detection 1 but received x 0, y 1000000000000',
    ],
    ['a number as text', withBox({ x: '10' }), 'received x "10"'],
    ['null in its box', withBox({ x: null }), 'received x null'],
    ['a missing number', withBox({ height: undefined }), `height undefined; ${rows}.`],
    [
      'a negative width',
      withBox({ width: -20 }),
      `with sides of at least 0 for detection 1 but received x 0, y 100, width -20, height 50; ${corners}.`,
    ],
    ['a negative height', withBox({ height: -1e-3 }), `height -0.001; ${corners}.`],
    [
      'an array as box',
      boxed([1, 2, 3, 4]),
      `a box { x, y, width, height } in pixels for detection 1 but received [1,2,3,4]; ${rows}.`,
    ],
    ['a typed array as box', boxed(new Float32Array(4)), `received a Float32Array of 16 bytes; ${rows}.`],
    ['x1, y1, x2, y2', boxed({ x1: 1, y1: 2, x2: 3, y2: 4 }), `received {"x1":1,"y1":2,"x2":3,"y2":4}; ${corners}.`],
    ['left, top, right, bottom', boxed({ left: 1, top: 2, right: 3, bottom: 4 }), `${corners}.`],
    ['xmin, ymin, xmax, ymax', boxed({ xmin: 1, ymin: 2, xmax: 3, ymax: 4 }), `${corners}.`],
    [
      'left, top, width, height',
      boxed({ left: 1, top: 2, width: 3, height: 4 }),
      `received x undefined, y undefined, width 3, height 4; ${rows}.`,
    ],
    ['w and h', boxed({ x: 1, y: 2, w: 3, h: 4 }), `width undefined, height undefined; ${rows}.`],
    [
      'corners beside the score',
      [face(0), { x1: 1, y1: 2, x2: 3, y2: 4, score: 1 }],
      '{ box, score } with a box { x, y, width, height } in pixels for detection 1 but received ' +
        `{"x1":1,"y1":2,"x2":3,"y2":4,"score":1}; ${corners}.`,
    ],
    [
      'the box beside the score',
      [face(0), { x: 1, y: 2, width: 3, height: 4, score: 1 }],
      'put x, y, width and height into box.',
    ],
    ['a row of numbers instead of an object', [face(0), [1, 2, 3, 4, 0.9]], `received [1,2,3,4,0.9]; ${rows}.`],
    ['a typed row of numbers', [face(0), new Float32Array(5)], rows],
    [
      'a score in percent',
      withBox({}, 90),
      'a score in [0, 1] for detection 1 but received 90; divide percentages by 100.',
    ],
    [
      'a raw network output as score',
      withBox({}, -3.2),
      'received -3.2; apply the sigmoid to raw outputs of a network.',
    ],
    ['a score of NaN', withBox({}, NaN), 'a score in [0, 1] for detection 1 but received NaN; '],
    ['a score as text', withBox({}, '0.9'), 'received "0.9"; '],
    ['no score', withBox({}, null), 'received null; '],
    [
      'no box',
      [{ score: 1 }],
      '{ box, score } with a box { x, y, width, height } in pixels for detection 0 but received ' +
        '{"score":1}; add the missing box.',
    ],
    ['null as box', boxed(null), 'add the missing box.'],
    ['a number as box', boxed(5), 'add the missing box.'],
    ['null', [null], 'received null; give one object per detection.'],
    ['a hole', new Array(1), 'received undefined; '],
    ['a number', [5], 'received 5; '],
  ])('with %s are an error that leaves the tracker unchanged', (_name, detections, message) => {
    const tracker = createTracker();
    tracker.update([face(0)]);
    const before = tracker.snapshot();
    expect(() => tracker.update(detections as never)).toThrow(errorWith('INVALID_DETECTION', message));
    expect(() => tracker.update(detections as never)).toThrow(errorWith('INVALID_DETECTION', MESSAGE_FORM));
    expect(tracker.snapshot()).toEqual(before);
    expect(tracker.update([face(0)])).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it.each([
    [undefined, 'give [] for a frame'],
    [null, 'received null'],
    [{}, 'received {}'],
    ['faces', 'received "faces"'],
    [new Float32Array(10), 'fromXyxy or fromXywh makes them'],
    [{ length: 0 }, 'received {"length":0}'],
  ])('that are not an array (%j) are an error', (detections, message) => {
    expect(() => createTracker().update(detections as never)).toThrow(errorWith('INVALID_ARGUMENT', message));
    expect(() => createTracker().update(detections as never)).toThrow(errorWith('INVALID_ARGUMENT', MESSAGE_FORM));
  });

  it('are tracked or refused with a code, whatever they are', () => {
    const anyDetections = fc.oneof(
      fc.anything(),
      fc.array(
        fc.oneof(
          fc.anything(),
          fc.record({ box: fc.anything(), score: fc.anything() }),
          fc.record({
            box: fc.record({ x: fc.anything(), y: fc.integer(), width: fc.anything(), height: fc.integer() }),
            score: fc.constantFrom(0, 0.9, 1, 2, '1'),
          }),
        ),
      ),
    );
    fc.assert(
      fc.property(anyDetections, (detections) => {
        const tracker = createTracker();
        tracker.update([face(0)], 0);
        const before = tracker.snapshot();
        try {
          tracker.update(detections as never, 1 / 30);
        } catch (error) {
          expect(error).toEqual(
            errorWith(Array.isArray(detections) ? 'INVALID_DETECTION' : 'INVALID_ARGUMENT', MESSAGE_FORM),
          );
          expect((error as Error).message.length).toBeLessThan(500);
          expect(tracker.snapshot()).toEqual(before);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('may have a box with getters, like DOMRect, and anything else', () => {
    class Rect {
      get x() {
        return 1;
      }
      get y() {
        return 2;
      }
      get width() {
        return 30;
      }
      get height() {
        return 40;
      }
      get left() {
        return 1;
      }
      get right() {
        return 31;
      }
    }
    expect(createTracker().update([{ box: new Rect(), score: 0.9 }])).toMatchObject([{ id: 1 }]);
    expect(
      createTracker<Detection & { embedding: number[] }>().update([{ ...face(0), embedding: [NaN] }]),
    ).toMatchObject([{ detection: { embedding: [NaN] } }]);
  });

  it('without area join no track', () => {
    const tracker = createTracker();
    const flat = [
      { ...face(0), box: { x: 0, y: 0, width: 0, height: 5 } },
      { ...face(0), box: { x: 50, y: 50, width: 20, height: -1e-12 } },
    ];
    expect(tracker.update([...flat, face(100)])).toMatchObject([{ id: 1, detectionIndex: 2 }]);
    expect(tracker.update(flat)).toEqual([]);
  });

  it('that are equal give two tracks', () => {
    const tracker = createTracker();
    for (let i = 0; i < 5; i++)
      expect(
        tracker
          .update([face(0), face(0)])
          .map(({ id }) => id)
          .sort(),
      ).toEqual([1, 2]);
  });

  it('of 10,000 at once are tracked', () => {
    const tracker = createTracker();
    const crowd = (shift: number) =>
      Array.from({ length: 10_000 }, (_, k) => face((k % 100) * 60 + shift, Math.floor(k / 100) * 70));
    tracker.update(crowd(0));
    expect(tracker.update(crowd(3)).map(({ id }) => id)).toEqual(Array.from({ length: 10_000 }, (_, k) => k + 1));
  });

  it('of 10,000 at one place are refused, and the tracker is unchanged', () => {
    const tracker = createTracker();
    const heap = Array.from({ length: 10_000 }, () => face(0));
    tracker.update(heap);
    expect(() => tracker.update(heap)).toThrow(errorWith('TOO_DENSE', MESSAGE_FORM));
    expect(() => tracker.update(heap)).toThrow(errorWith('TOO_DENSE', 'suppress overlapping detections first (NMS)'));
    tracker.update([]);
    expect(tracker.lost).toHaveLength(10_000);
  });

  it('at the coordinate limits give finite boxes', () => {
    const tracker = createTracker();
    const far = [
      { box: { x: 1e9, y: -1e9, width: 1e9, height: 1e9 }, score: 1 },
      { box: { x: -1e9, y: 1e9, width: 1e-6, height: 1e-6 }, score: 1 },
    ];
    for (let i = 0; i < 5; i++)
      expect(tracker.update(far).every((t) => Object.values(t.box).every(Number.isFinite))).toBe(true);
  });
});

describe('timestamps', () => {
  it('that do not increase are an error that leaves the tracker unchanged', () => {
    const tracker = createTracker();
    tracker.update([face(0)], 5);
    const before = tracker.snapshot();
    for (const time of [5, 4.9, -1])
      expect(() => tracker.update([face(0)], time)).toThrow(
        errorWith(
          'TIMESTAMP_NOT_INCREASING',
          `a timestamp after 5 s, the last update's, but received ${time} s; call reset() to start over.`,
        ),
      );
    expect(() => tracker.predict(4.9)).toThrow(errorWith('TIMESTAMP_NOT_INCREASING', 'from 5 s'));
    expect(tracker.snapshot()).toEqual(before);
  });

  it.each([[NaN], [Infinity], [null], ['0.5'], [true], [new Date(0)]])('of %j are an error', (time) => {
    const tracker = createTracker();
    tracker.update([face(0)], -5);
    for (const call of [() => tracker.update([face(0)], time as never), () => tracker.predict(time as never)]) {
      expect(call).toThrow(errorWith('INVALID_ARGUMENT', 'Expected a timestamp in seconds but received '));
      expect(call).toThrow(errorWith('INVALID_ARGUMENT', MESSAGE_FORM));
    }
  });

  it('since 1970 are seconds; milliseconds and smaller units are an error', () => {
    const tracker = createTracker();
    const now = 1_790_000_000.25;
    for (let i = 0; i < 5; i++)
      expect(tracker.update([face(0)], now + i / 30)).toMatchObject([{ id: 1, state: 'tracked' }]);
    for (const unit of [1e3, 1e6, 1e9]) {
      for (const call of [
        () => createTracker().update([face(0)], now * unit),
        () => createTracker().predict(now * unit),
        () => tracker.predict(now * unit),
      ]) {
        expect(call).toThrow(errorWith('TIME_NOT_SECONDS', /timestamps are seconds, divide milliseconds by 1000\.$/));
      }
    }
  });

  const trackAt = (times: readonly number[], options = {}) => {
    const tracker = createTracker(options);
    for (const [i, time] of times.entries()) tracker.update([face(2 * i)], time);
    return tracker;
  };
  const regular = (step: number, count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i * step);
  const SECONDS = errorWith(
    'TIME_NOT_SECONDS',
    /^Expected timestamps in seconds but received .+; divide by 1000 .+\.$/,
  );

  it.each([
    ['milliseconds at 30 fps', regular(1000 / 30, 10)],
    ['whole milliseconds at 30 fps', [0, 33, 67, 100, 133, 167]],
    ['milliseconds at 25 fps, not from 0', regular(40, 10, 5120)],
    ['milliseconds at 60 fps', regular(1000 / 60, 10)],
    ['milliseconds at 240 fps', regular(1000 / 240, 10)],
    ['milliseconds at 5 fps', regular(200, 10)],
    ['microseconds', regular(33_333, 10)],
    ['ticks of 1 / 90,000 s', regular(3003, 10)],
    ['milliseconds of a live source', [0, 31, 70, 98, 190, 220, 251, 284, 316, 350]],
  ])('that look like %s are an error', (_name, times) => {
    expect(() => trackAt(times)).toThrow(SECONDS);
    expect(() => trackAt(times, { preset: 'aggressive' })).toThrow(SECONDS);
  });

  it('that look like milliseconds leave the tracker unchanged, until reset', () => {
    const tracker = trackAt([0, 33, 66]);
    const before = tracker.snapshot();
    for (const time of [99, 132]) expect(() => tracker.update([face(6)], time)).toThrow(SECONDS);
    expect(tracker.snapshot()).toEqual(before);
    tracker.reset();
    for (let i = 0; i < 10; i++)
      expect(tracker.update([face(i)], (i * 33) / 1000)).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it.each([
    ['pauses after a start', [0, 1 / 30, 2 / 30, ...regular(600, 10, 600)], {}],
    ['pauses between bursts', Array.from({ length: 20 }, (_, i) => Math.floor(i / 2) * 60 + (i % 2) / 30), {}],
    ['a burst after one long pause, followed by pauses', [0, 3600, 3600.04, 7200, 10_800, 14_400, 18_000], {}],
    ['pauses of different lengths', [0, 30, 50, 110, 125, 300, 390], {}],
    ['one frame every ten seconds and as slow a frame rate', regular(10, 10), { frameRate: 0.1 }],
    ['one frame every ten seconds and tracks that live for a minute', regular(10, 10), { maxLostSeconds: 60 }],
    ['one frame every two seconds', regular(2, 10), {}],
    ['compat, whose clock counts updates', regular(1000 / 30, 10), { compat: true }],
  ])('with %s are seconds', (_name, times, options) => {
    expect(trackAt(times, options).tracks).toHaveLength(1);
  });

  it('of frames without faces say nothing about the unit', () => {
    const tracker = createTracker();
    for (const time of regular(30, 20)) expect(tracker.update([], time)).toEqual([]);
    for (let i = 0; i < 5; i++) tracker.update([face(i)], 600 + i / 30);
    expect(tracker.tracks).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it('of skipped frames that were predicted in between are seconds', () => {
    const tracker = createTracker();
    for (let key = 0; key < 6; key++) {
      tracker.update([face(0)], 10 * key);
      tracker.predict(10 * key + 1 / 30);
    }
    expect(tracker.tracks).toHaveLength(1);
  });

  it('of a restored stream are not judged by their first steps', () => {
    const tracker = createTracker();
    const other = trackAt(regular(1 / 30, 10));
    tracker.restore(JSON.parse(JSON.stringify(other.snapshot())));
    for (const time of regular(60, 6, 60)) expect(tracker.update([face(0)], time)).toHaveLength(1);
  });

  it('in seconds are never refused after one step shorter than a track lives', () => {
    const steps = fc.array(
      fc.oneof(fc.constantFrom(1 / 30, 0.5, 5, 33, 60, 600), fc.integer({ min: 1, max: 10_000 })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), steps, (start, rest) => {
        const tracker = trackAt([0]);
        let time = 0;
        // At most two pauses before the first short step.
        for (const step of [...Array<number>(start).fill(33), 1 / 30, ...rest])
          tracker.update([face(0)], (time += step));
        expect(tracker.tracks).toHaveLength(1);
      }),
    );
  });
});
