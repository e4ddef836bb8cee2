import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFaceDetError } from '@facedet/checks';
import { createSmoother } from './smoother.ts';
import type { TrackedFace, SmootherOptions } from './types.ts';

const face = (x: number, id = 1, side = 100): TrackedFace => ({
  id,
  box: { x, y: 50, width: side, height: side },
  score: 0.9,
});
const errorWith = (code: string, message: string) =>
  expect.objectContaining({ name: 'FaceDetError', code, message: expect.stringContaining(message) });
const filters = ['adaptive-ema', 'one-euro'] as const;

/** Standard normal numbers, seeded. */
function noise(seed: number) {
  let s = seed >>> 0;
  const random = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (s + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** The smoothed left edges of a face's box for the given ones, at a frame rate. */
function smoothPositions(options: SmootherOptions, positions: number[], rate = 30): number[] {
  const { smooth } = createSmoother(options);
  return positions.map((x, k) => smooth([face(x)], k / rate)[0]!.box.x);
}

const deviation = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
const changes = (values: number[]) => values.slice(1).map((v, i) => v - values[i]!);

describe.each(filters)('%s', (filter) => {
  const frames = Array.from({ length: 300 }, (_, k) => k);

  it('reduces the jitter of a still face to half or less, at any usual noise', () => {
    for (const sigma of [1, 2, 5]) {
      const random = noise(sigma);
      const noisy = frames.map(() => sigma * random());
      expect(deviation(changes(smoothPositions({ filter }, noisy).slice(60)))).toBeLessThan(
        0.5 * deviation(changes(noisy.slice(60))),
      );
    }
  });

  it('lags less than a frame behind a constant motion', () => {
    for (const speed of [1.5, 3, 10]) {
      const random = noise(3);
      const truth = frames.map((k) => speed * k);
      const smoothed = smoothPositions(
        { filter },
        truth.map((x) => x + random()),
      );
      const lag = smoothed.slice(60).reduce((sum, x, i) => sum + truth[i + 60]! - x, 0) / (smoothed.length - 60);
      expect(lag / speed).toBeGreaterThan(-0.1);
      expect(lag / speed).toBeLessThan(1);
    }
  });

  it('never leaves the range of its input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -500, max: 500, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (positions) => {
          const low = Math.min(...positions);
          const high = Math.max(...positions);
          for (const x of smoothPositions({ filter }, positions)) {
            expect(x).toBeGreaterThanOrEqual(low - 1e-9);
            expect(x).toBeLessThanOrEqual(high + 1e-9);
          }
        },
      ),
    );
  });

  it('does not depend on the size and position of a face', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 30 }),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        fc.integer({ min: -5000, max: 5000 }),
        (positions, zoom, shift) => {
          const [near, far] = [createSmoother({ filter }), createSmoother({ filter })];
          positions.forEach((x, k) => {
            const a = near.smooth([face(x * 50)], k / 30)[0]!.box;
            const b = far.smooth(
              [{ ...face(0), box: { x: x * 50 * zoom + shift, y: 50 * zoom, width: 100 * zoom, height: 100 * zoom } }],
              k / 30,
            )[0]!.box;
            expect(b.x).toBeCloseTo(a.x * zoom + shift, 5);
            expect(b.width).toBeCloseTo(a.width * zoom, 5);
          });
        },
      ),
    );
  });

  it('smooths as much per second at 60 as at 30 fps', () => {
    const step = (rate: number) =>
      smoothPositions(
        { filter },
        Array.from({ length: rate + 1 }, (_, k) => (k / rate < 0.5 ? 0 : 4)),
        rate,
      );
    const [slow, fast] = [step(30), step(60)];
    for (const k of [16, 18, 20, 24, 30]) expect(Math.abs(slow[k]! - fast[2 * k]!)).toBeLessThan(0.9);
  });

  it('passes through a JSON snapshot and gives the same from then on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -200, max: 200, noNaN: true }), { minLength: 2, maxLength: 20 }),
        fc.nat(19),
        (positions, at) => {
          const whole = createSmoother({ filter });
          let resumed = createSmoother({ filter });
          positions.forEach((x, k) => {
            if (k === at) {
              const snapshot = JSON.parse(JSON.stringify(resumed.snapshot()));
              resumed = createSmoother({ filter });
              resumed.restore(snapshot);
            }
            const faces = [{ ...face(x), landmarks: [{ x: x + 10, y: 70 }] }, face(-x, 2)];
            expect(resumed.smooth(faces, k / 30)).toEqual(whole.smooth(faces, k / 30));
          });
        },
      ),
    );
  });
});

