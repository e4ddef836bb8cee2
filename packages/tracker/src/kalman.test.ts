import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correct, COVARIANCE, initiate, MEAN, predict, warp } from './kalman.ts';

// The filter as in DeepSORT: 8 × 8 matrices, plain loops.
type Matrix = number[][];
const zeros = (rows: number, cols: number): Matrix =>
  Array.from({ length: rows }, () => new Array<number>(cols).fill(0));
const diagonal = (values: number[]): Matrix => values.map((v, i) => values.map((_, j) => (i === j ? v : 0)));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((s, v, k) => s + v * b[k]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const plus = (a: Matrix, b: Matrix, sign = 1): Matrix => a.map((row, i) => row.map((v, j) => v + sign * b[i]![j]!));

/** Inverse by Gauss–Jordan elimination. */
function inverse(a: Matrix): Matrix {
  const n = a.length;
  const m = a.map((row, i) => [...row, ...diagonal(new Array<number>(n).fill(1))[i]!]);
  for (let i = 0; i < n; i++) {
    const pivot = m[i]![i]!;
    m[i] = m[i]!.map((v) => v / pivot);
    for (let k = 0; k < n; k++) if (k !== i) m[k] = m[k]!.map((v, j) => v - m[k]![i]! * m[i]![j]!);
  }
  return m.map((row) => row.slice(n));
}

const squares = (values: number[]) => diagonal(values.map((v) => v * v));
const transition = (): Matrix =>
  diagonal(new Array<number>(8).fill(1)).map((row, i) => row.map((v, j) => (j === i + 4 ? 1 : v)));
const projection = (): Matrix => zeros(4, 8).map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));

const reference = {
  initiate: ([cx, cy, a, h]: readonly number[]) => ({
    mean: [[cx!], [cy!], [a!], [h!], [0], [0], [0], [0]],
    covariance: squares([h! / 10, h! / 10, 1e-2, h! / 10, h! / 16, h! / 16, 1e-5, h! / 16]),
  }),
  predict({ mean, covariance }: { mean: Matrix; covariance: Matrix }) {
    const h = mean[3]![0]!;
    const noise = squares([h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]);
    const f = transition();
    return { mean: times(f, mean), covariance: plus(times(times(f, covariance), transposed(f)), noise) };
  },
  correct({ mean, covariance }: { mean: Matrix; covariance: Matrix }, measured: readonly number[], noiseScale: number) {
    const h = mean[3]![0]!;
    const p = projection();
    const s = plus(
      times(times(p, covariance), transposed(p)),
      squares([h / 20, h / 20, 1e-1, h / 20].map((v) => v * noiseScale)),
    );
    const gain = times(times(covariance, transposed(p)), inverse(s));
    return {
      mean: plus(
        mean,
        times(
          gain,
          plus(
            measured.map((v) => [v]),
            times(p, mean),
            -1,
          ),
        ),
      ),
      covariance: plus(covariance, times(times(gain, s), transposed(gain)), -1),
    };
  },
};

/** The full covariance of a slot's twelve numbers. */
function full(covariance: Float64Array, slot: number): Matrix {
  const matrix = zeros(8, 8);
  for (let q = 0; q < 4; q++) {
    const p = slot * COVARIANCE + 3 * q;
    matrix[q]![q] = covariance[p]!;
    matrix[q]![q + 4] = matrix[q + 4]![q] = covariance[p + 1]!;
    matrix[q + 4]![q + 4] = covariance[p + 2]!;
  }
  return matrix;
}

/** Whether two numbers agree to 1e-9, relative to their size or to `scale`. */
const near = (actual: number, expected: number, scale = 1) =>
  Math.abs(actual - expected) <= 1e-9 * (Math.abs(expected) + scale);
const state = () => ({ mean: new Float64Array(2 * MEAN), covariance: new Float64Array(2 * COVARIANCE) });
const position = fc.double({ min: -500, max: 2000, noNaN: true });
const box = fc.tuple(
  position,
  position,
  fc.double({ min: 0.3, max: 3, noNaN: true }),
  fc.double({ min: 5, max: 500, noNaN: true }),
);

describe('the Kalman filter', () => {
  it('equals the 8 × 8 matrix form', () => {
    fc.assert(
      fc.property(
        box,
        fc.array(fc.tuple(fc.boolean(), box, fc.constantFrom(1, 2)), { maxLength: 12 }),
        (first, events) => {
          const states = state();
          const { mean, covariance } = states;
          initiate(states, 1, first);
          let expected = reference.initiate(first);
          for (const [measured, values, noiseScale] of events) {
            predict(states, 1, 1);
            expected = reference.predict(expected);
            if (!measured) continue;
            correct(states, 1, values, noiseScale);
            expected = reference.correct(expected, values, noiseScale);
          }
          const means = [...mean.subarray(MEAN)].filter((v, i) => !near(v, expected.mean[i]![0]!, 1e3));
          const covariances = full(covariance, 1).filter(
            (row, i) => !row.every((v, j) => near(v, expected.covariance[i]![j]!, 1e4)),
          );
          const otherSlot = mean.subarray(0, MEAN).filter((v) => v !== 0);
          expect([means, covariances, [...otherSlot]]).toEqual([[], [], []]);
        },
      ),
    );
  });

  it('predicts a gap like that many single steps, where the height is constant', () => {
    fc.assert(
      fc.property(box, box, fc.integer({ min: 1, max: 20 }), (first, second, steps) => {
        const [once, often] = [state(), state()];
        for (const states of [once, often]) {
          initiate(states, 0, first);
          predict(states, 0, 1);
          correct(states, 0, second);
          states.mean[7] = 0;
        }
        predict(once, 0, steps);
        for (let i = 0; i < steps; i++) predict(often, 0, 1);
        expect(once.mean.every((v, i) => near(v, often.mean[i]!))).toBe(true);
        expect(once.covariance.every((v, i) => near(v, often.covariance[i]!))).toBe(true);
      }),
    );
  });

  it('gives the same however a gap is divided, and a valid covariance', () => {
    const time = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(box, time, time, (first, a, b) => {
        const [once, twice] = [state(), state()];
        for (const states of [once, twice]) initiate(states, 0, first);
        predict(once, 0, a + b);
        predict(twice, 0, a);
        predict(twice, 0, b);
        expect(once.covariance.every((v, i) => near(v, twice.covariance[i]!))).toBe(true);
        for (let q = 0; q < 4; q++) {
          const [variance, cross, speed] = once.covariance.slice(3 * q, 3 * q + 3) as unknown as [
            number,
            number,
            number,
          ];
          expect(variance).toBeGreaterThan(0);
          expect(variance * speed - cross * cross).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('rotates, translates and zooms with the camera', () => {
    const states = state();
    const { mean, covariance } = states;
    initiate(states, 0, [10, 20, 0.8, 50]);
    mean.set([3, 4, 0, 1], 4);
    const before = covariance.slice(0, COVARIANCE);
    warp(states, 0, [0, -2, 100, 2, 0, 50]); // a quarter turn, twice as large
    expect([...mean.slice(0, 8)]).toEqual([60, 70, 0.8, 100, -8, 6, 0, 2]);
    const scaled = before.map((v, i) => v * (i >= 6 && i < 9 ? 1 : 4));
    expect(covariance.slice(0, COVARIANCE).every((v, i) => near(v, scaled[i]!))).toBe(true);
  });
});
