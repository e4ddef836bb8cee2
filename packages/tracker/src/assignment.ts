import { checkOptionNames, invalidArgument, received } from '@facedet/checks';
import { invalidArgumentText } from './errors.ts';

/** Options of `assign`. */
export interface AssignOptions {
  /**
   * Only pairs that cost less than this are made. Default: no limit. Higher makes more pairs.
   *
   * An unassigned row or column costs half the limit, so the minimum is over the cost of all pairs plus `costLimit` / 2
   * for each row and column without a pair. This is the problem of `lap.lapjv(extend_cost=True, cost_limit)`, which is
   * not the same as removing expensive pairs from an optimum without a limit.
   */
  costLimit?: number;
}

/** A row–column assignment. */
export interface Assignment {
  /** For each row its column, or -1. */
  rowToCol: Int32Array;
  /** For each column its row, or -1. */
  colToRow: Int32Array;
}

/**
 * Assigns rows to columns at the minimum total cost (linear assignment, rectangular or square).
 *
 * Shortest augmenting paths (Jonker and Volgenant 1987, in the rectangular form of Crouse 2016), O(min² · max) time.
 * Without a limit, as many rows and columns as possible are paired; an infinite cost forbids a pair.
 *
 * @param cost row-major, `rows` × `cols`; finite, or `Infinity` for a forbidden pair
 * @param rows number of rows, an integer from 0
 * @param cols number of columns, an integer from 0
 * @throws FaceDetError `INVALID_ARGUMENT` where the sizes do not fit or a cost is NaN or -Infinity
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
    throw invalidArgumentText(
      'a cost matrix of rows × cols numbers',
      matrix,
      'give the numbers row by row and both sizes',
    );
  }
  if (typeof costLimit !== 'number' || Number.isNaN(costLimit))
    throw invalidArgument('a number for costLimit', costLimit, 'leave it out for no limit');
  // The search runs from the shorter side, so that every search ends at a free column.
  const flipped = rows > cols;
  const n = flipped ? cols : rows;
  const m = flipped ? rows : cols;
  const problem = createProblem(n, m);

  const { low, high } = rangeOfCosts(cost, count, cols);
  // Clamping to `cap` turns the limited problem into the plain one: a pair at or above the cap costs as much as leaving
  // both sides unassigned, so the optimum of min(cost, cap), without the pairs that cost the cap, is the optimum of the
  // limited problem. Without a limit, the cap outweighs any sum of differences, so that the number of pairs comes
  // first.
  const cap = costLimit < Infinity ? costLimit : low === Infinity ? 0 : high + (high - low + 1) * Math.min(rows, cols);
  const costAt = (i: number, j: number) => (flipped ? cost[j * cols + i]! : cost[i * cols + j]!);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) problem.cost[i * m + j] = Math.min(costAt(i, j), cap);
  augment(problem);
  const { rowToCol, colToRow } = problem;
  const limit = costLimit < Infinity ? cap : Infinity;
  for (let i = 0; i < n; i++) {
    const j = rowToCol[i]!;
    if (costAt(i, j) < limit) continue;
    rowToCol[i] = colToRow[j] = -1;
  }
  return flipped ? { rowToCol: colToRow, colToRow: rowToCol } : { rowToCol, colToRow };
}

/** The lowest and the highest finite cost, after a check of all of them. */
function rangeOfCosts(cost: Float64Array, count: number, cols: number): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    const c = cost[i]!;
    if (!(typeof c === 'number' && c > -Infinity)) {
      throw invalidArgumentText(
        'costs that are finite or Infinity',
        `${received(c)} at row ${Math.floor(i / cols)}, column ${i % cols}`,
        'use Infinity to forbid a pair',
      );
    }
    if (c < low) low = c;
    if (c > high && c < Infinity) high = c;
  }
  return { low, high };
}

/** An assignment problem with at most as many rows as columns, its solution, and the buffers of `augment`. */
export type AssignmentProblem = ReturnType<typeof createProblem>;

/** Creates a problem of that size, without assignments; a smaller one may be put into it. */
export function createProblem(rows: number, cols: number) {
  return {
    rows,
    cols,
    /** Row-major, finite. */
    cost: new Float64Array(rows * cols),
    /** By row and by column, the assigned one of the other side; -1 before `augment`. */
    rowToCol: new Int32Array(rows).fill(-1),
    colToRow: new Int32Array(cols).fill(-1),
    rowDual: new Float64Array(rows),
    colDual: new Float64Array(cols),
    distance: new Float64Array(cols),
    /** By column: the row before it on the shortest path. */
    previousRow: new Int32Array(cols),
    openColumns: new Int32Array(cols),
  };
}

/**
 * Assigns each row a column, at the minimum total cost. Of columns at the same distance the search takes a free one
 * first and the lower index in the first round, so that a constant matrix gives column i to row i.
 */
export function augment(problem: AssignmentProblem): void {
  const { cost, rows, cols, rowToCol, colToRow, rowDual, colDual, distance, previousRow, openColumns } = problem;
  rowDual.fill(0, 0, rows);
  colDual.fill(0, 0, cols);
  for (let start = 0; start < rows; start++) {
    distance.fill(Infinity, 0, cols);
    for (let k = 0; k < cols; k++) openColumns[k] = cols - 1 - k;
    let openCount = cols;
    let row = start;
    let pathLength = 0;
    let end = -1;
    // Dijkstra's search over reduced costs; closed columns gather at the tail of `openColumns`.
    while (end < 0) {
      const base = row * cols;
      const offset = pathLength - rowDual[row]!;
      let best = -1;
      let nearest = Infinity;
      for (let k = 0; k < openCount; k++) {
        const j = openColumns[k]!;
        const through = offset + cost[base + j]! - colDual[j]!;
        let d = distance[j]!;
        if (through < d) {
          distance[j] = d = through;
          previousRow[j] = row;
        }
        if (d < nearest || (d === nearest && colToRow[j] === -1)) {
          nearest = d;
          best = k;
        }
      }
      pathLength = nearest;
      const j = openColumns[best]!;
      openColumns[best] = openColumns[--openCount]!;
      openColumns[openCount] = j;
      if (colToRow[j] === -1) end = j;
      else row = colToRow[j]!;
    }
    rowDual[start]! += pathLength;
    for (let k = openCount; k < cols; k++) {
      const j = openColumns[k]!;
      const gain = pathLength - distance[j]!;
      colDual[j]! -= gain;
      if (j !== end) rowDual[colToRow[j]!]! += gain;
    }
    for (let j = end; ;) {
      const i = previousRow[j]!;
      const next = rowToCol[i]!;
      colToRow[j] = i;
      rowToCol[i] = j;
      if (i === start) break;
      j = next;
    }
  }
}