describe('tracks', () => {
  it('are returned unchanged in their first frame, in input order, with all other fields', () => {
    const { smooth } = createSmoother();
    const faces = [
      { ...face(0, 7), name: 'a' },
      { ...face(200, 3), name: 'b' },
    ];
    const out = smooth(faces, 0);
    expect(out).toEqual(faces);
    expect(out[0]).not.toBe(faces[0]);
    expect(smooth([faces[1]!, faces[0]!], 1).map((f) => f.name)).toEqual(['b', 'a']);
    expect(faces[0]).toEqual({ ...face(0, 7), name: 'a' });
  });

  it('do not affect each other', () => {
    const [alone, together] = [createSmoother(), createSmoother()];
    for (let k = 0; k < 20; k++) {
      const [a] = alone.smooth([face(3 * k)], k / 30);
      const [b] = together.smooth([face(3 * k), face(500 - 9 * k, 2)], k / 30);
      expect(b).toEqual(a);
    }
  });

  it('continue after a short absence and restart after a long one', () => {
    for (const [absence, fresh] of [
      [0.4, false],
      [0.6, true],
    ] as const) {
      const smoother = createSmoother({ resetAfterSeconds: 0.5 });
      for (let k = 0; k < 10; k++) smoother.smooth([face(0)], k / 30);
      const [back] = smoother.smooth([face(5)], 9 / 30 + absence);
      expect(back!.box.x === 5).toBe(fresh);
    }
  });

  it('are forgotten after resetAfterSeconds, by drop and by reset', () => {
    const smoother = createSmoother();
    for (let k = 0; k < 200; k++) smoother.smooth([face(0, k)], k);
    expect(smoother.size).toBe(1);
    smoother.drop(199);
    smoother.drop(1000);
    expect(smoother.size).toBe(0);
    smoother.reset();
    expect(smoother.smooth([face(0)], 0)).toEqual([face(0)]);
  });
});

describe('landmarks and scores', () => {
  it('move with the box: their place in it does not change', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -300, max: 300, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (positions) => {
          const { smooth } = createSmoother();
          positions.forEach((x, k) => {
            const { box, landmarks } = smooth(
              [
                {
                  ...face(x),
                  landmarks: [
                    { x: x + 30, y: 80 },
                    { x: x + 70, y: 80 },
                  ],
                },
              ],
              k / 30,
            )[0]!;
            expect(landmarks[0]!.x - box.x).toBeCloseTo(30, 6);
            expect(landmarks[1]!.x - box.x).toBeCloseTo(70, 6);
          });
        },
      ),
    );
  });

  it('may be absent in some frames', () => {
    const { smooth } = createSmoother();
    const points = [{ x: 10, y: 20 }];
    smooth([{ ...face(0), landmarks: points }], 0);
    expect(smooth([face(10)], 0.1)[0]).not.toHaveProperty('landmarks');
    expect(smooth([{ ...face(20), landmarks: [{ x: 99, y: 20 }] }], 0.2)[0]!.landmarks).toEqual([{ x: 99, y: 20 }]);
  });

  it('smooth scores by scoreMomentum', () => {
    const { smooth } = createSmoother({ scoreMomentum: 0.7 });
    smooth([{ ...face(0), score: 1 }], 0);
    expect(smooth([{ ...face(0), score: 0 }], 1 / 30)[0]!.score).toBeCloseTo(0.7, 9);
    expect(smooth([{ ...face(0), score: 0 }], 3 / 30)[0]!.score).toBeCloseTo(0.343, 9);
  });
});

