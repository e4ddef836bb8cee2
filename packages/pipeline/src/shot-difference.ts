import { CELLS, COLUMNS, ROWS, type Thumbnail } from './shot-thumbnail.ts';

/** Blocks of 6 × 6 cells: 8 × 5 of them. */
const BLOCK = 6;
/** Cells around the global shift, and around no shift, in which a block looks for its match. */
const REACH = 2;
/** Half of the range of global shifts, in cells of a thumbnail of a quarter of the size. */
const SHIFT_X = 5;
const SHIFT_Y = 3;

/** How two thumbnails differ once motion is taken out; all in [0, 1]. */
export interface Difference {
  /** Share of the structure that no shifted part of the other explains; some 0.5 and up for unrelated pictures. */
  readonly structure: number;
  /** The same without motion compensation. */
  readonly still: number;
  /** Share of the structure's weight in blocks that found no match. */
  readonly unmatched: number;
  /** Mean change of colour, of blocks. */
  readonly color: number;
  readonly shiftX: number;
  readonly shiftY: number;
}

const QUARTER = 4;
const [WIDE, HIGH] = [COLUMNS / QUARTER, Math.floor(ROWS / QUARTER)];
const [HALF_WIDE, HALF_HIGH] = [COLUMNS / 2, ROWS / 2];
const quarterA = new Int16Array(WIDE * HIGH);
const quarterB = new Int16Array(WIDE * HIGH);
const halfA = new Int16Array(HALF_WIDE * HALF_HIGH);
const halfB = new Int16Array(HALF_WIDE * HALF_HIGH);

function halve(from: Int8Array | Int16Array, stride: number, width: number, height: number, into: Int16Array): void {
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const at = 2 * (y * stride + x);
      into[to] = (from[at]! + from[at + 1]! + from[at + stride]! + from[at + stride + 1]!) >> 1;
    }
  }
}

/** Mean difference of two pictures where they overlap once `b` is moved by a shift, as a share of their structure. */
function shiftCost(a: Int16Array, b: Int16Array, width: number, height: number, dx: number, dy: number): number {
  const [y0, y1] = [Math.max(0, dy), Math.min(height, height + dy)];
  const [x0, x1] = [Math.max(0, dx), Math.min(width, width + dx)];
  let difference = 0;
  let total = 1;
  for (let y = y0; y < y1; y++) {
    const to = y * width + x1;
    for (let p = y * width + x0, q = (y - dy) * width - dx + x0; p < to; p++, q++) {
      difference += Math.abs(a[p]! - b[q]!);
      total += Math.abs(a[p]!) + Math.abs(b[q]!);
    }
  }
  return difference / total;
}

/** The shift of all of the picture, in cells: `now(x, y)` is like `before(x − dx, y − dy)`. */
function globalShift(now: Int8Array, before: Int8Array): [dx: number, dy: number] {
  halve(now, COLUMNS, HALF_WIDE, HALF_HIGH, halfA);
  halve(before, COLUMNS, HALF_WIDE, HALF_HIGH, halfB);
  halve(halfA, HALF_WIDE, WIDE, HIGH, quarterA);
  halve(halfB, HALF_WIDE, WIDE, HIGH, quarterB);
  let best = Infinity;
  let [bx, by] = [0, 0];
  for (let dy = -SHIFT_Y; dy <= SHIFT_Y; dy++) {
    for (let dx = -SHIFT_X; dx <= SHIFT_X; dx++) {
      // Small shifts are likelier.
      const cost = shiftCost(quarterA, quarterB, WIDE, HIGH, dx, dy) + 0.01 * (Math.abs(dx) + Math.abs(dy));
      if (cost < best) [best, bx, by] = [cost, dx, dy];
    }
  }
  const [cx, cy] = [2 * bx, 2 * by];
  best = Infinity;
  for (let dy = cy - 1; dy <= cy + 1; dy++) {
    for (let dx = cx - 1; dx <= cx + 1; dx++) {
      const cost = shiftCost(halfA, halfB, HALF_WIDE, HALF_HIGH, dx, dy);
      if (cost < best) [best, bx, by] = [cost, dx, dy];
    }
  }
  return [2 * bx, 2 * by];
}

