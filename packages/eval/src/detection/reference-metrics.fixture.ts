import type { ScoredBoxes } from '../boxes.ts';
import type { DetectionMetrics } from './evaluate.ts';
import type { LabeledImage } from './labeled-image.ts';
import { areaRanges, cocoThresholds } from './matching.ts';

/**
 * `evaluateDetections` directly from its definition: every size range and limit is matched and sorted separately.
 *
 * @param images with `areas` where sizes are not those of the boxes.
 */
export function referenceDetections(
  images: readonly LabeledImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
  maxDetections = 100,
  scoreThreshold = 0.5,
): DetectionMetrics {
  const none: ScoredBoxes = { boxes: new Float64Array(0), scores: new Float64Array(0) };
  const matched = (range: keyof typeof areaRanges, limit: number) =>
    images.map((image) => matchImage(image, predictions.get(image.name) ?? none, areaRanges[range], limit));
  const overall = accumulate(matched('all', maxDetections));
  let truePositives = 0;
  let falsePositives = 0;
  let faces = 0;
  for (const image of matched('all', Infinity)) {
    faces += image.faces;
    image.scores.forEach((score, d) => {
      if (score < scoreThreshold) return;
      if (image.outcomes[0]![d]! > 0) truePositives++;
      if (image.outcomes[0]![d]! < 0) falsePositives++;
    });
  }
  const falseNegatives = faces - truePositives;
  return {
    images: images.length,
    faces,
    AP: mean(overall.precisions),
    AP50: overall.precisions[0] ?? null,
    AP75: overall.precisions[5] ?? null,
    APsmall: mean(accumulate(matched('small', maxDetections)).precisions),
    APmedium: mean(accumulate(matched('medium', maxDetections)).precisions),
    APlarge: mean(accumulate(matched('large', maxDetections)).precisions),
    AR1: mean(accumulate(matched('all', 1)).recalls),
    AR10: mean(accumulate(matched('all', 10)).recalls),
    ARmax: mean(overall.recalls),
    maxDetections,
    atThreshold: {
      scoreThreshold,
      precision: truePositives / Math.max(1, truePositives + falsePositives),
      recall: truePositives / Math.max(1, truePositives + falseNegatives),
      f1: truePositives / Math.max(1, truePositives + (falsePositives + falseNegatives) / 2),
      truePositives,
      falsePositives,
      falseNegatives,
    },
  };
}

interface Matched {
  faces: number;
  scores: Float64Array;
  /** By threshold, then detection: 1 a true positive, −1 a false positive, 0 ignored. */
  outcomes: Int8Array[];
}

function matchImage(
  image: LabeledImage,
  predictions: ScoredBoxes,
  [minArea, maxArea]: readonly [number, number],
  limit: number,
): Matched {
  const count = Math.min(predictions.scores.length, limit);
  const total = image.boxes.length / 4;
  const areaOf = (boxes: Float64Array, i: number): number => boxes[4 * i + 2]! * boxes[4 * i + 3]!;
  const isOutside = (area: number): boolean => area < minArea || area > maxArea;
  const ignored = Array.from({ length: total }, (_, f) =>
    Boolean(image.ignored?.[f] || image.crowd?.[f] || isOutside(image.areas?.[f] ?? areaOf(image.boxes, f))),
  );
  const faces = Array.from(ignored.keys()).sort((a, b) => Number(ignored[a]) - Number(ignored[b]) || a - b);
  const pairs = overlapMatrix(predictions.boxes, count, image);
  const outcomes = cocoThresholds.map((threshold) => {
    const isMatched = new Uint8Array(total);
    return Int8Array.from({ length: count }, (_, d) => {
      let best = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (const f of faces) {
        if (isMatched[f] && !image.crowd?.[f]) continue;
        if (match >= 0 && !ignored[match] && ignored[f]) break;
        const overlap = pairs[d * total + f]!;
        if (overlap < best) continue;
        best = overlap;
        match = f;
      }
      if (match < 0) return isOutside(areaOf(predictions.boxes, d)) ? 0 : -1;
      isMatched[match] = 1;
      return ignored[match] ? 0 : 1;
    });
  });
  return { faces: ignored.filter((flag) => !flag).length, scores: predictions.scores.slice(0, count), outcomes };
}

/** IoU of each detection and each face; for a crowd, the fraction of the detection that is inside it. */
function overlapMatrix(boxes: Float64Array, count: number, { boxes: faces, crowd }: LabeledImage): Float64Array {
  const total = faces.length / 4;
  const pairs = new Float64Array(count * total);
  for (let d = 0; d < count; d++) {
    const [x, y, w, h] = [boxes[4 * d]!, boxes[4 * d + 1]!, boxes[4 * d + 2]!, boxes[4 * d + 3]!];
    for (let f = 0; f < total; f++) {
      const width = Math.min(x + w, faces[4 * f]! + faces[4 * f + 2]!) - Math.max(x, faces[4 * f]!);
      if (width <= 0) continue;
      const height = Math.min(y + h, faces[4 * f + 1]! + faces[4 * f + 3]!) - Math.max(y, faces[4 * f + 1]!);
      if (height <= 0) continue;
      const intersection = width * height;
      const union = w * h + faces[4 * f + 2]! * faces[4 * f + 3]! - intersection;
      pairs[d * total + f] = intersection / (crowd?.[f] ? w * h : union);
    }
  }
  return pairs;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** AP (101 recall levels) and final recall at each IoU threshold; empty lists where there is no face. */
function accumulate(images: readonly Matched[]): { precisions: number[]; recalls: number[] } {
  const faces = images.reduce((sum, image) => sum + image.faces, 0);
  if (faces === 0) return { precisions: [], recalls: [] };
  const all = images.flatMap(({ scores }, image) => Array.from(scores, (score, d) => ({ score, image, d })));
  all.sort((a, b) => b.score - a.score);
  const precisions: number[] = [];
  const recalls: number[] = [];
  cocoThresholds.forEach((_, t) => {
    let truePositives = 0;
    let falsePositives = 0;
    const precision: number[] = [];
    const recall: number[] = [];
    for (const { image, d } of all) {
      const outcome = images[image]!.outcomes[t]![d]!;
      if (outcome > 0) truePositives++;
      else if (outcome < 0) falsePositives++;
      recall.push(truePositives / faces);
      precision.push(truePositives / (truePositives + falsePositives + Number.EPSILON));
    }
    for (let k = precision.length - 2; k >= 0; k--) precision[k] = Math.max(precision[k]!, precision[k + 1]!);
    let sum = 0;
    for (let level = 0, k = 0; level <= 100; level++) {
      while (k < recall.length && recall[k]! < level * 0.01) k++;
      sum += precision[k] ?? 0;
    }
    precisions.push(sum / 101);
    recalls.push(recall.at(-1) ?? 0);
  });
  return { precisions, recalls };
}