describe('invalid input', () => {
  it.each([
    [[face(NaN)], 1, 'INVALID_ARGUMENT', 'finite numbers for x, y, width and height of face 0'],
    [[face(0), face(Infinity, 2)], 1, 'INVALID_ARGUMENT', 'of face 1'],
    [[{ ...face(0), landmarks: [{ x: NaN, y: 0 }] }], 1, 'INVALID_ARGUMENT', 'finite numbers'],
    [[face(0), face(5)], 1, 'INVALID_ARGUMENT', 'each ID once but received 1; face 1 has the ID of an earlier face.'],
    [[face(0)], 0, 'TIMESTAMP_NOT_INCREASING', 'after 0 s'],
    [[face(0)], -1, 'TIMESTAMP_NOT_INCREASING', 'received -1 s'],
    [[face(0)], NaN, 'INVALID_ARGUMENT', 'a timestamp in seconds but received NaN'],
    [[{ id: 1 }], 1, 'INVALID_ARGUMENT', 'a box, a score and an ID for face 0'],
    [[{ ...face(0), box: null }], 1, 'INVALID_ARGUMENT', 'a box, a score and an ID for face 0'],
    [[face(0), null], 1, 'INVALID_ARGUMENT', 'a box, a score and an ID for face 1 but received null'],
    [[face(0), 'face'], 1, 'INVALID_ARGUMENT', 'for face 1 but received "face"'],
    [[{ ...face(0), id: undefined }], 1, 'INVALID_ARGUMENT', 'for face 0'],
    [[{ ...face(0), id: '1' }], 1, 'INVALID_ARGUMENT', 'for face 0'],
    [[{ ...face(0), score: [1] }], 1, 'INVALID_ARGUMENT', 'for face 0'],
    [[{ ...face(0), box: [1, 2, 3, 4] }], 1, 'INVALID_ARGUMENT', 'x, y, width and height'],
    [[face(1e10)], 1, 'INVALID_ARGUMENT', 'finite numbers'],
    [[{ ...face(0), landmarks: {} }], 1, 'INVALID_ARGUMENT', 'an array of points for the landmarks of face 0'],
    [
      [{ ...face(0), landmarks: new Array(5) }],
      1,
      'INVALID_ARGUMENT',
      'an array of points for the landmarks of face 0',
    ],
    [[{ ...face(0), landmarks: [null] }], 1, 'INVALID_ARGUMENT', 'an array of points for the landmarks of face 0'],
    [undefined, 1, 'INVALID_ARGUMENT', 'an array of faces but received undefined'],
    [null, 1, 'INVALID_ARGUMENT', 'an array of faces but received null'],
    [{ length: 1, 0: face(0) }, 1, 'INVALID_ARGUMENT', 'an array of faces'],
    [face(0), 1, 'INVALID_ARGUMENT', 'an array of faces'],
    [[], undefined, 'INVALID_ARGUMENT', 'a timestamp in seconds but received undefined'],
    [[], '1', 'INVALID_ARGUMENT', 'a timestamp in seconds but received "1"'],
  ] as [never, number, string, string][])(
    '%j at %s s is an error that leaves the state unchanged',
    (faces, time, code, message) => {
      const smoother = createSmoother();
      smoother.smooth([face(0)], 0);
      const before = smoother.snapshot();
      expect(() => smoother.smooth(faces, time)).toThrow(errorWith(code, message));
      expect(smoother.snapshot()).toEqual(before);
    },
  );

  it('of any kind gives finite numbers, or an error with a code and an unchanged state', () => {
    const invalid = fc.constantFrom<unknown>(undefined, null, NaN, Infinity, -1, '1', 1n, {}, [], Symbol('x'));
    const number = fc.oneof(
      { weight: 8, arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }) },
      { weight: 1, arbitrary: invalid },
    );
    const box = fc.oneof(
      { weight: 9, arbitrary: fc.record({ x: number, y: number, width: number, height: number }) },
      { weight: 1, arbitrary: invalid },
    );
    const points = fc.array(
      fc.oneof({ weight: 9, arbitrary: fc.record({ x: number, y: number }) }, { weight: 1, arbitrary: invalid }),
      { maxLength: 5 },
    );
    const one = fc.record(
      { id: fc.nat(3), box, score: number, landmarks: fc.oneof(points, invalid) },
      { requiredKeys: ['id', 'box', 'score'] },
    );
    const frame = fc.tuple(
      fc.oneof({ weight: 9, arbitrary: fc.array(one, { maxLength: 3 }) }, { weight: 1, arbitrary: invalid }),
      fc.oneof(fc.double({ noNaN: true, min: 1e-9, max: 10 }), fc.double()),
    );
    for (const filter of filters) {
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
          const smoother = createSmoother({ filter });
          let time = 0;
          for (const [faces, seconds] of frames) {
            const before = JSON.stringify(smoother.snapshot());
            try {
              const out = smoother.smooth(faces as TrackedFace[], time + seconds);
              time += seconds;
              const numbers = out.flatMap((f) => [
                f.box.x,
                f.box.y,
                f.box.width,
                f.box.height,
                f.score,
                ...(f.landmarks ?? []).flatMap((p) => [p.x, p.y]),
              ]);
              if (!numbers.every(Number.isFinite)) throw new Error(`not finite: ${JSON.stringify(out)}`);
            } catch (error) {
              if (!isFaceDetError(error)) throw error;
              if (!/^Expected .* but received .*; .*\.$/s.test(error.message) || error.message.length > 1000)
                throw new Error('wrong form of message', { cause: error });
              if (JSON.stringify(smoother.snapshot()) !== before)
                throw new Error('the state changed', { cause: error });
            }
          }
        }),
        { numRuns: 500 },
      );
    }
  });

  it('of a box without area gives finite numbers', () => {
    const { smooth } = createSmoother();
    for (let k = 0; k < 5; k++) {
      const [{ box }] = smooth([{ ...face(k), box: { x: k, y: 0, width: 0, height: -1 } }], k) as [TrackedFace];
      expect(Object.values(box).every(Number.isFinite)).toBe(true);
    }
  });

  it.each([
    [{ stillAlpha: 0 }],
    [{ stillAlpha: 0.5, fastAlpha: 0.4 }],
    [{ fastAlpha: 1.1 }],
    [{ minCutoff: 0 }],
    [{ beta: -1 }],
    [{ scoreMomentum: 1 }],
    [{ resetAfterSeconds: NaN }],
    [{ filter: 'kalman' as never }],
  ])('option %j is refused', (options) => {
    expect(() => createSmoother(options)).toThrow(errorWith('INVALID_ARGUMENT', 'Expected'));
  });

  it.each([
    [{ stillalpha: 0.2 }, 'did you mean stillAlpha?'],
    [{ still_alpha: 0.2 }, 'did you mean stillAlpha?'],
    [{ momentum: 0.2 }, 'did you mean scoreMomentum?'],
    [null, 'an object for options'],
    ['one-euro', 'an object for options'],
  ])('options %j are refused', (options, message) => {
    expect(() => createSmoother(options as never)).toThrow(errorWith('INVALID_ARGUMENT', message));
  });

  it('an option that is undefined has its default', () => {
    const allUndefined = {
      filter: undefined,
      stillAlpha: undefined,
      fastAlpha: undefined,
      minCutoff: undefined,
      beta: undefined,
      scoreMomentum: undefined,
      resetAfterSeconds: undefined,
    };
    const [plain, given] = [createSmoother(), createSmoother(allUndefined as never)];
    for (let k = 0; k < 10; k++)
      expect(given.smooth([face(k * k)], k / 30)).toEqual(plain.smooth([face(k * k)], k / 30));
  });

  it('any snapshot is restored or refused as a whole', () => {
    const smoother = createSmoother();
    for (let k = 0; k < 3; k++)
      smoother.smooth([{ ...face(k), landmarks: [{ x: k, y: 1 }] }, face(300 - k, 2)], k / 30);
    const good = JSON.stringify(smoother.snapshot());
    const paths = [
      ['version'],
      ['time'],
      ['tracks'],
      ['tracks', 0],
      ...['id', 'lastSeen', 'score', 'position', 'size'].map((name) => ['tracks', 1, name]),
      ...['values', 'motion', 'noise'].flatMap((name) => [
        ['tracks', 0, 'position', name],
        ['tracks', 0, 'size', name],
      ]),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.oneof(
          fc.constantFrom<unknown>(undefined, null, 5, -5, 1e300, 'x', '12', [], [1], [1, 2, 3], [null, null], {}, 7n),
          fc.jsonValue(),
        ),
        (path, value) => {
          const corrupted = JSON.parse(good) as Record<string | number, unknown>;
          let target = corrupted;
          for (const key of path.slice(0, -1)) target = target[key] as typeof corrupted;
          target[path.at(-1)!] = value;
          const before = JSON.stringify(smoother.snapshot());
          try {
            smoother.restore(corrupted as never);
          } catch (error) {
            expect(error).toEqual(errorWith('INVALID_SNAPSHOT', 'take it from snapshot()'));
            expect((error as Error).message.length).toBeLessThan(1000);
            expect(JSON.stringify(smoother.snapshot())).toBe(before);
            return;
          }
          const out = smoother.smooth(
            [{ ...face(1), landmarks: [{ x: 1, y: 1 }] }],
            2 * Math.abs(Number(corrupted['time'])) + 1000,
          );
          expect(Object.values(out[0]!.box).every(Number.isFinite)).toBe(true);
          smoother.restore(JSON.parse(good) as never);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    [null],
    [{}],
    [{ version: 1, time: null, tracks: [{}] }],
    [{ version: 1, time: null, tracks: [null] }],
    [{ version: 1, time: 'x', tracks: [] }],
  ])('snapshot %j is refused', (snapshot) => {
    expect(() => createSmoother().restore(snapshot as never)).toThrow(
      errorWith('INVALID_SNAPSHOT', 'take it from snapshot()'),
    );
  });
});
