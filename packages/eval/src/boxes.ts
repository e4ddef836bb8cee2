import { FaceDetError, received } from '@facedet/checks';
import type { Face } from '@facedet/core';
import { isCoordinate } from './text/limits.ts';

/**
 * IoU at which two boxes count as the same face: in WIDER FACE, CLEAR and the ID metrics, in MOTChallenge's
 * preprocessing, for landmarks and for stability.
 */
export const MINIMUM_OVERLAP = 0.5;

/** Detections of one image as flat arrays, so that hundreds of thousands of boxes are a few objects. */
export interface ScoredBoxes {
  /** x, y, width, height of each box, in pixels. */
  readonly boxes: Float64Array;
  /** The score of each box, in descending order. */
  readonly scores: Float64Array;
}

/**
 * Converts the detections of an image to `ScoredBoxes`, sorted by descending score; equal scores keep their order.
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
  return byDescendingScore({ boxes, scores });
}

/** Sorts boxes by descending score; equal scores keep their order. Returns the input where it is sorted already. */
export function byDescendingScore(unsorted: ScoredBoxes): ScoredBoxes {
  const { boxes, scores } = unsorted;
  if (boxes.length !== 4 * scores.length) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected four numbers in boxes for each score but received ${boxes.length} for ${scores.length}.`,
    );
  }
  let isSorted = true;
  for (let i = 1; i < scores.length && isSorted; i++) isSorted = scores[i - 1]! >= scores[i]!;
  if (isSorted) return unsorted;
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return { boxes: rowsOf(boxes, order), scores: Float64Array.from(order, (i) => scores[i]!) };
}

/** The boxes at some indices, in their order; flat x, y, width, height. */
export function rowsOf(boxes: Float64Array, indices: ArrayLike<number>): Float64Array {
  const rows = new Float64Array(4 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = 4 * indices[i]!;
    for (let k = 0; k < 4; k++) rows[4 * i + k] = boxes[from + k]!;
  }
  return rows;
}

/** The length that two intervals have in common, each given by its start and length; below 0 for a gap. */
export function overlapAlong(start: number, length: number, otherStart: number, otherLength: number): number {
  return Math.min(start + length, otherStart + otherLength) - Math.max(start, otherStart);
}

/**
 * Intersection of box `i` of `a` and box `j` of `b`, in square pixels; 0 where they do not overlap.
 *
 * @param a flat x, y, width, height of each box, as `b`.
 */
export function intersectionAt(a: Float64Array, i: number, b: Float64Array, j: number): number {
  const width = overlapAlong(a[4 * i]!, a[4 * i + 2]!, b[4 * j]!, b[4 * j + 2]!);
  if (!(width > 0)) return 0;
  const height = overlapAlong(a[4 * i + 1]!, a[4 * i + 3]!, b[4 * j + 1]!, b[4 * j + 3]!);
  return height > 0 ? width * height : 0;
}

/**
 * Intersection over union of box `i` of `a` and box `j` of `b`. A box without area overlaps nothing. Areas are those of
 * the corners, as in TrackEval: to the last bit, they may differ from width × height.
 */
export function iouAt(a: Float64Array, i: number, b: Float64Array, j: number): number {
  const intersection = intersectionAt(a, i, b, j);
  if (intersection === 0) return 0;
  const area = areaOfCorners(a, i);
  const otherArea = areaOfCorners(b, j);
  if (!(area > Number.EPSILON && otherArea > Number.EPSILON)) return 0;
  return intersection / (area + otherArea - intersection);
}

function areaOfCorners(boxes: Float64Array, i: number): number {
  const x = boxes[4 * i]!;
  const y = boxes[4 * i + 1]!;
  return (x + boxes[4 * i + 2]! - x) * (y + boxes[4 * i + 3]! - y);
}

/**
 * Calls `visit` for each overlapping pair of a box of `a` (row) and a box of `b` (column), by ascending row, with their
 * IoU. The boxes of `b` are sorted by their left edges, so that boxes far apart are not compared.
 */
export function visitOverlaps(
  a: Float64Array,
  b: Float64Array,
  visit: (row: number, column: number, iou: number) => void,
): void {
  const columns = b.length / 4;
  const order = Uint32Array.from({ length: columns }, (_, j) => j);
  if (columns > 1) order.sort((i, j) => b[4 * i]! - b[4 * j]! || i - j);
  const lefts = Float64Array.from(order, (j) => b[4 * j]!);
  let maxWidth = 0;
  for (let j = 0; j < columns; j++) maxWidth = Math.max(maxWidth, b[4 * j + 2]!);
  for (let row = 0; 4 * row < a.length; row++) {
    const left = a[4 * row]!;
    const right = left + a[4 * row + 2]!;
    for (let k = lowerBound(lefts, left - maxWidth); k < columns && lefts[k]! < right; k++) {
      const iou = iouAt(a, row, b, order[k]!);
      if (iou > 0) visit(row, order[k]!, iou);
    }
  }
}

/** The first index in ascending values at which the value is not below the limit. */
export function lowerBound(ascending: Float64Array, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
