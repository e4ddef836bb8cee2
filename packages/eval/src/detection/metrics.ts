import type { ScoredBoxes } from '../scored-boxes.ts';
import { type MatchedImage, areaRanges, cocoThresholds, matchImage } from './matching.ts';
import type { TruthImage } from './truth.ts';

/** Precision, recall and their harmonic mean at one score threshold, overlap .5. */
export interface ThresholdFigures {
  readonly scoreThreshold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** Detection figures by COCO's rules, in [0, 1]; null where no face is of that size. */
export interface DetectionFigures {
  readonly images: number;
  /** Faces that count. */
  readonly faces: number;
  /** Mean of AP over overlaps .50, .55, … .95. */
  readonly AP: number | null;
  readonly AP50: number | null;
  readonly AP75: number | null;
  /** AP of faces below 32² pixels of area. */
  readonly APsmall: number | null;
  /** AP of faces from 32² to 96². */
  readonly APmedium: number | null;
  /** AP of faces above 96². */
  readonly APlarge: number | null;
  /** Average recall with at most 1, 10 and `maxDetections` detections an image, mean over the overlaps. */
  readonly AR1: number | null;
  readonly AR10: number | null;
  readonly ARmax: number | null;
  readonly maxDetections: number;
  readonly atThreshold: ThresholdFigures;
}

/** Options of `evaluateDetections`. */
export interface DetectionMetricsOptions {
  /** Detections an image that AP and ARmax look at, the best; 100 by COCO's rules. Crowds need more. */
  maxDetections?: number;
  /** For precision, recall and F1; by default .5. */
  scoreThreshold?: number;
}

/** COCO's recall levels, 0 to 1 by .01. */
const recallLevels: readonly number[] = Array.from({ length: 101 }, (_, k) => k * 0.01);

/**
 * Average precision and recall as pycocotools computes them for one class, and precision, recall and F1 at a threshold.
 *
 * @param predictions by image name; an image without any counts its faces as missed.
 */
export function evaluateDetections(images: readonly TruthImage[], predictions: ReadonlyMap<string, ScoredBoxes>, { maxDetections = 100, scoreThreshold = 0.5 }: DetectionMetricsOptions = {}): DetectionFigures {
  const none: ScoredBoxes = { boxes: new Float64Array(0), scores: new Float64Array(0) };
  const matched = (range: keyof typeof areaRanges, limit: number): MatchedImage[] => images.map((image) => matchImage(image, predictions.get(image.name) ?? none, areaRanges[range], limit));
  const all = matched('all', maxDetections);
  const overall = accumulate(all);
  const recallWith = (limit: number): number | null => mean(accumulate(matched('all', limit)).recalls);
  return {
    images: images.length,
    faces: countFaces(all),
    AP: mean(overall.precisions),
    AP50: overall.precisions[0] ?? null,
    AP75: overall.precisions[5] ?? null,
    APsmall: mean(accumulate(matched('small', maxDetections)).precisions),
    APmedium: mean(accumulate(matched('medium', maxDetections)).precisions),
    APlarge: mean(accumulate(matched('large', maxDetections)).precisions),
    AR1: recallWith(1),
    AR10: recallWith(10),
    ARmax: mean(overall.recalls),
    maxDetections,
    atThreshold: atThreshold(matched('all', Infinity), scoreThreshold),
  };
}

function countFaces(images: readonly MatchedImage[]): number {
  return images.reduce((sum, { faces }) => sum + faces, 0);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** AP (101 recall levels) and final recall at each overlap; empty lists where there is no face. */
function accumulate(images: readonly MatchedImage[]): { precisions: number[]; recalls: number[] } {
  const faces = countFaces(images);
  if (faces === 0) return { precisions: [], recalls: [] };
  const total = images.reduce((sum, { scores }) => sum + scores.length, 0);
  const scores = new Float64Array(total);
  const place = new Int32Array(total);
  const owner = new Int32Array(total);
  let at = 0;
  images.forEach((image, i) => {
    for (let d = 0; d < image.scores.length; d++, at++) {
      scores[at] = image.scores[d]!;
      owner[at] = i;
      place[at] = d;
    }
  });
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const precisions: number[] = [];
  const recalls: number[] = [];
  cocoThresholds.forEach((_, t) => {
    let hits = 0;
    let extras = 0;
    const precision: number[] = [];
    const recall: number[] = [];
    for (const k of order) {
      const { outcomes, scores: own } = images[owner[k]!]!;
      const outcome = outcomes[t * own.length + place[k]!]!;
      if (outcome > 0) hits++;
      else if (outcome < 0) extras++;
      recall.push(hits / faces);
      precision.push(hits / (hits + extras + Number.EPSILON));
    }
    for (let k = precision.length - 2; k >= 0; k--) precision[k] = Math.max(precision[k]!, precision[k + 1]!);
    let sum = 0;
    let k = 0;
    for (const level of recallLevels) {
      while (k < recall.length && recall[k]! < level) k++;
      sum += precision[k] ?? 0;
    }
    precisions.push(sum / recallLevels.length);
    recalls.push(recall.at(-1) ?? 0);
  });
  return { precisions, recalls };
}

function atThreshold(images: readonly MatchedImage[], scoreThreshold: number): ThresholdFigures {
  let truePositives = 0;
  let falsePositives = 0;
  for (const { scores, outcomes } of images) {
    for (let d = 0; d < scores.length && scores[d]! >= scoreThreshold; d++) {
      if (outcomes[d]! > 0) truePositives++;
      else if (outcomes[d]! < 0) falsePositives++;
    }
  }
  const falseNegatives = countFaces(images) - truePositives;
  return {
    scoreThreshold,
    precision: truePositives / Math.max(1, truePositives + falsePositives),
    recall: truePositives / Math.max(1, truePositives + falseNegatives),
    f1: truePositives / Math.max(1, truePositives + (falsePositives + falseNegatives) / 2),
    truePositives,
    falsePositives,
    falseNegatives,
  };
}
