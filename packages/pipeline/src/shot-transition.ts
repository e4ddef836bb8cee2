import { COLUMNS, ROWS } from './shot-thumbnail.ts';

/** Half a thumbnail each way: 24 × 15 cells. */
const [WIDTH, HEIGHT] = [COLUMNS / 2, ROWS / 2];
export const COARSE = WIDTH * HEIGHT;

/** A picture of some time ago: the mean luma of 24 × 15 cells. */
export interface CoarsePicture {
  readonly timestamp: number;
  readonly luma: Uint8Array;
}

/** Luma of 24 × 15 cells of packed RGB cell means. */
export function coarseLuma(rgb: Uint8Array): Uint8Array {
  const luma = new Uint8Array(COARSE);
  const row = 3 * COLUMNS;
  for (let y = 0, to = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, to++) {
      const at = 3 * (2 * y * COLUMNS + 2 * x);
      const r = rgb[at]! + rgb[at + 3]! + rgb[at + row]! + rgb[at + row + 3]!;
      const g = rgb[at + 1]! + rgb[at + 4]! + rgb[at + row + 1]! + rgb[at + row + 4]!;
      const b = rgb[at + 2]! + rgb[at + 5]! + rgb[at + row + 2]! + rgb[at + row + 5]!;
      luma[to] = 0.25 * (0.299 * r + 0.587 * g + 0.114 * b) + 0.5;
    }
  }
  return luma;
}

/** How a picture between two others is made of them: `middle ≈ first · a + second · b + constant`. */
export interface Blend {
  readonly a: number;
  readonly b: number;
  /** Share of the middle picture's variance that the fit leaves, and correlation of the two outer pictures. */
  readonly residual: number;
  readonly correlation: number;
  /** Variances of luma. */
  readonly varianceA: number;
  readonly varianceB: number;
  readonly variance: number;
}

/** Least squares over all cells. */
export function blendOf(first: Uint8Array, middle: Uint8Array, second: Uint8Array): Blend {
  let [sa, sm, sb, aa, bb, ab, am, bm, mm] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < COARSE; i++) {
    const a = first[i]!;
    const b = second[i]!;
    const m = middle[i]!;
    sa += a;
    sb += b;
    sm += m;
    aa += a * a;
    bb += b * b;
    mm += m * m;
    ab += a * b;
    am += a * m;
    bm += b * m;
  }
  const covariance = (product: number, p: number, q: number) => product / COARSE - (p / COARSE) * (q / COARSE);
  const varianceA = covariance(aa, sa, sa);
  const varianceB = covariance(bb, sb, sb);
  const variance = covariance(mm, sm, sm);
  const ca = covariance(am, sa, sm);
  const cb = covariance(bm, sb, sm);
  const cab = covariance(ab, sa, sb);
  const determinant = varianceA * varianceB - cab * cab;
  const a = (ca * varianceB - cb * cab) / Math.max(determinant, 1e-6);
  const b = (cb * varianceA - ca * cab) / Math.max(determinant, 1e-6);
  const residual = (variance - a * ca - b * cb) / Math.max(variance, 1);
  return { a, b, residual, correlation: cab / Math.sqrt(Math.max(varianceA * varianceB, 1)), varianceA, varianceB, variance };
}
