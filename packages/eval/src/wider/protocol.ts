import { type ScoredBoxes, byDescendingScore, lowerBound, MINIMUM_OVERLAP, overlapAlong } from '../boxes.ts';
import { type WiderImage, type WiderSubset, validFaces, widerSubsets } from './image.ts';

/** Precision and recall at 1000 descending thresholds of the normalized score, `1 − (k + 1) / 1000`. */
export interface PrecisionRecallCurve {
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

/** The results of `evaluateWider` for one subset of the faces. */
export interface WiderMetrics {
  /** Faces in the subset. */
  readonly faces: number;
  /** Average precision in [0, 1]: area under the monotone envelope of the curve (VOC, all points). */
  readonly ap: number;
  readonly curve: PrecisionRecallCurve;
}

/** The results of `evaluateWider` for one image. */
export interface WiderImageResult {
  readonly image: WiderImage;
  /** Null for an image without predictions. */
  readonly predictions: ScoredBoxes | null;
  /** For each face, the score of its true positive, or NaN for a missed face. */
  readonly matchScores: Float64Array;
  /** For each prediction, the face with the largest overlap if that is at least 0.5, or −1 for a false positive. */
  readonly matches: Int32Array;
}

/** The results of `evaluateWider`. */
export interface WiderEvaluation {
  /** Number of images. */
  readonly images: number;
  /** Easy, medium and hard where every image has `counted`, and always `all`: every face not marked invalid. */
  readonly metrics: Readonly<Partial<Record<WiderSubset, WiderMetrics>> & { all: WiderMetrics }>;
  /** In the order of the images. */
  readonly perImage: readonly WiderImageResult[];
}

/** Thresholds of the precision-recall curve. */
const STEPS = 1000;

/**
 * Computes average precision by the official WIDER FACE protocol, as its MATLAB code does: overlap with both sides + 1,
 * a match at 0.5 and above; scores normalized to [0, 1] over the whole set; a prediction is compared only with the face
 * of largest overlap, ignored faces among them (then the prediction is ignored too); a second match of a face is a
 * false positive; 1000 thresholds.
 *
 * @param images the evaluated images; the faces of an image without predictions count as missed.
 * @param predictions by image name (`EVENT/NAME`).
 */
export function evaluateWider(
  images: readonly WiderImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
): WiderEvaluation {
  const sorted = new Map<string, ScoredBoxes>();
  for (const { name } of images) {
    const found = predictions.get(name);
    if (found) sorted.set(name, byDescendingScore(found));
  }
  const isOfficial = images.length > 0 && images.every((image) => image.counted);
  const subsets: Subset[] = isOfficial ? [...widerSubsets, 'all'] : ['all'];
  const tally = createTally(subsets.length, scoreRange(images, sorted));
  const faceTotals = subsets.map(() => 0);
  const perImage = images.map((image): WiderImageResult => {
    const faces = image.boxes.length / 4;
    const found = sorted.get(image.name) ?? null;
    const matches = found ? matchFaces(found.boxes, image.boxes) : new Int32Array(0);
    const matchScores = new Float64Array(faces).fill(Number.NaN);
    const memberships = membershipsOf(image, subsets);
    for (const mask of memberships)
      for (let bit = 0; bit < subsets.length; bit++) faceTotals[bit]! += (mask >> bit) & 1;
    // The official code skips an image without any labeled face, and so its false positives.
    if (found && faces > 0) tallyImage(tally, { scores: found.scores, matches, memberships, matchScores });
    return { image, predictions: found, matchScores, matches };
  });
  const metrics = Object.fromEntries(subsets.map((subset, bit) => [subset, metricsOf(faceTotals[bit]!, tally, bit)]));
  return { images: images.length, metrics: metrics as WiderEvaluation['metrics'], perImage };
}

type Subset = WiderSubset | 'all';

/** For each face a bit per subset that contains it. */
function membershipsOf(image: WiderImage, subsets: readonly Subset[]): Uint8Array {
  const memberships = new Uint8Array(image.boxes.length / 4);
  subsets.forEach((subset, bit) => {
    const members = subset === 'all' ? validFaces(image) : image.counted![subset];
    for (let f = 0; f < memberships.length; f++) memberships[f]! |= members[f]! << bit;
  });
  return memberships;
}

interface ScoreRange {
  readonly min: number;
  /** From the lowest score of the whole set to the highest; 1 where they are equal. */
  readonly span: number;
}

function scoreRange(images: readonly WiderImage[], predictions: ReadonlyMap<string, ScoredBoxes>): ScoreRange {
  let min = Infinity;
  let max = -Infinity;
  for (const { name } of images) {
    const scores = predictions.get(name)?.scores;
    if (!scores?.length) continue;
    max = Math.max(max, scores[0]!);
    min = Math.min(min, scores[scores.length - 1]!);
  }
  return { min, span: max - min || 1 };
}

/**
 * Predictions counted by the first threshold that they reach and by the combination of subsets in which they count (a
 * bit each), so that a prediction costs one addition: entry `combination × (STEPS + 1) + threshold`, where threshold
 * `STEPS` means none.
 */
interface Tally extends ScoreRange {
  readonly truePositives: Float64Array;
  readonly predictions: Float64Array;
  readonly combinations: number;
}

function createTally(subsetCount: number, range: ScoreRange): Tally {
  const combinations = 2 ** subsetCount;
  const counts = (): Float64Array => new Float64Array(combinations * (STEPS + 1));
  return { ...range, truePositives: counts(), predictions: counts(), combinations };
}

/** An image's predictions by descending score; `matchScores` is filled. */
interface MatchedImage {
  readonly scores: Float64Array;
  readonly matches: Int32Array;
  readonly memberships: Uint8Array;
  readonly matchScores: Float64Array;
}

/** Adds the predictions of one image: the first match of a face is a true positive, further ones are not. */
function tallyImage(tally: Tally, { scores, matches, memberships, matchScores }: MatchedImage): void {
  const { min, span, truePositives, predictions } = tally;
  const inAllSubsets = tally.combinations - 1;
  let k = 0;
  for (let i = 0; i < matches.length; i++) {
    const normalized = (scores[i]! - min) / span;
    // The threshold is near here, off by one where rounding matters; the comparison itself decides.
    const near = Math.floor((1 - normalized) * STEPS) - 2;
    if (near > k) k = near;
    while (k < STEPS && normalized < 1 - (k + 1) / STEPS) k++;
    const face = matches[i]!;
    const index = (face < 0 ? inAllSubsets : memberships[face]!) * (STEPS + 1) + k;
    predictions[index]!++;
    if (face < 0 || !Number.isNaN(matchScores[face]!)) continue;
    matchScores[face] = scores[i]!;
    truePositives[index]!++;
  }
}

/** For each prediction the face of largest overlap (the first of equals) where that is a match, else −1. */
function matchFaces(boxes: Float64Array, faces: Float64Array): Int32Array {
  const { order, lefts } = byLeftEdge(faces);
  const matches = new Int32Array(boxes.length / 4);
  for (let i = 0; i < matches.length; i++) {
    const x = boxes[4 * i]!;
    const y = boxes[4 * i + 1]!;
    const width = boxes[4 * i + 2]!;
    const height = boxes[4 * i + 3]!;
    const area = (width + 1) * (height + 1);
    // At an overlap of 0.5, at least half of either width is shared, which bounds the distance of the left edges. One
    // pixel more for rounding.
    const maxLeft = x + (width + 1) / 2 + 1;
    let largest = MINIMUM_OVERLAP;
    let face = -1;
    for (let k = lowerBound(lefts, x - width - 2); k < lefts.length && lefts[k]! <= maxLeft; k++) {
      const f = order[k]!;
      const w = overlapAlong(x, width, lefts[k]!, faces[4 * f + 2]!) + 1;
      if (w <= 0) continue;
      const h = overlapAlong(y, height, faces[4 * f + 1]!, faces[4 * f + 3]!) + 1;
      if (h <= 0) continue;
      const intersection = w * h;
      const faceArea = (faces[4 * f + 2]! + 1) * (faces[4 * f + 3]! + 1);
      const overlap = intersection / (area + faceArea - intersection);
      if (overlap < largest || (overlap === largest && face >= 0 && face < f)) continue;
      largest = overlap;
      face = f;
    }
    matches[i] = face;
  }
  return matches;
}

/** Faces sorted by their left edges (by insertion: there are few), so that each prediction is compared with few. */
function byLeftEdge(faces: Float64Array): { order: Uint32Array; lefts: Float64Array } {
  const count = faces.length / 4;
  const order = new Uint32Array(count);
  const lefts = new Float64Array(count);
  for (let f = 0; f < count; f++) {
    const left = faces[4 * f]!;
    let k = f;
    for (; k > 0 && lefts[k - 1]! > left; k--) {
      lefts[k] = lefts[k - 1]!;
      order[k] = order[k - 1]!;
    }
    lefts[k] = left;
    order[k] = f;
  }
  return { order, lefts };
}

/** Accumulates the counts of one subset over the thresholds. */
function metricsOf(faces: number, { truePositives, predictions, combinations }: Tally, bit: number): WiderMetrics {
  const precision = new Float64Array(STEPS);
  const recall = new Float64Array(STEPS);
  let matched = 0;
  let predicted = 0;
  for (let k = 0; k < STEPS; k++) {
    for (let mask = 0; mask < combinations; mask++) {
      if (!((mask >> bit) & 1)) continue;
      matched += truePositives[mask * (STEPS + 1) + k]!;
      predicted += predictions[mask * (STEPS + 1) + k]!;
    }
    precision[k] = matched / Math.max(predicted, 1);
    recall[k] = matched / Math.max(faces, 1);
  }
  return { faces, ap: averagePrecision(precision, recall), curve: { precision, recall } };
}

/** Area under the monotone envelope of a precision-recall curve (VOC, all points); recall is ascending. */
function averagePrecision(precision: Float64Array, recall: Float64Array): number {
  let area = 0;
  let envelope = 0;
  for (let k = recall.length - 1; k >= 0; k--) {
    envelope = Math.max(envelope, precision[k]!);
    area += (recall[k]! - (k > 0 ? recall[k - 1]! : 0)) * envelope;
  }
  return area;
}
