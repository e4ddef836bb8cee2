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
/**
 * Shares of a block's structure: below the first a difference is noise, above the second the block shows something
 * else.
 */
const NOISE = 0.12;
const UNMATCHED = 0.36;
/** Share of all structure that local motion leaves before a shift of the whole picture is searched. */
const MOVED = 0.1;

/** The part of a thumbnail that is compared. */
type Structure = Pick<Thumbnail, 'structure'>;

/** A shift of the whole picture in cells: `now(x, y)` is like `before(x − dx, y − dy)`. */
type Shift = readonly [dx: number, dy: number];

const NO_SHIFT: Shift = [0, 0];

/** How two thumbnails differ. */
export interface Difference {
  /** Share of the structure that motion does not explain: 0 for equal pictures, some 0.35 to 0.6 for unrelated ones. */
  readonly structure: number;
  /** The same without motion compensation. */
  readonly still: number;
  /** Share of the structure in blocks that found no match. */
  readonly unmatched: number;
  /** Mean structure of both pictures per cell, in its steps: 0 where they are plain, some 20 where full of detail. */
  readonly detail: number;
}

/**
 * Compares two thumbnails block by block, each with its best match nearby and, where much is left, around the shift of
 * the whole picture: pans, shaken cameras and people who walk change little, another shot changes nearly everything.
 */
export function differenceOf(now: Structure, before: Structure): Difference {
  const a = now.structure;
  const b = before.structure;
  const pair = [a, b] as const;
  const weights = new Int32Array(BLOCK_COUNT);
  const left = new Int32Array(BLOCK_COUNT);
  let total = 0;
  let still = 0;
  let local = 0;
  for (let k = 0; k < BLOCK_COUNT; k++) {
    const x = columnOf(k);
    const y = rowOf(k);
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
    left[k] = unmoved > NOISE * weight ? bestMatch(pair, k, NO_SHIFT, unmoved) : unmoved;
    total += weight;
    still += unmoved;
    local += left[k]!;
  }
  const shift = local > MOVED * total ? globalShift(a, b) : NO_SHIFT;
  const isShifted = shift.some(Boolean);
  let structure = 0;
  let unmatched = 0;
  for (let k = 0; k < BLOCK_COUNT; k++) {
    const weight = weights[k]!;
    let best = left[k]!;
    if (isShifted && best > NOISE * weight) best = bestMatch(pair, k, shift, best);
    structure += best;
    if (best > UNMATCHED * weight) unmatched += weight;
  }
  const scale = 1 / Math.max(total, 1);
  const detail = total / (2 * COLUMNS * ROWS);
  return { structure: structure * scale, still: still * scale, unmatched: unmatched * scale, detail };
}

/** Left column and top row of a block. */
const columnOf = (block: number) => (block % BLOCKS_X) * BLOCK;
const rowOf = (block: number) => Math.floor(block / BLOCKS_X) * BLOCK;

/** The smallest difference of a block to those around a shift; `best` where none is smaller. */
function bestMatch([a, b]: readonly [Int8Array, Int8Array], block: number, [dx, dy]: Shift, best: number): number {
  const x = columnOf(block);
  const y = rowOf(block);
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

/** A picture of one value per cell. */
interface Grid {
  readonly cells: Int8Array | Int16Array;
  readonly width: number;
  readonly height: number;
}

/** The shift between two pictures, coarse to fine. */
function globalShift(now: Int8Array, before: Int8Array): Shift {
  const halfA = halved({ cells: now, width: COLUMNS, height: ROWS });
  const halfB = halved({ cells: before, width: COLUMNS, height: ROWS });
  const quarterA = halved(halfA);
  const quarterB = halved(halfB);
  let best = Infinity;
  let [x, y] = [0, 0];
  for (let dy = -SHIFT_Y; dy <= SHIFT_Y; dy++) {
    for (let dx = -SHIFT_X; dx <= SHIFT_X; dx++) {
      // Of equals the smaller shift.
      const cost = shiftCost(quarterA, quarterB, dx, dy) + 0.01 * (Math.abs(dx) + Math.abs(dy));
      if (cost < best) [best, x, y] = [cost, dx, dy];
    }
  }
  const [cx, cy] = [2 * x, 2 * y];
  best = Infinity;
  for (let dy = cy - 1; dy <= cy + 1; dy++) {
    for (let dx = cx - 1; dx <= cx + 1; dx++) {
      const cost = shiftCost(halfA, halfB, dx, dy);
      if (cost < best) [best, x, y] = [cost, dx, dy];
    }
  }
  return [2 * x, 2 * y];
}

/** The mean of each 2 × 2 cells. */
function halved({ cells: from, width: stride, height: rows }: Grid): Grid {
  const width = stride >> 1;
  const height = rows >> 1;
  const cells = new Int16Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      const at = 2 * (y * stride + x);
      cells[to] = (from[at]! + from[at + 1]! + from[at + stride]! + from[at + stride + 1]!) >> 1;
    }
  }
  return { cells, width, height };
}

