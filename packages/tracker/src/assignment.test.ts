import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from './assignment.ts';

/** The minimum of Σ pairs + unassigned / 2 · limit over all partial assignments, by trying each. */
function bruteForce(cost: Float64Array, rows: number, cols: number, limit: number): number {
  const used = new Array<boolean>(cols).fill(false);
  const visit = (row: number, pairs: number): number => {
    if (row === rows) return ((rows + cols - 2 * pairs) * limit) / 2;
    let best = visit(row + 1, pairs);
    for (let j = 0; j < cols; j++) {
      if (used[j]) continue;
      used[j] = true;
      best = Math.min(best, cost[row * cols + j]! + visit(row + 1, pairs + 1));
      used[j] = false;
    }
    return best;
  };
  return visit(0, 0);
}

function total(cost: Float64Array, rows: number, cols: number, limit: number) {
  const { rowToCol, colToRow } = assign(cost, rows, cols, { costLimit: limit });
  let sum = 0;
  let pairs = 0;
  rowToCol.forEach((j, i) => {
    if (j < 0) return;
    expect(colToRow[j]).toBe(i);
    expect(cost[i * cols + j]!).toBeLessThan(limit);
    sum += cost[i * cols + j]!;
    pairs++;
  });
  expect(colToRow.filter((i) => i >= 0)).toHaveLength(pairs);
  return { sum: sum + ((rows + cols - 2 * pairs) * limit) / 2, pairs };
}

const matrix = (value: fc.Arbitrary<number>) =>
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }))
    .chain(([rows, cols]) =>
      fc
        .array(value, { minLength: rows * cols, maxLength: rows * cols })
        .map((values) => ({ rows, cols, cost: Float64Array.from(values) })),
    );

describe('assign', () => {
  const real = fc.double({ min: -3, max: 3, noNaN: true });
  const coarse = fc.integer({ min: -2, max: 3 });

  it('reaches the minimum of the augmented problem for any limit', () => {
    fc.assert(
      fc.property(
        matrix(fc.oneof(real, coarse)),
        fc.double({ min: -2, max: 4, noNaN: true }),
        ({ cost, rows, cols }, limit) => {
          expect(total(cost, rows, cols, limit).sum).toBeCloseTo(bruteForce(cost, rows, cols, limit), 9);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('pairs all of the shorter side without a limit, at the minimum', () => {
    fc.assert(
      fc.property(matrix(fc.oneof(real, coarse)), ({ cost, rows, cols }) => {
        const large = 1000; // so expensive that a pair is always better than two unassigned
        const { rowToCol } = assign(cost, rows, cols);
        const pairs = [...rowToCol].filter((j) => j >= 0).length;
        expect(pairs).toBe(Math.min(rows, cols));
        const sum = [...rowToCol].reduce((s, j, i) => (j < 0 ? s : s + cost[i * cols + j]!), 0);
        expect(sum + ((rows + cols - 2 * pairs) * large) / 2).toBeCloseTo(bruteForce(cost, rows, cols, large), 6);
      }),
      { numRuns: 400 },
    );
  });

  it('never makes an infinite pair, and as many finite ones as possible, at the minimum', () => {
    fc.assert(
      fc.property(matrix(fc.oneof(coarse, fc.constant(Infinity))), ({ cost, rows, cols }) => {
        const { rowToCol } = assign(cost, rows, cols);
        const pairs = [...rowToCol].filter((j) => j >= 0).length;
        const sum = [...rowToCol].reduce((s, j, i) => (j < 0 ? s : s + cost[i * cols + j]!), 0);
        expect(sum + ((rows + cols - 2 * pairs) * 1000) / 2).toBeCloseTo(bruteForce(cost, rows, cols, 1000), 6);
      }),
      { numRuns: 400 },
    );
  });

  it('is not the unlimited optimum without its expensive pairs', () => {
    const cost = Float64Array.of(0.1, 0.5, 0.5, 0.95);
    expect([...assign(cost, 2, 2).rowToCol]).toEqual([1, 0]); // 0.5 + 0.5 < 0.1 + 0.95
    expect([...assign(cost, 2, 2, { costLimit: 0.8 }).rowToCol]).toEqual([0, -1]); // 0.1 + 0.8 < 0.5 + 0.5
  });

  it('assigns column i to row i for a constant matrix', () => {
    expect([...assign(new Float64Array(20).fill(0.5), 4, 5).rowToCol]).toEqual([0, 1, 2, 3]);
  });

  it.each([
    [Float64Array.of(NaN), 1, 1, 'received NaN at row 0, column 0'],
    [Float64Array.of(0, -Infinity), 1, 2, 'received -Infinity at row 0, column 1'],
    [Float64Array.of(0, 1), 2, 2, 'received 2 numbers for 2 × 2'],
    [Float64Array.of(0, 1), 1.5, 1, 'for 1.5 × 1'],
    [undefined as never, 1, 1, 'received undefined numbers'],
    [['1', 2] as never, 1, 2, 'received "1" at row 0, column 0'],
    [
      [
        [1, 2],
        [3, 4],
      ] as never,
      1,
      2,
      'received [1,2] at row 0, column 0',
    ],
    [Float64Array.of(1), 1, 1, 'for costLimit but received NaN', { costLimit: NaN }],
    [Float64Array.of(1), 1, 1, 'for costLimit but received "1"', { costLimit: '1' }],
    [Float64Array.of(1), 1, 1, 'did you mean costLimit?', { cost_limit: 1 }],
  ])('refuses %o as %d × %d', (cost, rows, cols, message, options?) => {
    const refused = expect.objectContaining({
      name: 'FaceDetError',
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
    expect(() => assign(cost, rows, cols, options as never)).toThrow(refused);
    expect(() => assign(cost, rows, cols, options as never)).toThrow(/^Expected .+ but received .+; .+[.?]$/);
  });
});
