/**
 * Called for each pair of overlapping boxes: the positions of both in their selections, and their intersection over
 * union (0 to 1).
 */
export type VisitPair = (first: number, second: number, iou: number) => void;

/** Some of the boxes in an array of left, top, right, bottom: the first `count` numbers of `indices` select them. */
export interface BoxSelection {
  readonly boxes: Float64Array;
  readonly indices: Int32Array;
  count: number;
}

/** A uniform grid over a selection of boxes: each cell lists the boxes that touch it. */
interface Grid {
  left: number;
  top: number;
  /** Side of a cell, pixels. */
  cellSize: number;
  columns: number;
  lines: number;
  /** By cell: where its boxes start in `entries`. */
  starts: Int32Array;
  entries: Int32Array;
  /** By box: the last query that visited it, so that a box in several cells is visited once. */
  lastVisit: Int32Array;
}

/**
 * Makes a function that visits every pair of overlapping boxes of two selections: the first selection in order, each
 * pair once. The second selection is sorted into a grid, so that scattered boxes cost about the sum of both counts, not
 * their product.
 *
 * `margins` (pixels, by position in the first selection) extends the search: pairs that are closer than the margin are
 * visited too, with an IoU of 0 where they do not overlap.
 */
export function createOverlapFinder() {
  const grid: Grid = {
    left: 0,
    top: 0,
    cellSize: 0,
    columns: 0,
    lines: 0,
    starts: new Int32Array(0),
    entries: new Int32Array(0),
    lastVisit: new Int32Array(0),
  };
  /** A box of the first selection with its margin. */
  const searched = new Float64Array(4);

  return function visitOverlaps(
    first: BoxSelection,
    second: BoxSelection,
    visit: VisitPair,
    margins?: Float64Array,
  ): void {
    if (first.count === 0 || second.count === 0) return;
    measureGrid(grid, second);
    fillGrid(grid, second);
    const { starts, entries, lastVisit } = grid;
    const { boxes, indices } = second;
    for (let i = 0; i < first.count; i++) {
      const a = first.indices[i]! * 4;
      const margin = margins ? margins[i]! : 0;
      for (let k = 0; k < 4; k++) searched[k] = first.boxes[a + k]! + (k < 2 ? -margin : margin);
      const [left, top, right, bottom] = searched as unknown as [number, number, number, number];
      visitCells(grid, searched, 0, (cell) => {
        for (let e = starts[cell]!; e < starts[cell + 1]!; e++) {
          const j = entries[e]!;
          if (lastVisit[j] === i) continue;
          lastVisit[j] = i;
          const b = indices[j]! * 4;
          if (boxes[b]! >= right || boxes[b + 2]! <= left || boxes[b + 1]! >= bottom || boxes[b + 3]! <= top) continue;
          visit(i, j, iou(first.boxes, a, boxes, b));
        }
      });
    }
  };
}

/** Sets the extent of the grid and the size of its cells. */
function measureGrid(grid: Grid, { boxes, indices, count }: BoxSelection): void {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  let sides = 0;
  for (let i = 0; i < count; i++) {
    const b = indices[i]! * 4;
    left = Math.min(left, boxes[b]!);
    top = Math.min(top, boxes[b + 1]!);
    right = Math.max(right, boxes[b + 2]!);
    bottom = Math.max(bottom, boxes[b + 3]!);
    sides += boxes[b + 2]! - boxes[b]! + boxes[b + 3]! - boxes[b + 1]!;
  }
  // As large as the average box; larger where there would be many more cells than boxes.
  const width = right - left;
  const height = bottom - top;
  const cellSize = Math.max(
    Number.MIN_VALUE,
    sides / (2 * count),
    Math.sqrt((width * height) / (2 * count)),
    width / (2 * count),
    height / (2 * count),
  );
  grid.left = left;
  grid.top = top;
  grid.cellSize = cellSize;
  grid.columns = Math.floor(width / cellSize) + 1;
  grid.lines = Math.floor(height / cellSize) + 1;
}

/** Enters each box into every cell that it touches, by a counting sort. */
function fillGrid(grid: Grid, { boxes, indices, count }: BoxSelection): void {
  const cells = grid.columns * grid.lines;
  if (grid.starts.length < cells + 1) grid.starts = new Int32Array(2 * cells + 1);
  if (grid.lastVisit.length < count) grid.lastVisit = new Int32Array(2 * count);
  const { starts, lastVisit } = grid;
  starts.fill(0, 0, cells + 1);
  lastVisit.fill(-1, 0, count);
  for (let i = 0; i < count; i++) visitCells(grid, boxes, indices[i]! * 4, (cell) => starts[cell]!++);
  let total = 0;
  for (let cell = 0; cell <= cells; cell++) starts[cell] = total += starts[cell]!;
  if (grid.entries.length < total) grid.entries = new Int32Array(2 * total);
  const { entries } = grid;
  for (let i = 0; i < count; i++) visitCells(grid, boxes, indices[i]! * 4, (cell) => (entries[--starts[cell]!] = i));
}

/** Visits the cells touched by the box (left, top, right, bottom) at `at`; outside the grid, those at its edge. */
function visitCells(
  { left, top, cellSize, columns, lines }: Grid,
  boxes: Float64Array,
  at: number,
  visit: (cell: number) => void,
): void {
  const firstColumn = cellAt(boxes[at]! - left, cellSize, columns);
  const lastColumn = cellAt(boxes[at + 2]! - left, cellSize, columns);
  const lastLine = cellAt(boxes[at + 3]! - top, cellSize, lines);
  for (let line = cellAt(boxes[at + 1]! - top, cellSize, lines); line <= lastLine; line++)
    for (let column = firstColumn; column <= lastColumn; column++) visit(line * columns + column);
}

/** The column or line of a coordinate, in pixels from the grid's edge; clamped to the grid. */
const cellAt = (distance: number, cellSize: number, cells: number) =>
  Math.min(Math.max(Math.floor(distance / cellSize), 0), cells - 1);

/** Intersection over union of two boxes of left, top, right, bottom at offsets `a` and `b`. */
function iou(p: Float64Array, a: number, q: Float64Array, b: number): number {
  const width = Math.min(p[a + 2]!, q[b + 2]!) - Math.max(p[a]!, q[b]!);
  const height = Math.min(p[a + 3]!, q[b + 3]!) - Math.max(p[a + 1]!, q[b + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  const areaP = (p[a + 2]! - p[a]!) * (p[a + 3]! - p[a + 1]!);
  const areaQ = (q[b + 2]! - q[b]!) * (q[b + 3]! - q[b + 1]!);
  return intersection / (areaP + areaQ - intersection);
}