/** Difference of two pictures where they overlap once the second has moved, as a share of their structure there. */
function shiftCost({ cells: a, width, height }: Grid, { cells: b }: Grid, dx: number, dy: number): number {
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

/** Luma from which a cell counts as overexposed. */
const OVEREXPOSED = 238;
/**
 * Change of luma from which a cell counts as brighter or darker: this share of the darker picture's deviation, within
 * bounds of 255.
 */
const RELIT = { share: 0.15, least: 1, most: 8 };

/** How the light of two pictures differs. */
export interface LightChange {
  /**
   * Correlation of luma among the cells that changed: of ranks, or of values that are not overexposed, whichever is
   * higher; moved towards 1 by the share of cells that did not change. −1 to 1, near 1 where only the light changed.
   */
  readonly likeness: number;
  /**
   * Of the cells that became brighter or darker, the share of the rarer kind, 0 to 0.5: near 0 in a flash, or when
   * lights go out.
   */
  readonly mixed: number;
  /** Rise of the share of overexposed cells, −1 to 1. */
  readonly overexposed: number;
  /**
   * How much brighter cells were before that are overexposed now than the others, of 255: in a flash the bright ones
   * burn out first.
   */
  readonly brightFirst: number;
}

/** Compares the light of two thumbnails. */
export function lightChange(
  { luma: now, deviation }: Thumbnail,
  { luma: before, deviation: deviationBefore }: Thumbnail,
): LightChange {
  const relit = Math.min(RELIT.most, Math.max(RELIT.least, RELIT.share * Math.min(deviation, deviationBefore)));
  const changed: number[] = [];
  let [brighter, darker, was, is, burntBefore, othersBefore] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < now.length; i++) {
    const a = now[i]!;
    const b = before[i]!;
    if (a > b + relit) brighter++;
    else if (a < b - relit) darker++;
    if (Math.abs(a - b) > relit) changed.push(i);
    if (b >= OVEREXPOSED) was++;
    if (a >= OVEREXPOSED) {
      is++;
      burntBefore += b;
    } else {
      othersBefore += b;
    }
  }
  const others = now.length - is;
  const exposed = changed.filter((i) => now[i]! < OVEREXPOSED);
  const correlation = Math.max(
    rankCorrelation(now, before, changed),
    exposed.length < 20 ? -1 : valueCorrelation(now, before, exposed),
  );
  return {
    // Too few cells to tell: nothing speaks against a change of light then.
    likeness: changed.length < 20 ? 1 : 1 - (changed.length / now.length) * (1 - correlation),
    mixed: Math.min(brighter, darker) / Math.max(1, brighter + darker),
    overexposed: (is - was) / now.length,
    brightFirst: is === 0 || others === 0 ? 255 : burntBefore / is - othersBefore / others,
  };
}

/** Pearson's, among the cells given. */
function valueCorrelation(a: Uint8Array, b: Uint8Array, cells: readonly number[]): number {
  let [p, q, pp, qq, pq] = [0, 0, 0, 0, 0];
  for (const i of cells) {
    p += a[i]!;
    q += b[i]!;
    pp += a[i]! * a[i]!;
    qq += b[i]! * b[i]!;
    pq += a[i]! * b[i]!;
  }
  const n = cells.length;
  return (
    (pq / n - (p / n) * (q / n)) / Math.sqrt(Math.max(1, pp / n - (p / n) ** 2) * Math.max(1, qq / n - (q / n) ** 2))
  );
}

/** Spearman's, among the cells given. */
function rankCorrelation(a: Uint8Array, b: Uint8Array, cells: readonly number[]): number {
  const ranksA = ranksOf(a, cells);
  const ranksB = ranksOf(b, cells);
  const mean = cells.length / 2;
  let [aa, bb, ab] = [0, 0, 0];
  for (const i of cells) {
    const p = ranksA[a[i]!]! - mean;
    const q = ranksB[b[i]!]! - mean;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  return ab / Math.sqrt(Math.max(1, aa * bb));
}

/** The mean rank of each value from 0 to 255. */
function ranksOf(values: Uint8Array, cells: readonly number[]): Float64Array {
  const ranks = new Float64Array(256);
  for (const i of cells) ranks[values[i]!]!++;
  let below = 0;
  for (let value = 0; value < 256; value++) {
    const count = ranks[value]!;
    ranks[value] = below + count / 2;
    below += count;
  }
  return ranks;
}
