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

/** A uniform grid over a selection of boxes, in pixels. */
interface Grid {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Side of a cell. */
  readonly cellSize: number;
  readonly columns: number;
  readonly lines: number;
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
  /** By cell: where its boxes start in `entries`. */
  let starts = new Int32Array(0);
  let entries = new Int32Array(0);
  /** By box: the last query that visited it, so that a box in several cells is visited once. */
  let lastVisit = new Int32Array(0);

  /** Enters each box into every cell that it touches, by a counting sort. */
  function fillGrid(grid: Grid, selection: BoxSelection): void {
    const cells = grid.columns * grid.lines;
    if (starts.length < cells + 1) starts = new Int32Array(2 * cells + 1);
    starts.fill(0, 0, cells + 1);
    enterBoxes(grid, selection, starts, null);
    let total = 0;
    for (let cell = 0; cell <= cells; cell++) starts[cell] = total += starts[cell]!;
    if (entries.length < total) entries = new Int32Array(2 * total);
    enterBoxes(grid, selection, starts, entries);
  }

  return function visitOverlaps(
    first: BoxSelection,
    second: BoxSelection,
    visit: VisitPair,
    margins?: Float64Array,
  ): void {
    const { boxes, indices, count } = second;
    if (first.count === 0 || count === 0) return;
    const grid = measureGrid(second);
    fillGrid(grid, second);
    if (lastVisit.length < count) lastVisit = new Int32Array(2 * count);
    lastVisit.fill(-1, 0, count);
    const { cellSize, columns, lines } = grid;
    for (let i = 0; i < first.count; i++) {
      const a = first.indices[i]! * 4;
      const margin = margins ? margins[i]! : 0;
      const left = first.boxes[a]! - margin;
      const top = first.boxes[a + 1]! - margin;
      const right = first.boxes[a + 2]! + margin;
      const bottom = first.boxes[a + 3]! + margin;
      if (left >= grid.right || top >= grid.bottom || right <= grid.left || bottom <= grid.top) continue;
      const firstColumn = cellAt(left - grid.left, cellSize, columns);
      const lastColumn = cellAt(right - grid.left, cellSize, columns);
      const lastLine = cellAt(bottom - grid.top, cellSize, lines);
      for (let line = cellAt(top - grid.top, cellSize, lines); line <= lastLine; line++) {
        for (let cell = line * columns + firstColumn; cell <= line * columns + lastColumn; cell++) {
          for (let e = starts[cell]!; e < starts[cell + 1]!; e++) {
            const j = entries[e]!;
            if (lastVisit[j] === i) continue;
            lastVisit[j] = i;
            const b = indices[j]! * 4;
            if (boxes[b]! >= right || boxes[b + 2]! <= left || boxes[b + 1]! >= bottom || boxes[b + 3]! <= top)
              continue;
            visit(i, j, iou(first.boxes, a, boxes, b));
          }
        }
      }
    }
  };
}

/** Lays a grid over boxes. */
function measureGrid({ boxes, indices, count }: BoxSelection): Grid {
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
  // Cells are as large as the average box; larger where there would be many more cells than boxes.
  const width = right - left;
  const height = bottom - top;
  const cellSize = Math.max(
    Number.MIN_VALUE,
    sides / (2 * count),
    Math.sqrt((width * height) / (2 * count)),
    width / (2 * count),
    height / (2 * count),
  );
  const columns = Math.floor(width / cellSize) + 1;
  const lines = Math.floor(height / cellSize) + 1;
  return { left, top, right, bottom, cellSize, columns, lines };
}

/** Counts the boxes of each cell in `starts`; with `entries`, enters them there instead, each cell from its end. */
function enterBoxes(
  { left, top, cellSize, columns, lines }: Grid,
  { boxes, indices, count }: BoxSelection,
  starts: Int32Array,
  entries: Int32Array | null,
): void {
  for (let i = 0; i < count; i++) {
    const b = indices[i]! * 4;
    const firstColumn = cellAt(boxes[b]! - left, cellSize, columns);
    const lastColumn = cellAt(boxes[b + 2]! - left, cellSize, columns);
    const lastLine = cellAt(boxes[b + 3]! - top, cellSize, lines);
    for (let line = cellAt(boxes[b + 1]! - top, cellSize, lines); line <= lastLine; line++) {
      for (let cell = line * columns + firstColumn; cell <= line * columns + lastColumn; cell++) {
        if (entries) entries[--starts[cell]!] = i;
        else starts[cell]!++;
      }
    }
  }
}

/** The column or line of a coordinate, in pixels from the grid's edge; outside the grid, the one at its edge. */
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
