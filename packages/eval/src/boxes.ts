import type { TrackRows } from './mot/rows.ts';

/**
 * IoU from which two boxes are the same face: in CLEAR, in the identity metrics, in the preparation and for stability.
 */
export const MINIMUM_OVERLAP = 0.5;

/** Boxes of some rows, in the order of `indices`; flat x, y, width, height. */
export function boxesOfRows(rows: TrackRows, indices: ArrayLike<number>): Float64Array {
  const boxes = new Float64Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    for (let k = 0; k < 4; k++) boxes[4 * i + k] = rows.boxes[4 * row + k]!;
  }
  return boxes;
}

/** Intersection over union of two boxes of flat arrays. A box without area overlaps nothing. */
export function iouAt(a: Float64Array, i: number, b: Float64Array, j: number): number {
  const left = a[4 * i]!;
  const top = a[4 * i + 1]!;
  const right = left + a[4 * i + 2]!;
  const bottom = top + a[4 * i + 3]!;
  const x = b[4 * j]!;
  const y = b[4 * j + 1]!;
  const xEnd = x + b[4 * j + 2]!;
  const yEnd = y + b[4 * j + 3]!;
  const width = Math.min(right, xEnd) - Math.max(left, x);
  const height = Math.min(bottom, yEnd) - Math.max(top, y);
  if (!(width > 0 && height > 0)) return 0;
  const area = (right - left) * (bottom - top);
  const other = (xEnd - x) * (yEnd - y);
  if (!(area > Number.EPSILON && other > Number.EPSILON)) return 0;
  const shared = width * height;
  return shared / (area + other - shared);
}

/**
 * Calls `visit` for each of `a` and each of `b` that overlap, with their intersection over union, by rising row. Those
 * of `b` are sorted by their left edges, so that boxes far apart are not compared.
 */
export function visitOverlaps(
  a: Float64Array,
  b: Float64Array,
  visit: (row: number, col: number, iou: number) => void,
): void {
  const cols = b.length / 4;
  const order = Uint32Array.from({ length: cols }, (_, j) => j);
  if (cols > 1) order.sort((i, j) => b[4 * i]! - b[4 * j]! || i - j);
  let widest = 0;
  for (let j = 0; j < cols; j++) widest = Math.max(widest, b[4 * j + 2]!);
  for (let row = 0; 4 * row < a.length; row++) {
    const left = a[4 * row]!;
    const right = left + a[4 * row + 2]!;
    for (let k = firstFrom(b, order, left - widest); k < cols && b[4 * order[k]!]! < right; k++) {
      const iou = iouAt(a, row, b, order[k]!);
      if (iou > 0) visit(row, order[k]!, iou);
    }
  }
}

/** The first place in `order` whose box's left edge is not below the limit. */
function firstFrom(boxes: Float64Array, order: Uint32Array, limit: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boxes[4 * order[middle]!]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
