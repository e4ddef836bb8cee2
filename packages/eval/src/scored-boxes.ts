import { FaceDetError, received } from '@facedet/checks';
import type { Face } from '@facedet/core';
import { isCoordinate } from './text/limits.ts';

/** Detections of one image: flat arrays, so that hundreds of thousands of boxes are a few objects. */
export interface ScoredBoxes {
  /** x, y, width, height of each, in pixels. */
  readonly boxes: Float64Array;
  /** The score of each; by falling score. */
  readonly scores: Float64Array;
}

/**
 * Detections of an image as `ScoredBoxes`, by falling score (equal scores keep their order).
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for a box or a score that is not finite.
 */
export function scoredBoxes(faces: readonly Pick<Face, 'box' | 'score'>[]): ScoredBoxes {
  const boxes = new Float64Array(4 * faces.length);
  const scores = new Float64Array(faces.length);
  faces.forEach(({ box, score }, i) => {
    const sides = [box.x, box.y, box.width, box.height];
    if (!sides.every(isCoordinate) || !Number.isFinite(score)) {
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected a finite box and score of face ${i} but received ${received({ box, score })}.`,
      );
    }
    boxes.set(sides, 4 * i);
    scores[i] = score;
  });
  return byFallingScore(boxes, scores);
}

/** The same boxes by falling score; equal scores keep their order. */
export function byFallingScore(boxes: Float64Array, scores: Float64Array): ScoredBoxes {
  if (boxes.length !== 4 * scores.length) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected four numbers in boxes for each score but received ${boxes.length} for ${scores.length}.`,
    );
  }
  let sorted = true;
  for (let i = 1; i < scores.length && sorted; i++) sorted = scores[i - 1]! >= scores[i]!;
  if (sorted) return { boxes, scores };
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  const orderedBoxes = new Float64Array(boxes.length);
  const orderedScores = new Float64Array(scores.length);
  order.forEach((from, to) => {
    orderedBoxes.set(boxes.subarray(4 * from, 4 * from + 4), 4 * to);
    orderedScores[to] = scores[from]!;
  });
  return { boxes: orderedBoxes, scores: orderedScores };
}