/** Of a block's structure: below this its difference is noise, and above `MATCHED` it shows something else. */
const UNMOVED = 0.12;
const MATCHED = 0.36;

/** Compares two thumbnails. */
export function differenceOf(now: Thumbnail, before: Thumbnail): Difference {
  const a = now.structure;
  const b = before.structure;
  let [gx, gy] = [NaN, 0];
  let [explained, still, total, unmatched] = [0, 0, 0, 0];
  for (let y = 0; y < ROWS; y += BLOCK) {
    for (let x = 0; x < COLUMNS; x += BLOCK) {
      let weight = 0;
      let unmoved = 0;
      for (let j = y; j < y + BLOCK; j++) {
        for (let at = j * COLUMNS + x, end = at + BLOCK; at < end; at++) {
          weight += Math.abs(a[at]!) + Math.abs(b[at]!);
          unmoved += Math.abs(a[at]! - b[at]!);
        }
      }
      let best = unmoved;
      if (unmoved > UNMOVED * weight) {
        // Only where something moved: most frames need no search.
        if (gx !== gx) [gx, gy] = globalShift(a, b);
        best = bestMatch(a, b, x, y, gx, gy, best);
        if (best > UNMOVED * weight && (gx !== 0 || gy !== 0)) best = bestMatch(a, b, x, y, 0, 0, best);
      }
      total += weight;
      still += unmoved;
      explained += best;
      if (best > MATCHED * weight) unmatched += weight;
    }
  }
  if (gx !== gx) gx = 0;
  const scale = 1 / Math.max(total, 1);
  return { structure: explained * scale, still: still * scale, unmatched: unmatched * scale, color: colorChange(now.rgb, before.rgb, gx, gy), shiftX: gx / COLUMNS, shiftY: gy / ROWS };
}

/** The smallest difference of a block to those around a shift; `best` where none is smaller. */
function bestMatch(a: Int8Array, b: Int8Array, x: number, y: number, gx: number, gy: number, best: number): number {
  const left = Math.max(x - gx - REACH, 0);
  const right = Math.min(x - gx + REACH, COLUMNS - BLOCK);
  const top = Math.max(y - gy - REACH, 0);
  const bottom = Math.min(y - gy + REACH, ROWS - BLOCK);
  for (let v = top; v <= bottom; v++) {
    for (let u = left; u <= right; u++) {
      let sum = 0;
      for (let j = 0; j < BLOCK && sum < best; j++) {
        const p = (y + j) * COLUMNS + x;
        const q = (v + j) * COLUMNS + u;
        sum += Math.abs(a[p]! - b[q]!) + Math.abs(a[p + 1]! - b[q + 1]!) + Math.abs(a[p + 2]! - b[q + 2]!) + Math.abs(a[p + 3]! - b[q + 3]!) + Math.abs(a[p + 4]! - b[q + 4]!) + Math.abs(a[p + 5]! - b[q + 5]!);
      }
      if (sum < best) best = sum;
    }
  }
  return best;
}

/** Mean difference of the cells' chroma, of 255, at the global shift, less the change that is the same everywhere. */
function colorChange(now: Uint8Array, before: Uint8Array, gx: number, gy: number): number {
  let [meanU, meanV, count] = [0, 0, 0];
  const [x0, x1] = [Math.max(0, gx), Math.min(COLUMNS, COLUMNS + gx)];
  const [y0, y1] = [Math.max(0, gy), Math.min(ROWS, ROWS + gy)];
  const us = chromaU;
  const vs = chromaV;
  for (let y = y0; y < y1; y += 2) {
    for (let x = x0; x < x1; x += 2) {
      const p = 3 * (y * COLUMNS + x);
      const q = 3 * ((y - gy) * COLUMNS + x - gx);
      const u = now[p]! - now[p + 1]! - before[q]! + before[q + 1]!;
      const v = now[p + 2]! - now[p + 1]! - before[q + 2]! + before[q + 1]!;
      us[count] = u;
      vs[count++] = v;
      meanU += u;
      meanV += v;
    }
  }
  meanU /= count;
  meanV /= count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.abs(us[i]! - meanU) + Math.abs(vs[i]! - meanV);
  return sum / (2 * count * 255);
}

const chromaU = new Float64Array(CELLS);
const chromaV = new Float64Array(CELLS);
