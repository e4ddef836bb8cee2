import type { ScoredBoxes } from '../scored-boxes.ts';
import type { TruthImage } from './truth.ts';

/** COCO's overlaps: .50, .55, … .95. */
export const cocoThresholds: readonly number[] = Array.from({ length: 10 }, (_, k) => 0.5 + k * (0.45 / 9));

/** COCO's ranges of area in square pixels, both ends included. */
export const areaRanges = { all: [0, 1e10], small: [0, 32 ** 2], medium: [32 ** 2, 96 ** 2], large: [96 ** 2, 1e10] } as const;

/** What became of an image's detections. */
export interface MatchedImage {
  /** Faces that count. */
  readonly faces: number;
  /** Of the detections that were looked at, by falling score. */
  readonly scores: Float64Array;
  /** For each threshold, then each detection: 1 a hit, −1 a false positive, 0 ignored. */
  readonly outcomes: Int8Array;
}

/**
 * Matches detections to faces as pycocotools does: by falling score, each to the free face of largest overlap, a face that counts
 * before an ignored one; faces outside the range are ignored, and so are detections outside it that match none.
 */
export function matchImage(image: TruthImage, predictions: ScoredBoxes, [smallest, largest]: readonly [number, number], limit: number): MatchedImage {
  const count = Math.min(predictions.scores.length, limit);
  const scores = predictions.scores.subarray(0, count);
  const outcomes = new Int8Array(cocoThresholds.length * count);
  const total = image.boxes.length / 4;
  const areaOf = (boxes: Float64Array, i: number): number => boxes[4 * i + 2]! * boxes[4 * i + 3]!;
  const isOutside = (area: number): boolean => area < smallest || area > largest;
  const ignored = Uint8Array.from({ length: total }, (_, f) => (image.ignored?.[f] || image.crowd?.[f] || isOutside(areaOf(image.boxes, f)) ? 1 : 0));
  const faces = Array.from(ignored.keys()).sort((a, b) => ignored[a]! - ignored[b]! || a - b);
  const pairs = overlapPairs(predictions.boxes, count, image);
  cocoThresholds.forEach((threshold, t) => {
    const taken = new Uint8Array(total);
    for (let d = 0; d < count; d++) {
      let best = Math.min(threshold, 1 - 1e-10);
      let match = -1;
      for (const f of faces) {
        if (taken[f] && !image.crowd?.[f]) continue;
        if (match >= 0 && !ignored[match] && ignored[f]) break;
        const overlap = pairs[d * total + f]!;
        if (overlap < best) continue;
        best = overlap;
        match = f;
      }
      if (match >= 0) {
        taken[match] = 1;
        outcomes[t * count + d] = ignored[match] ? 0 : 1;
      } else outcomes[t * count + d] = isOutside(areaOf(predictions.boxes, d)) ? 0 : -1;
    }
  });
  return { faces: ignored.reduce((sum, flag) => sum + 1 - flag, 0), scores, outcomes };
}

/** Overlap of each detection with each face; with a crowd, the part of the detection that lies in it. */
function overlapPairs(boxes: Float64Array, count: number, { boxes: faces, crowd }: TruthImage): Float64Array {
  const total = faces.length / 4;
  const pairs = new Float64Array(count * total);
  for (let d = 0; d < count; d++) {
    const [x, y, w, h] = [boxes[4 * d]!, boxes[4 * d + 1]!, boxes[4 * d + 2]!, boxes[4 * d + 3]!];
    for (let f = 0; f < total; f++) {
      const width = Math.min(x + w, faces[4 * f]! + faces[4 * f + 2]!) - Math.max(x, faces[4 * f]!);
      if (width <= 0) continue;
      const height = Math.min(y + h, faces[4 * f + 1]! + faces[4 * f + 3]!) - Math.max(y, faces[4 * f + 1]!);
      if (height <= 0) continue;
      const shared = width * height;
      pairs[d * total + f] = shared / (crowd?.[f] ? w * h : w * h + faces[4 * f + 2]! * faces[4 * f + 3]! - shared);
    }
  }
  return pairs;
}
