import { checkOptionNames, FaceDetError, received } from '@facedet/checks';

/** Options of `assign`. */
export interface AssignOptions {
  /**
   * A pair is made only where its cost is below this. Leaving a row or a column alone costs half of it, so what is
   * minimal is the sum of the pairs' costs + `costLimit` / 2 for everyone left alone: the problem of
   * `lap.lapjv(extend_cost=True, cost_limit)`, and not the same as dropping dear pairs from an unlimited optimum.
   */
  costLimit?: number;
}

/** The column of each row and the row of each column; -1 where unassigned. */
export interface Assignment {
  /** For each row its column, or -1. */
  rowToCol: Int32Array;
  /** For each column its row, or -1. */
  colToRow: Int32Array;
}

/**
 * The assignment of rows to columns with the minimum total cost, rectangular or square, by shortest augmenting paths
 * (Jonker and Volgenant 1987, in the rectangular form of Crouse 2016). O(min² · max) time.
 *
 * Without a limit as many rows and columns as possible are paired; an infinite cost forbids a pair.
 *
 * @param cost row-major, `rows` × `cols`; finite, or `Infinity` for a pair that must not be
 * @param rows number of rows, an integer from 0
 * @param cols number of columns, an integer from 0
 * @throws FaceDetError `INVALID_ARGUMENT` where the sizes don't fit or a cost is NaN or -Infinity
 *
 * @example
 * assign(Float64Array.of(1, 2, 0, 4), 2, 2).rowToCol; // Int32Array [1, 0]
 */
export function assign(cost: Float64Array, rows: number, cols: number, options: AssignOptions = {}): Assignment {
  checkOptionNames(options, ['costLimit'], '', 'the options of assign');
  const { costLimit = Infinity } = options;
  const count = rows * cols;
  if (!(Number.isInteger(rows) && Number.isInteger(cols) && rows >= 0 && cols >= 0 && cost?.length >= count)) {
    const matrix = `${received(cost?.length)} numbers for ${received(rows)} × ${received(cols)}`;
    throw invalid('a cost matrix of rows × cols numbers', matrix, 'give the numbers row by row and both sizes');
  }
  if (typeof costLimit !== 'number' || Number.isNaN(costLimit))
    throw invalid('a number for costLimit', received(costLimit), 'leave it out for no limit');
  const rowToCol = new Int32Array(rows).fill(-1);
  const colToRow = new Int32Array(cols).fill(-1);
  if (count === 0) return { rowToCol, colToRow };

  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    const c = cost[i]!;
    if (!(typeof c === 'number' && c > -Infinity)) {
      throw invalid(
        'costs that are finite or Infinity',
        `${received(c)} at row ${Math.floor(i / cols)}, column ${i % cols}`,
        'Infinity forbids a pair',
      );
    }
    if (c < low) low = c;
    if (c > high && c < Infinity) high = c;
  }
  // A cap turns the limited problem into the plain one: a pair at or above the cap costs as much as two left alone,
  // so the optimum of min(cost, cap), less the pairs that cost the cap, is the optimum of the limited problem. Where
  // only infinite costs are forbidden, the cap outweighs any sum of differences, so that the number of pairs comes
  // first.
  const cap = costLimit < Infinity ? costLimit : low === Infinity ? 0 : high + (high - low + 1) * Math.min(rows, cols);
  // The search runs from the shorter side, so that every start finds an end.
  const flip = rows > cols;
  const n = flip ? cols : rows;
  const m = flip ? rows : cols;
  const capped = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) capped[i * m + j] = Math.min(flip ? cost[j * cols + i]! : cost[i * cols + j]!, cap);
  }
  const shorter = flip ? colToRow : rowToCol;
  const longer = flip ? rowToCol : colToRow;
  augment(capped, n, m, shorter, longer, workspace(n, m));
  const limit = costLimit < Infinity ? cap : Infinity;
  for (let i = 0; i < n; i++) {
    const j = shorter[i]!;
    if ((flip ? cost[j * cols + i]! : cost[i * cols + j]!) < limit) continue;
    shorter[i] = -1;
    longer[j] = -1;
  }
  return { rowToCol, colToRow };
}

/** What `augment` needs for `n` rows and `m` columns; one for larger sizes serves smaller ones too. */
export function workspace(n: number, m: number) {
  return {
    rowDual: new Float64Array(n),
    colDual: new Float64Array(m),
    distance: new Float64Array(m),
    from: new Int32Array(m),
    open: new Int32Array(m),
  };
}

/**
 * Gives each of `n` rows one of `m` ≥ n columns, at the minimum total of finite costs, from the empty assignment (-1
 * in all of `rowToCol` and `colToRow`, which it fills). Of equal ends the search takes a free column first and the
 * lower index in the first round, so that a constant matrix gives the identity.
 */
export function augment(
  cost: Float64Array,
  n: number,
  m: number,
  rowToCol: Int32Array,
  colToRow: Int32Array,
  work: ReturnType<typeof workspace>,
): void {
  const { rowDual, colDual, distance, from, open } = work;
  rowDual.fill(0, 0, n);
  colDual.fill(0, 0, m);
  for (let start = 0; start < n; start++) {
    distance.fill(Infinity, 0, m);
    for (let k = 0; k < m; k++) open[k] = m - 1 - k;
    let left = m;
    let row = start;
    let reached = 0;
    let end = -1;
    // Dijkstra's search over reduced costs; closed columns gather at the tail of `open`.
    while (end < 0) {
      const base = row * m;
      const offset = reached - rowDual[row]!;
      let best = -1;
      let nearest = Infinity;
      for (let k = 0; k < left; k++) {
        const j = open[k]!;
        const through = offset + cost[base + j]! - colDual[j]!;
        let d = distance[j]!;
        if (through < d) {
          distance[j] = d = through;
          from[j] = row;
        }
        if (d < nearest || (d === nearest && colToRow[j] === -1)) {
          nearest = d;
          best = k;
        }
      }
      reached = nearest;
      const j = open[best]!;
      open[best] = open[--left]!;
      open[left] = j;
      if (colToRow[j] === -1) end = j;
      else row = colToRow[j]!;
    }
    rowDual[start]! += reached;
    for (let k = left; k < m; k++) {
      const j = open[k]!;
      const gain = reached - distance[j]!;
      colDual[j]! -= gain;
      if (j !== end) rowDual[colToRow[j]!]! += gain;
    }
    for (let j = end; ;) {
      const i = from[j]!;
      const next = rowToCol[i]!;
      colToRow[j] = i;
      rowToCol[i] = j;
      if (i === start) break;
      j = next;
    }
  }
}

const invalid = (expected: string, received: string, next: string) =>
  new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${received}; ${next}.`);
