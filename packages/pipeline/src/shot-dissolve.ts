import { differenceOf } from './shot-difference.ts';
import type { Thumbnail } from './shot-thumbnail.ts';

/** A picture of the current shot, some time ago. */
export interface PastPicture extends Pick<Thumbnail, 'structure' | 'luma'> {
  readonly timestamp: number;
}

/** Features of a picture and two earlier ones, in the order of the weights. */
export type DissolveFeatures = readonly [
  /** Logarithm of the share of the middle picture that no blend of the outer ones explains. */
  residual: number,
  /** Correlation of the outer pictures. */
  correlation: number,
  /** How far the two weights of the blend are from adding up to 1. */
  sum: number,
  /** Like `residual`, of the pictures a quarter and three quarters of the way. */
  quarters: number,
  /** Structural difference of the outer pictures, motion compensated. */
  structure: number,
  /** The smaller of the blend's weights. */
  share: number,
  /** The smaller rise of the later picture's weight over a quarter of the way. */
  rise: number,
  /** Usual difference of neighboring frames: motion. */
  usual: number,
  /** 0, 1 or 2: which span of time. */
  span: number,
];

/** Seconds between the outer pictures: a dissolve takes a third of a second to two seconds. */
const SPANS = [0.32, 0.64, 1.2];
/** For how long pictures are kept, and how far apart, in seconds. */
export const KEPT_SECONDS = 1.5;
export const SPACING = 0.07;

// Logistic regression, fitted on films of another set than those reported (docs/video.md).
const BIAS = -16.7;
const WEIGHTS: DissolveFeatures = [-1.32, 1.26, 3.48, -0.09, 30.6, 5.29, 3.13, -18.2, -0.384];
/** A structural difference that is hardly ever surpassed: bounds what computing it can still change. */
const LARGEST_DIFFERENCE = 0.5;
/** Mean structure per cell below which a difference counts less: what is left of a plain picture is soon all of it. */
const DETAILED = 14;
/** Logits below this are all the same. */
export const NO_DISSOLVE = -2;

function logit(features: DissolveFeatures): number {
  return features.reduce<number>((sum, value, k) => sum + value * WEIGHTS[k]!, BIAS);
}

/** The logit of being inside a dissolve or at its end, at least −2; of the span that tells it best. */
export function dissolveLogit(now: Thumbnail, timestamp: number, past: readonly PastPicture[], usual: number): number {
  let best = NO_DISSOLVE;
  for (const [k, span] of SPANS.entries()) {
    const measured = blendFeatures(now, timestamp, past, span);
    if (!measured) continue;
    const { first, features } = measured;
    const all = (structure: number): DissolveFeatures =>
      [...features.slice(0, 4), structure, ...features.slice(4), usual, k] as unknown as DissolveFeatures;
    if (logit(all(LARGEST_DIFFERENCE)) <= best) continue;
    const { structure, detail } = differenceOf(now, first);
    best = Math.max(best, logit(all(structure * Math.min(1, detail / DETAILED))));
  }
  return best;
}

/** Features of the blends over a span; null if the middle picture is not a blend of the outer ones. */
function blendFeatures(
  now: Thumbnail,
  timestamp: number,
  past: readonly PastPicture[],
  span: number,
): { first: PastPicture; features: number[] } | null {
  const nearest = (seconds: number) =>
    past.reduce(
      (found, picture) =>
        Math.abs(timestamp - picture.timestamp - seconds) < Math.abs(timestamp - found.timestamp - seconds)
          ? picture
          : found,
      past[0]!,
    );
  if (!past.length) return null;
  const first = nearest(span);
  const length = timestamp - first.timestamp;
  if (!(length >= 0.8 * span && length <= 1.4 * span)) return null;
  const middle = nearest(length / 2);
  if (middle === first) return null;
  const { a, b, residual, correlation, variance } = blendOf(first.luma, middle.luma, now.luma);
  if (!(correlation < 0.8 && residual < 0.25 && a > 0.08 && b > 0.08 && a + b < 1.4 && variance > 30)) return null;
  const early = nearest(0.75 * length);
  const late = nearest(0.25 * length);
  const quarter = early === first || early === middle ? { b, residual } : blendOf(first.luma, early.luma, now.luma);
  const threeQuarters = late === middle ? { b, residual } : blendOf(first.luma, late.luma, now.luma);
  const rise = Math.min(threeQuarters.b - b, b - quarter.b);
  return {
    first,
    features: [
      Math.log(residual + 0.005),
      correlation,
      Math.abs(a + b - 1),
      Math.log(quarter.residual + threeQuarters.residual + 0.01),
      Math.min(a, b),
      rise,
    ],
  };
}

/** How a picture between two others is made of them: `middle ≈ a · first + b · second + constant`. */
export interface Blend {
  readonly a: number;
  readonly b: number;
  /** Share of the middle picture's variance that the fit leaves. */
  readonly residual: number;
  /** Correlation of the two outer pictures. */
  readonly correlation: number;
  /** The smaller of the outer pictures' variances. */
  readonly variance: number;
}

/**
 * Least squares over all cells. In a dissolve the picture between is a mean of the outer ones, with weights that add up
 * to 1 and little left over, and the outer ones are unlike each other. When a camera or people move, edges lie
 * elsewhere and much is left over.
 */
export function blendOf(first: Uint8Array, middle: Uint8Array, second: Uint8Array): Blend {
  const count = first.length;
  let [sa, sm, sb, aa, bb, ab, am, bm, mm] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
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
  const covariance = (product: number, p: number, q: number) => product / count - (p / count) * (q / count);
  const varianceA = covariance(aa, sa, sa);
  const varianceB = covariance(bb, sb, sb);
  const variance = covariance(mm, sm, sm);
  const ca = covariance(am, sa, sm);
  const cb = covariance(bm, sb, sm);
  const cab = covariance(ab, sa, sb);
  const determinant = Math.max(varianceA * varianceB - cab * cab, 1e-6);
  const a = (ca * varianceB - cb * cab) / determinant;
  const b = (cb * varianceA - ca * cab) / determinant;
  const residual = (variance - a * ca - b * cb) / Math.max(variance, 1);
  return {
    a,
    b,
    residual,
    correlation: cab / Math.sqrt(Math.max(varianceA * varianceB, 1)),
    variance: Math.min(varianceA, varianceB),
  };
}
