import { COLUMNS, ROWS, type Thumbnail } from './shot-thumbnail.ts';

/** Side of a block in cells; 8 × 5 blocks cover a thumbnail. */
const BLOCK = 6;
const BLOCKS_X = COLUMNS / BLOCK;
const BLOCK_COUNT = BLOCKS_X * (ROWS / BLOCK);
/** Cells each way in which a block searches for its match. */
const REACH = 2;
/** Global shifts searched each way, in steps of four cells. */
const SHIFT_X = 5;
const SHIFT_Y = 3;
/** Shares of a block's structure: below the first a difference is noise, above the second the block shows something else. */
const NOISE = 0.12;
const UNMATCHED = 0.36;
/** Share of all structure that local motion leaves before a shift of the whole picture is searched. */
const MOVED = 0.1;

/** How two thumbnails differ. */
export interface Difference {
  /** Share of the structure that motion does not explain: 0 for equal pictures, some 0.35 to 0.6 for unrelated ones. */
  readonly structure: number;
  /** The same without motion compensation. */
  readonly still: number;
  /** Share of the structure in blocks that found no match. */
  readonly unmatched: number;
  /** Mean change of chroma, 0 to 1, less what changed alike everywhere; 0 where colours are not known. */
  readonly color: number;
}

/** The part of a thumbnail that a difference needs. */
export type Comparable = Pick<Thumbnail, 'structure'> & Partial<Pick<Thumbnail, 'rgb'>>;

/**
 * Compares two thumbnails block by block, each with its best match nearby and, where much is left, around the shift of the whole picture:
 * pans, shaken cameras and people who walk change little, another shot changes nearly everything.
 */
export function differenceOf(now: Comparable, before: Comparable): Difference {
  const a = now.structure;
  const b = before.structure;
  const weights = new Int32Array(BLOCK_COUNT);
  const left = new Int32Array(BLOCK_COUNT);
  let total = 0;
  let still = 0;
  let local = 0;
  for (let k = 0; k < BLOCK_COUNT; k++) {
    const [x, y] = [(k % BLOCKS_X) * BLOCK, Math.floor(k / BLOCKS_X) * BLOCK];
    let weight = 0;
    let unmoved = 0;
    for (let j = y; j < y + BLOCK; j++) {
      for (let at = j * COLUMNS + x, end = at + BLOCK; at < end; at++) {
        const p = a[at]!;
        const q = b[at]!;
        weight += Math.abs(p) + Math.abs(q);
        unmoved += Math.abs(p - q);
      }
    }
    weights[k] = weight;
    left[k] = unmoved > NOISE * weight ? bestMatch(a, b, x, y, 0, 0, unmoved) : unmoved;
    total += weight;
    still += unmoved;
    local += left[k]!;
  }
  const [dx, dy] = local > MOVED * total ? globalShift(a, b) : [0, 0];
  let structure = 0;
  let unmatched = 0;
  for (let k = 0; k < BLOCK_COUNT; k++) {
    const weight = weights[k]!;
    let best = left[k]!;
    if ((dx !== 0 || dy !== 0) && best > NOISE * weight) best = bestMatch(a, b, (k % BLOCKS_X) * BLOCK, Math.floor(k / BLOCKS_X) * BLOCK, dx, dy, best);
    structure += best;
    if (best > UNMATCHED * weight) unmatched += weight;
  }
  const scale = 1 / Math.max(total, 1);
  const color = now.rgb && before.rgb ? colorChange(now.rgb, before.rgb, dx, dy) : 0;
  return { structure: structure * scale, still: still * scale, unmatched: unmatched * scale, color };
}

/** The smallest difference of a block to those around a shift; `best` where none is smaller. */
function bestMatch(a: Int8Array, b: Int8Array, x: number, y: number, dx: number, dy: number, best: number): number {
  const right = Math.min(x - dx + REACH, COLUMNS - BLOCK);
  const bottom = Math.min(y - dy + REACH, ROWS - BLOCK);
  for (let v = Math.max(y - dy - REACH, 0); v <= bottom; v++) {
    for (let u = Math.max(x - dx - REACH, 0); u <= right; u++) {
      let sum = 0;
      for (let j = 0; j < BLOCK && sum < best; j++) {
        const p = (y + j) * COLUMNS + x;
        const q = (v + j) * COLUMNS + u;
        // Written out: takes half the time of a loop.
        sum += Math.abs(a[p]! - b[q]!) + Math.abs(a[p + 1]! - b[q + 1]!) + Math.abs(a[p + 2]! - b[q + 2]!);
        sum += Math.abs(a[p + 3]! - b[q + 3]!) + Math.abs(a[p + 4]! - b[q + 4]!) + Math.abs(a[p + 5]! - b[q + 5]!);
      }
      if (sum < best) best = sum;
    }
  }
  return best;
}

const [HALF_WIDTH, HALF_HEIGHT] = [COLUMNS / 2, ROWS / 2];
const [QUARTER_WIDTH, QUARTER_HEIGHT] = [COLUMNS / 4, Math.floor(ROWS / 4)];

