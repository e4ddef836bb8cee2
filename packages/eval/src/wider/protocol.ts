import { MINIMUM_OVERLAP } from '../boxes.ts';
import { type ScoredBoxes, byFallingScore } from '../scored-boxes.ts';
import { type WiderImage, type WiderSetting, widerSettings } from './image.ts';

/** Precision and recall at 1000 falling thresholds of the stretched score, `1 − (k + 1) / 1000`. */
export interface PrecisionRecallCurve {
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

/** What `evaluateWider` finds for one subset of the faces. */
export interface WiderFigures {
  /** Faces that count. */
  readonly faces: number;
  /** Average precision in [0, 1], area under the curve made falling from the right (VOC, all points). */
  readonly ap: number;
  readonly curve: PrecisionRecallCurve;
}

/** What `evaluateWider` finds in one image. */
export interface WiderImageResult {
  readonly image: WiderImage;
  /** Null for an image without predictions. */
  readonly predictions: ScoredBoxes | null;
  /** For each face, the score of the first prediction (by falling score) that hit it, or NaN for a missed face. */
  readonly hitScores: Float64Array;
  /** For each prediction, the face that it overlaps most if the overlap is at least 0.5, or −1 for a false positive. */
  readonly matches: Int32Array;
}

/** The figures of a whole set. */
export interface WiderEvaluation {
  readonly images: number;
  /** Easy, medium and hard where every image has `counted`, and always `all`: every face not marked invalid. */
  readonly figures: Readonly<Partial<Record<WiderSetting, WiderFigures>> & { all: WiderFigures }>;
  /** In the order of the images. */
  readonly perImage: readonly WiderImageResult[];
}

const steps = 1000;
const invalidAttribute = 3;

/**
 * Average precision by the official WIDER FACE protocol, as its MATLAB code computes it: overlap with both sides + 1, a
 * hit from 0.5 on; scores stretched to [0, 1] over the whole set; a prediction is compared only with the face that it
 * overlaps most, ignored ones too (then it counts neither way); a second hit of a face is a false positive; 1000
 * thresholds.
 *
 * @param images the images that count; an image without predictions counts its faces as missed.
 * @param predictions by image name (`EVENT/NAME`).
 */
export function evaluateWider(
  images: readonly WiderImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
): WiderEvaluation {
  const ranked = new Map<string, ScoredBoxes>();
  for (const { name } of images) {
    const found = predictions.get(name);
    if (found) ranked.set(name, byFallingScore(found.boxes, found.scores));
  }
  const official = images.length > 0 && images.every((image) => image.counted);
  const settings: (WiderSetting | 'all')[] = official ? [...widerSettings, 'all'] : ['all'];
  const range = scoreRange(images, ranked);
  // Predictions counted by the first threshold that they reach and by the subsets they count in (a bit each): one
  // addition a prediction.
  const everywhere = 2 ** settings.length - 1;
  const hits = new Float64Array(2 ** settings.length * (steps + 1));
  const proposals = new Float64Array(hits.length);
  const faceTotals = settings.map(() => 0);
  const perImage = images.map((image): WiderImageResult => {
    const faces = image.boxes.length / 4;
    const found = ranked.get(image.name) ?? null;
    const matches = found ? bestFaces(found.boxes, image.boxes) : new Int32Array(0);
    const hitScores = new Float64Array(faces).fill(Number.NaN);
    const subsets = new Uint8Array(faces);
    settings.forEach((setting, bit) => {
      const counted = setting === 'all' ? validFaces(image) : image.counted![setting];
      for (let f = 0; f < faces; f++) subsets[f]! |= counted[f]! << bit;
    });
    for (let f = 0; f < faces; f++)
      for (let bit = 0; bit < settings.length; bit++) faceTotals[bit]! += (subsets[f]! >> bit) & 1;
    // The official code passes over an image without any labelled face, its false positives too.
    if (found && faces > 0) countPredictions(found, range, matches, subsets, everywhere, hits, proposals, hitScores);
    return { image, predictions: found, hitScores, matches };
  });
  const ofSubset = (counts: Float64Array, bit: number): Float64Array =>
    Float64Array.from({ length: steps }, (_, k) => {
      let sum = 0;
      for (let mask = 0; mask <= everywhere; mask++) if ((mask >> bit) & 1) sum += counts[mask * (steps + 1) + k]!;
      return sum;
    });
  const figures = Object.fromEntries(
    settings.map((setting, bit) => [
      setting,
      figuresOf(faceTotals[bit]!, ofSubset(hits, bit), ofSubset(proposals, bit)),
    ]),
  ) as WiderEvaluation['figures'];
  return { images: images.length, figures, perImage };
}

/** 1 for each face that is not marked invalid (too blurred or small for the labellers to be sure). */
export function validFaces(image: WiderImage): Uint8Array {
  const valid = new Uint8Array(image.boxes.length / 4);
  for (let f = 0; f < valid.length; f++) valid[f] = image.attributes[6 * f + invalidAttribute] ? 0 : 1;
  return valid;
}

/**
 * Adds the predictions of one image to the counts, each at the first threshold that it reaches; `steps` stands for
 * none. They come by falling score: the first to hit a face is a hit, others of the same face are not.
 */
function countPredictions(
  { scores }: ScoredBoxes,
  { low, span }: ScoreRange,
  matches: Int32Array,
  subsets: Uint8Array,
  everywhere: number,
  hits: Float64Array,
  proposals: Float64Array,
  hitScores: Float64Array,
): void {
  let k = 0;
  for (let i = 0; i < matches.length; i++) {
    const stretched = (scores[i]! - low) / span;
    // The threshold is near here, one off where rounding matters; the comparison itself decides.
    const near = Math.floor((1 - stretched) * steps) - 2;
    if (near > k) k = near;
    while (k < steps && stretched < 1 - (k + 1) / steps) k++;
    const face = matches[i]!;
    const place = (face < 0 ? everywhere : subsets[face]!) * (steps + 1) + k;
    proposals[place]!++;
    if (face < 0 || !Number.isNaN(hitScores[face]!)) continue;
    hitScores[face] = scores[i]!;
    hits[place]!++;
  }
}

interface ScoreRange {
  low: number;
  /** From the lowest score of the whole set to the highest; 1 where they are equal. */
  span: number;
}

function scoreRange(images: readonly WiderImage[], predictions: ReadonlyMap<string, ScoredBoxes>): ScoreRange {
  let low = Infinity;
  let high = -Infinity;
  for (const { name } of images) {
    const scores = predictions.get(name)?.scores;
    if (!scores?.length) continue;
    high = Math.max(high, scores[0]!);
    low = Math.min(low, scores[scores.length - 1]!);
  }
  return { low, span: high - low || 1 };
}

/** For each prediction the face of largest overlap (the first of equals) where that is a hit, else −1. */
function bestFaces(boxes: Float64Array, faces: Float64Array): Int32Array {
  const { order, lefts } = byLeftEdge(faces);
  const best = new Int32Array(boxes.length / 4);
  for (let i = 0; i < best.length; i++) {
    const x = boxes[4 * i]!;
    const y = boxes[4 * i + 1]!;
    const width = boxes[4 * i + 2]!;
    const height = boxes[4 * i + 3]!;
    const right = x + width;
    const bottom = y + height;
    const area = (width + 1) * (height + 1);
    // With an overlap of a half the left edges lie this near: at least half of either width is shared. A pixel more for
    // rounding.
    const furthest = x + (width + 1) / 2 + 1;
    let most = MINIMUM_OVERLAP;
    let face = -1;
    for (let k = firstFrom(lefts, x - width - 2); k < lefts.length && lefts[k]! <= furthest; k++) {
      const f = order[k]!;
      const w = Math.min(right, lefts[k]! + faces[4 * f + 2]!) - Math.max(x, lefts[k]!) + 1;
      if (w <= 0) continue;
      const fy = faces[4 * f + 1]!;
      const h = Math.min(bottom, fy + faces[4 * f + 3]!) - Math.max(y, fy) + 1;
      if (h <= 0) continue;
      const shared = w * h;
      const overlap = shared / (area + (faces[4 * f + 2]! + 1) * (faces[4 * f + 3]! + 1) - shared);
      if (overlap < most || (overlap === most && face >= 0 && face < f)) continue;
      most = overlap;
      face = f;
    }
    best[i] = face;
  }
  return best;
}

/**
 * Faces by their left edges (sorted by insertion: there are few), so that a prediction need only look at those near it.
 */
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

/** The first place in rising values that is not below the limit. */
function firstFrom(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** From how many hits and proposals each threshold adds to those before it. */
function figuresOf(faces: number, hits: Float64Array, proposals: Float64Array): WiderFigures {
  const precision = new Float64Array(steps);
  const recall = new Float64Array(steps);
  let hit = 0;
  let proposed = 0;
  for (let k = 0; k < steps; k++) {
    hit += hits[k]!;
    proposed += proposals[k]!;
    precision[k] = hit / Math.max(proposed, 1);
    recall[k] = hit / Math.max(faces, 1);
  }
  return { faces, ap: averagePrecision(precision, recall), curve: { precision, recall } };
}

/**
 * Area under a precision-recall curve whose precision is made falling from the right (VOC, all points); recall rises.
 */
export function averagePrecision(precision: Float64Array, recall: Float64Array): number {
  let area = 0;
  let envelope = 0;
  for (let k = recall.length - 1; k >= 0; k--) {
    envelope = Math.max(envelope, precision[k]!);
    area += (recall[k]! - (k > 0 ? recall[k - 1]! : 0)) * envelope;
  }
  return area;
}
