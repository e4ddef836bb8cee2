import { FaceDetError } from '@facedet/checks';
import { augment, workspace } from './assignment.ts';
import { createOverlapFinder, type Choice } from './overlap.ts';

/** The cost of a pair by its places in both choices; only a pair below the limit of the round can be made. */
export type Cost = (row: number, col: number, iou: number) => number;

/** Most pairs of one round, and most cells of one component's matrix: some 100 MB, some seconds. */
const MAX_PAIRS = 1 << 22;

/**
 * Makes a function that pairs the boxes of two choices at the minimum total cost under a limit (see `assign`), and
 * writes for each row the place of its column, or -1, into `rowToCol`. Pairs below the limit fall into connected
 * components, each solved alone: the optimum of the whole at the cost of its parts.
 *
 * The function throws `TOO_DENSE` where more than 4 million pairs hang together.
 */
export function createAssociation() {
  const visitOverlaps = createOverlapFinder();
  let pairRow = new Int32Array(64);
  let pairCol = new Int32Array(64);
  let pairCost = new Float64Array(64);
  let parent = new Int32Array(0); // union-find over rows, then columns
  let place = new Int32Array(0); // of rows and columns within their component
  let starts = new Int32Array(0);
  let order = new Int32Array(64); // pairs sorted by component
  let matrix = new Float64Array(64);
  let work = workspace(0, 0);
  let rowMatch = new Int32Array(0);
  let colMatch = new Int32Array(0);
  const memberRows: number[] = [];
  const memberCols: number[] = [];

  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root]!;
    while (parent[i] !== root) {
      const next = parent[i]!;
      parent[i] = root;
      i = next;
    }
    return root;
  };

  function associate(
    rows: Choice,
    cols: Choice,
    limit: number,
    cost: Cost,
    rowToCol: Int32Array,
    reach?: Float64Array,
  ): void {
    rowToCol.fill(-1, 0, rows.count);
    let pairs = 0;
    visitOverlaps(
      rows,
      cols,
      (row, col, iou) => {
        const c = cost(row, col, iou);
        if (!(c < limit)) return;
        if (pairs === pairRow.length) {
          if (pairs >= MAX_PAIRS) throw tooDense(rows.count, cols.count);
          pairRow = grown(pairRow, new Int32Array(pairs * 2));
          pairCol = grown(pairCol, new Int32Array(pairs * 2));
          pairCost = grown(pairCost, new Float64Array(pairs * 2));
        }
        pairRow[pairs] = row;
        pairCol[pairs] = col;
        pairCost[pairs++] = c;
      },
      reach,
    );
    if (pairs > 0) solve(pairs, rows.count, cols.count, limit, rowToCol);
  }

  function solve(pairs: number, rows: number, cols: number, limit: number, rowToCol: Int32Array): void {
    const nodes = rows + cols;
    if (parent.length < nodes) {
      parent = new Int32Array(nodes * 2);
      place = new Int32Array(nodes * 2);
      starts = new Int32Array(nodes * 2 + 1);
    }
    for (let i = 0; i < nodes; i++) parent[i] = i;
    for (let p = 0; p < pairs; p++) parent[find(pairRow[p]!)] = find(rows + pairCol[p]!);

    starts.fill(0, 0, nodes + 1);
    for (let p = 0; p < pairs; p++) starts[find(pairRow[p]!)]!++;
    for (let i = 0, total = 0; i <= nodes; i++) {
      total += starts[i]!;
      starts[i] = total;
    }
    if (order.length < pairs) order = new Int32Array(pairRow.length);
    for (let p = pairs - 1; p >= 0; p--) order[--starts[find(pairRow[p]!)]!] = p;

    place.fill(-1, 0, nodes);
    for (let root = 0; root < nodes; root++) {
      const begin = starts[root]!;
      const end = starts[root + 1]!;
      if (end - begin === 1) rowToCol[pairRow[order[begin]!]!] = pairCol[order[begin]!]!;
      else if (end > begin) component(begin, end, rows, limit, rowToCol);
    }
  }

  function component(begin: number, end: number, rows: number, limit: number, rowToCol: Int32Array): void {
    memberRows.length = memberCols.length = 0;
    for (let k = begin; k < end; k++) {
      const row = pairRow[order[k]!]!;
      const col = pairCol[order[k]!]!;
      if (place[row] === -1) place[row] = memberRows.push(row) - 1;
      if (place[rows + col] === -1) place[rows + col] = memberCols.push(col) - 1;
    }
    const flip = memberRows.length > memberCols.length;
    const n = flip ? memberCols.length : memberRows.length;
    const m = flip ? memberRows.length : memberCols.length;
    if (n * m > MAX_PAIRS) throw tooDense(memberRows.length, memberCols.length);
    if (matrix.length < n * m) matrix = new Float64Array(n * m * 2);
    if (work.distance.length < m) work = workspace(m * 2, m * 2);
    if (rowMatch.length < m) {
      rowMatch = new Int32Array(m * 2);
      colMatch = new Int32Array(m * 2);
    }
    // The limit means "not together", as in `assign`.
    matrix.fill(limit, 0, n * m);
    for (let k = begin; k < end; k++) {
      const p = order[k]!;
      const i = place[pairRow[p]!]!;
      const j = place[rows + pairCol[p]!]!;
      matrix[flip ? j * m + i : i * m + j] = pairCost[p]!;
    }
    rowMatch.fill(-1, 0, n);
    colMatch.fill(-1, 0, m);
    augment(matrix, n, m, rowMatch, colMatch, work);
    for (let i = 0; i < n; i++) {
      const j = rowMatch[i]!;
      if (matrix[i * m + j]! < limit) rowToCol[memberRows[flip ? j : i]!] = memberCols[flip ? i : j]!;
    }
  }

  return { associate, visitOverlaps };
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

const tooDense = (rows: number, cols: number) =>
  new FaceDetError(
    'TOO_DENSE',
    `Expected at most ${MAX_PAIRS} overlapping pairs but received more, of ${rows} tracks and ${cols} ` +
      'detections; suppress overlapping detections first (NMS).',
  );