/** The shift of the whole picture in cells, coarse to fine: `now(x, y)` is like `before(x − dx, y − dy)`. */
function globalShift(now: Int8Array, before: Int8Array): [dx: number, dy: number] {
  const halfA = halved(now, COLUMNS, HALF_WIDTH, HALF_HEIGHT);
  const halfB = halved(before, COLUMNS, HALF_WIDTH, HALF_HEIGHT);
  const quarterA = halved(halfA, HALF_WIDTH, QUARTER_WIDTH, QUARTER_HEIGHT);
  const quarterB = halved(halfB, HALF_WIDTH, QUARTER_WIDTH, QUARTER_HEIGHT);
  let best = Infinity;
  let [x, y] = [0, 0];
  for (let dy = -SHIFT_Y; dy <= SHIFT_Y; dy++) {
    for (let dx = -SHIFT_X; dx <= SHIFT_X; dx++) {
      // Of equals the smaller shift.
      const cost = shiftCost(quarterA, quarterB, QUARTER_WIDTH, QUARTER_HEIGHT, dx, dy) + 0.01 * (Math.abs(dx) + Math.abs(dy));
      if (cost < best) [best, x, y] = [cost, dx, dy];
    }
  }
  const [cx, cy] = [2 * x, 2 * y];
  best = Infinity;
  for (let dy = cy - 1; dy <= cy + 1; dy++) {
    for (let dx = cx - 1; dx <= cx + 1; dx++) {
      const cost = shiftCost(halfA, halfB, HALF_WIDTH, HALF_HEIGHT, dx, dy);
      if (cost < best) [best, x, y] = [cost, dx, dy];
    }
  }
  return [2 * x, 2 * y];
}

/** The mean of each 2 × 2 cells. */
function halved(from: Int8Array | Int16Array, stride: number, width: number, height: number): Int16Array {
  const into = new Int16Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const at = 2 * (y * stride + x);
      into[to] = (from[at]! + from[at + 1]! + from[at + stride]! + from[at + stride + 1]!) >> 1;
    }
  }
  return into;
}

/** Difference of two pictures where they overlap once `b` has moved, as a share of their structure there. */
function shiftCost(a: Int16Array, b: Int16Array, width: number, height: number, dx: number, dy: number): number {
  const bottom = Math.min(height, height + dy);
  const left = Math.max(0, dx);
  const count = Math.min(width, width + dx) - left;
  let difference = 0;
  let total = 1;
  for (let y = Math.max(0, dy); y < bottom; y++) {
    const p = y * width + left;
    const q = (y - dy) * width + left - dx;
    for (let i = 0; i < count; i++) {
      const m = a[p + i]!;
      const n = b[q + i]!;
      difference += Math.abs(m - n);
      total += Math.abs(m) + Math.abs(n);
    }
  }
  return difference / total;
}

/** Mean change of every second cell's chroma at a shift of the whole picture. */
function colorChange(now: Uint8Array, before: Uint8Array, dx: number, dy: number): number {
  const right = Math.min(COLUMNS, COLUMNS + dx);
  const bottom = Math.min(ROWS, ROWS + dy);
  const changes = new Float64Array((COLUMNS * ROWS) / 2);
  let count = 0;
  let meanRed = 0;
  let meanBlue = 0;
  for (let y = Math.max(0, dy); y < bottom; y += 2) {
    for (let x = Math.max(0, dx); x < right; x += 2) {
      const p = 3 * (y * COLUMNS + x);
      const q = 3 * ((y - dy) * COLUMNS + x - dx);
      const green = before[q + 1]! - now[p + 1]!;
      const red = now[p]! - before[q]! + green;
      const blue = now[p + 2]! - before[q + 2]! + green;
      changes[count++] = red;
      changes[count++] = blue;
      meanRed += red;
      meanBlue += blue;
    }
  }
  meanRed /= count / 2;
  meanBlue /= count / 2;
  let sum = 0;
  for (let i = 0; i < count; i += 2) sum += Math.abs(changes[i]! - meanRed) + Math.abs(changes[i + 1]! - meanBlue);
  return sum / (count * 255);
}

/** Luma from which a cell counts as overexposed. */
const OVEREXPOSED = 238;
/** Change of luma, of 255, from which a cell counts as brighter or darker. */
const RELIT = 8;

/** How the light of two pictures differs. */
export interface LightChange {
  /** Correlation of luma where the later picture is not overexposed, −1 to 1: near 1 where only the light changed. */
  readonly likeness: number;
  /** Of the cells that became brighter or darker, the share of the rarer kind, 0 to 0.5: near 0 in a flash, or when lights go out. */
  readonly mixed: number;
  /** Rise of the share of overexposed cells, −1 to 1. */
  readonly overexposed: number;
  /** How much brighter cells were before that are overexposed now than the others, of 255: in a flash the bright ones burn out first. */
  readonly brightFirst: number;
}

/** Compares the coarse luma of two thumbnails. */
export function lightChange(now: Uint8Array, before: Uint8Array): LightChange {
  let [brighter, darker, was] = [0, 0, 0];
  let [count, a, b, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  let burnt = 0;
  for (let i = 0; i < now.length; i++) {
    const p = now[i]!;
    const q = before[i]!;
    if (p > q + RELIT) brighter++;
    else if (p < q - RELIT) darker++;
    if (q >= OVEREXPOSED) was++;
    if (p >= OVEREXPOSED) {
      burnt += q;
      continue;
    }
    count++;
    a += p;
    b += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  const overexposed = now.length - count;
  const variance = (square: number, sum: number) => Math.max(1, square / count - (sum / count) ** 2);
  const covariance = ab / count - (a / count) * (b / count);
  return {
    // Too few cells left to tell: nothing speaks against a change of light then.
    likeness: count < 20 ? 1 : covariance / Math.sqrt(variance(aa, a) * variance(bb, b)),
    mixed: Math.min(brighter, darker) / Math.max(1, brighter + darker),
    overexposed: (overexposed - was) / now.length,
    brightFirst: count === 0 || overexposed === 0 ? 255 : burnt / overexposed - b / count,
  };
}
