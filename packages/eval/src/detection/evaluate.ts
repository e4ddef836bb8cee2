import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { ScoredBoxes } from '../boxes.ts';
import type { LabeledImage } from './labeled-image.ts';
import {
  type DetectionPairs,
  type Matches,
  areaRanges,
  cocoThresholds,
  matchDetections,
  pairDetections,
} from './matching.ts';

/** Precision, recall and F1 at one score threshold, at IoU 0.5. */
export interface ThresholdMetrics {
  readonly scoreThreshold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** Detection metrics by COCO's rules, in [0, 1]; null where no face is of that size. */
export interface DetectionMetrics {
  readonly images: number;
  /** Faces that are not ignored. */
  readonly faces: number;
  /** Mean AP over the IoU thresholds 0.50, 0.55, … 0.95. */
  readonly AP: number | null;
  readonly AP50: number | null;
  readonly AP75: number | null;
  /** AP of faces up to 32² square pixels: by the area that the labels give (COCO's `area`), else by the box. */
  readonly APsmall: number | null;
  /** AP of faces from 32² to 96², the same area. */
  readonly APmedium: number | null;
  /** AP of faces from 96², the same area. */
  readonly APlarge: number | null;
  /** Average recall with at most 1 detection per image, mean over the IoU thresholds. */
  readonly AR1: number | null;
  /** Average recall with at most 10 detections per image. */
  readonly AR10: number | null;
  /** Average recall with at most `maxDetections` detections per image. */
  readonly ARmax: number | null;
  readonly maxDetections: number;
  readonly atThreshold: ThresholdMetrics;
}

/** Options of `evaluateDetections`. */
export interface DetectionOptions {
  /**
   * Detections per image that count for AP and ARmax, those with the highest scores; an integer of at least 1, or
   * Infinity; default 100, by COCO's rules. Higher counts more faces of a crowd, and more false positives.
   */
  readonly maxDetections?: number;
  /** Lowest score for precision, recall and F1; default 0.5. Higher raises precision and lowers recall. */
  readonly scoreThreshold?: number;
}

/** COCO's recall levels, 0 to 1 in steps of 0.01. */
const recallLevels: readonly number[] = Array.from({ length: 101 }, (_, k) => k * 0.01);

/**
 * Computes average precision and recall of one class as pycocotools does, and precision, recall and F1 at a score
 * threshold.
 *
 * @param predictions by image name; the faces of an image without predictions count as missed.
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option or one out of range.
 */
export function evaluateDetections(
  images: readonly LabeledImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
  options: DetectionOptions = {},
): DetectionMetrics {
  const { maxDetections, scoreThreshold } = checkOptions(options);
  const pairs = pairDetections(images, predictions);
  const all = matchDetections(pairs, areaRanges.all);
  const ranking = rank(pairs, maxDetections);
  const overall = averagePrecisions(all, ranking);
  const ofSize = (range: 'small' | 'medium' | 'large'): number | null =>
    mean(averagePrecisions(matchDetections(pairs, areaRanges[range], maxDetections), ranking));
  return {
    images: images.length,
    faces: all.faces,
    AP: mean(overall),
    AP50: overall[0] ?? null,
    AP75: overall[5] ?? null,
    APsmall: ofSize('small'),
    APmedium: ofSize('medium'),
    APlarge: ofSize('large'),
    AR1: averageRecall(all, pairs, 1),
    AR10: averageRecall(all, pairs, 10),
    ARmax: averageRecall(all, pairs, maxDetections),
    maxDetections,
    atThreshold: atThreshold(all, pairs, scoreThreshold),
  };
}

function checkOptions(options: DetectionOptions) {
  checkOptionNames(options, ['maxDetections', 'scoreThreshold']);
  const { maxDetections = 100, scoreThreshold = 0.5 } = options;
  if (!(maxDetections === Infinity || Number.isInteger(maxDetections)) || maxDetections < 1) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a whole number from 1, or Infinity, for maxDetections but received ${received(maxDetections)}.`,
    );
  }
  if (typeof scoreThreshold !== 'number' || Number.isNaN(scoreThreshold)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a number for scoreThreshold but received ${received(scoreThreshold)}.`,
    );
  }
  return { maxDetections, scoreThreshold };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The first `limit` detections of each image, by descending score over the set; of equal ones those of earlier images
 * first.
 */
function rank({ firstDetection, scores }: DetectionPairs, limit: number): Uint32Array {
  const order = new Uint32Array(scores.length);
  let count = 0;
  for (let i = 0; i + 1 < firstDetection.length; i++) {
    const end = Math.min(firstDetection[i + 1]!, firstDetection[i]! + limit);
    for (let d = firstDetection[i]!; d < end; d++) order[count++] = d;
  }
  return order.subarray(0, count).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** AP (101 recall levels) at each IoU threshold; an empty list where there is no face. */
function averagePrecisions({ faces, outcomes }: Matches, ranking: Uint32Array): number[] {
  if (faces === 0) return [];
  const total = outcomes.length / cocoThresholds.length;
  const precision = new Float64Array(ranking.length);
  const recall = new Float64Array(ranking.length);
  return cocoThresholds.map((_, t) => {
    let truePositives = 0;
    let falsePositives = 0;
    for (let k = 0; k < ranking.length; k++) {
      const outcome = outcomes[t * total + ranking[k]!]!;
      if (outcome > 0) truePositives++;
      else if (outcome < 0) falsePositives++;
      recall[k] = truePositives / faces;
      precision[k] = truePositives / (truePositives + falsePositives + Number.EPSILON);
    }
    for (let k = precision.length - 2; k >= 0; k--)
      if (precision[k + 1]! > precision[k]!) precision[k] = precision[k + 1]!;
    let sum = 0;
    let k = 0;
    for (const level of recallLevels) {
      while (k < recall.length && recall[k]! < level) k++;
      sum += precision[k] ?? 0;
    }
    return sum / recallLevels.length;
  });
}

/** Recall with the first `limit` detections of each image, mean over the IoU thresholds; null without faces. */
function averageRecall(
  { faces, outcomes }: Matches,
  { firstDetection, scores }: DetectionPairs,
  limit: number,
): number | null {
  if (faces === 0) return null;
  return mean(
    cocoThresholds.map((_, t) => {
      let truePositives = 0;
      for (let i = 0; i + 1 < firstDetection.length; i++) {
        const end = Math.min(firstDetection[i + 1]!, firstDetection[i]! + limit);
        for (let d = firstDetection[i]!; d < end; d++) if (outcomes[t * scores.length + d]! > 0) truePositives++;
      }
      return truePositives / faces;
    }),
  );
}

/** Outcomes at the lowest IoU threshold, 0.5. */
function atThreshold(
  { faces, outcomes }: Matches,
  { scores }: DetectionPairs,
  scoreThreshold: number,
): ThresholdMetrics {
  let truePositives = 0;
  let falsePositives = 0;
  for (let d = 0; d < scores.length; d++) {
    if (!(scores[d]! >= scoreThreshold)) continue;
    if (outcomes[d]! > 0) truePositives++;
    else if (outcomes[d]! < 0) falsePositives++;
  }
  const falseNegatives = faces - truePositives;
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
