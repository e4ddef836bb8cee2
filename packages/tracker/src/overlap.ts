/**
 * Called for a pair of a row and a column, by their places in `rowIndex` and `colIndex`, with their intersection over
 * union (0 to 1).
 */
export type Visit = (row: number, col: number, iou: number) => void;

/**
 * A choice of boxes: `index` names the first `count` of interest in `boxes`, four numbers each: left, top, right,
 * bottom.
 */
export interface Choice {
  boxes: Float64Array;
  index: Int32Array;
  count: number;
}

/**
 * Makes a function that visits every pair of overlapping boxes of two choices: rows in order, each pair once. It sorts
 * the columns into a grid, so that
 * scattered boxes cost about the sum of both counts, not their product. With `reach`, pixels by place in `rows.index`,
 * pairs nearer
 * than that are visited too, with an IoU of 0 where they don't overlap.
 */
export function createOverlapFinder() {
  let starts = new Int32Array(0);
  let entries = new Int32Array(0);
  let stamp = new Int32Array(0);

  return function visitOverlaps(rows: Choice, cols: Choice, visit: Visit, reach?: Float64Array): void {
    const n = cols.count;
    if (n === 0 || rows.count === 0) return;
    const { boxes, index } = cols;

    let left = Infinity;
    let top = Infinity;
    let right = -Infinity;
    let bottom = -Infinity;
    let sides = 0;
    for (let i = 0; i < n; i++) {
      const b = index[i]! * 4;
      left = Math.min(left, boxes[b]!);
      top = Math.min(top, boxes[b + 1]!);
      right = Math.max(right, boxes[b + 2]!);
      bottom = Math.max(bottom, boxes[b + 3]!);
      sides += boxes[b + 2]! - boxes[b]! + boxes[b + 3]! - boxes[b + 1]!;
    }
    // As large as a usual box; larger where there would be many more cells than boxes.
    const width = right - left;
    const height = bottom - top;
    const cell = Math.max(
      Number.MIN_VALUE,
      sides / (2 * n),
      Math.sqrt((width * height) / (2 * n)),
      width / (2 * n),
      height / (2 * n),
    );
    const across = Math.floor(width / cell) + 1;
    const down = Math.floor(height / cell) + 1;
    const column = (x: number) => Math.min(Math.max(Math.floor((x - left) / cell), 0), across - 1);
    const line = (y: number) => Math.min(Math.max(Math.floor((y - top) / cell), 0), down - 1);

    // Counting sort of each column's box into every cell that it touches.
    if (starts.length < across * down + 1) starts = new Int32Array(2 * across * down + 1);
    if (stamp.length < n) stamp = new Int32Array(2 * n);
    starts.fill(0, 0, across * down + 1);
    stamp.fill(-1, 0, n);
    let total = 0;
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < n; i++) {
        const b = index[i]! * 4;
        const lastX = column(boxes[b + 2]!);
        const lastY = line(boxes[b + 3]!);
        for (let y = line(boxes[b + 1]!); y <= lastY; y++) {
          for (let x = column(boxes[b]!); x <= lastX; x++) {
            if (pass === 0) starts[y * across + x]!++;
            else entries[--starts[y * across + x]!] = i;
          }
        }
      }
      if (pass === 1) break;
      for (let c = 0; c < across * down; c++) {
        total += starts[c]!;
        starts[c] = total;
      }
      starts[across * down] = total;
      if (entries.length < total) entries = new Int32Array(2 * total);
    }

    for (let r = 0; r < rows.count; r++) {
      const a = rows.index[r]! * 4;
      const margin = reach ? reach[r]! : 0;
      const ax1 = rows.boxes[a]! - margin;
      const ay1 = rows.boxes[a + 1]! - margin;
      const ax2 = rows.boxes[a + 2]! + margin;
      const ay2 = rows.boxes[a + 3]! + margin;
      if (ax1 >= right || ay1 >= bottom || ax2 <= left || ay2 <= top) continue;
      const lastX = column(ax2);
      const lastY = line(ay2);
      for (let y = line(ay1); y <= lastY; y++) {
        for (let x = column(ax1); x <= lastX; x++) {
          const c = y * across + x;
          for (let e = starts[c]!; e < starts[c + 1]!; e++) {
            const i = entries[e]!;
            if (stamp[i] === r) continue;
            stamp[i] = r;
            const b = index[i]! * 4;
            if (boxes[b]! >= ax2 || boxes[b + 2]! <= ax1 || boxes[b + 1]! >= ay2 || boxes[b + 3]! <= ay1) continue;
            visit(r, i, iou(rows.boxes, a, boxes, b));
          }
        }
      }
    }
  };
}

/** Intersection over union of two boxes of left, top, right, bottom at offsets `a` and `b`. */
function iou(p: Float64Array, a: number, q: Float64Array, b: number): number {
  const width = Math.min(p[a + 2]!, q[b + 2]!) - Math.max(p[a]!, q[b]!);
  const height = Math.min(p[a + 3]!, q[b + 3]!) - Math.max(p[a + 1]!, q[b + 1]!);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return (
    shared / ((p[a + 2]! - p[a]!) * (p[a + 3]! - p[a + 1]!) + (q[b + 2]! - q[b]!) * (q[b + 3]! - q[b + 1]!) - shared)
  );
}
