import type { ScoredBoxes } from '../scored-boxes.ts';
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
  /** For each prediction, the face that it overlaps most if the overlap is at least .5, or −1 for a false positive. */
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
const minimumOverlap = 0.5;
const invalidAttribute = 3;

/**
 * Average precision by the official WIDER FACE protocol, as its MATLAB code computes it:
 * overlap with both sides + 1, a hit from .5 on; scores stretched to [0, 1] over the whole set; a prediction looks only at the face
 * that it overlaps most, ignored ones too (then it counts neither way); a second hit of a face is a false positive; 1000 thresholds.
 *
 * @param images the images that count; an image without predictions counts its faces as missed.
 * @param predictions by image name (`EVENT/NAME`), by falling score.
 */
export function evaluateWider(images: readonly WiderImage[], predictions: ReadonlyMap<string, ScoredBoxes>): WiderEvaluation {
  const official = images.length > 0 && images.every((image) => image.counted);
  const settings: (WiderSetting | 'all')[] = official ? [...widerSettings, 'all'] : ['all'];
  const bucketOf = thresholdBuckets(images, predictions);
  const tallies = settings.map(() => ({ faces: 0, hits: new Float64Array(steps + 1), proposals: new Float64Array(steps + 1) }));
  const perImage = images.map((image): WiderImageResult => {
    const faces = image.boxes.length / 4;
    const found = predictions.get(image.name) ?? null;
    const matches = found ? bestFaces(found.boxes, image.boxes) : new Int32Array(0);
    const hitScores = new Float64Array(faces).fill(Number.NaN);
    const isNew = new Uint8Array(matches.length);
    const buckets = new Int32Array(matches.length);
    for (let i = 0; i < matches.length; i++) {
      buckets[i] = bucketOf(found!.scores[i]!);
      const face = matches[i]!;
      if (face < 0 || !Number.isNaN(hitScores[face]!)) continue;
      hitScores[face] = found!.scores[i]!;
      isNew[i] = 1;
    }
    settings.forEach((setting, s) => {
      const tally = tallies[s]!;
      const counted = setting === 'all' ? validFaces(image) : image.counted![setting];
      for (let f = 0; f < faces; f++) tally.faces += counted[f]!;
      // The official code passes over an image without any labelled face, its false positives too.
      if (faces === 0) return;
      for (let i = 0; i < matches.length; i++) {
        const face = matches[i]!;
        if (face >= 0 && counted[face] === 0) continue;
        const bucket = buckets[i]!;
        tally.proposals[bucket] = tally.proposals[bucket]! + 1;
        if (isNew[i]) tally.hits[bucket] = tally.hits[bucket]! + 1;
      }
    });
    return { image, predictions: found, hitScores, matches };
  });
  const figures = Object.fromEntries(settings.map((setting, s) => [setting, figuresOf(tallies[s]!)])) as WiderEvaluation['figures'];
  return { images: images.length, figures, perImage };
}

/** 1 for each face that is not marked invalid (too blurred or small for the labellers to be sure). */
export function validFaces(image: WiderImage): Uint8Array {
  const valid = new Uint8Array(image.boxes.length / 4);
  for (let f = 0; f < valid.length; f++) valid[f] = image.attributes[6 * f + invalidAttribute] ? 0 : 1;
  return valid;
}

/** The first threshold that a score reaches, of 1000 over the range of all scores; `steps` for one that reaches none. */
function thresholdBuckets(images: readonly WiderImage[], predictions: ReadonlyMap<string, ScoredBoxes>): (score: number) => number {
  let low = Infinity;
  let high = -Infinity;
  for (const { name } of images) {
    const scores = predictions.get(name)?.scores;
    if (!scores?.length) continue;
    high = Math.max(high, scores[0]!);
    low = Math.min(low, scores[scores.length - 1]!);
  }
  const span = high - low || 1;
  const thresholds = Float64Array.from({ length: steps }, (_, k) => 1 - (k + 1) / steps);
  return (score) => {
    const stretched = (score - low) / span;
    // The guess may be off by one where rounding matters; the comparison with the threshold itself decides.
    let k = Math.min(steps, Math.max(0, Math.ceil((1 - stretched) * steps) - 1));
    while (k > 0 && stretched >= thresholds[k - 1]!) k--;
    while (k < steps && stretched < thresholds[k]!) k++;
    return k;
  };
}

/** For each prediction the face of largest overlap (the first of equals) where that is a hit, else −1. */
function bestFaces(boxes: Float64Array, faces: Float64Array): Int32Array {
  const count = boxes.length / 4;
  const best = new Int32Array(count);
  const areas = Float64Array.from({ length: faces.length / 4 }, (_, f) => (faces[4 * f + 2]! + 1) * (faces[4 * f + 3]! + 1));
  for (let i = 0; i < count; i++) {
    const x = boxes[4 * i]!;
    const y = boxes[4 * i + 1]!;
    const width = boxes[4 * i + 2]!;
    const height = boxes[4 * i + 3]!;
    const right = x + width;
    const bottom = y + height;
    const area = (width + 1) * (height + 1);
    let most = 0;
    let face = -1;
    for (let f = 0; f < faces.length; f += 4) {
      const fx = faces[f]!;
      if (fx > right + 1) continue;
      const w = Math.min(right, fx + faces[f + 2]!) - Math.max(x, fx) + 1;
      if (w <= 0) continue;
      const fy = faces[f + 1]!;
      const h = Math.min(bottom, fy + faces[f + 3]!) - Math.max(y, fy) + 1;
      if (h <= 0) continue;
      const shared = w * h;
      const overlap = shared / (area + areas[f >> 2]! - shared);
      if (overlap > most) {
        most = overlap;
        face = f >> 2;
      }
    }
    best[i] = most >= minimumOverlap ? face : -1;
  }
  return best;
}

function figuresOf({ faces, hits, proposals }: { faces: number; hits: Float64Array; proposals: Float64Array }): WiderFigures {
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

/** Area under a precision-recall curve whose precision is made falling from the right (VOC, all points); recall rises. */
export function averagePrecision(precision: Float64Array, recall: Float64Array): number {
  let area = 0;
  let envelope = 0;
  for (let k = recall.length - 1; k >= 0; k--) {
    envelope = Math.max(envelope, precision[k]!);
    area += (recall[k]! - (k > 0 ? recall[k - 1]! : 0)) * envelope;
  }
  return area;
}
