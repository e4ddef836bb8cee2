import { invalidArgument } from '@facedet/checks';

/** Boxes for `nms` as a struct of arrays: corners in any unit and scores, of which `count` are in use. */
export interface BoxArrays {
  readonly x1: Float64Array;
  readonly y1: Float64Array;
  readonly x2: Float64Array;
  readonly y2: Float64Array;
  readonly score: Float64Array;
  readonly count: number;
}

/**
 * Greedy non-maximum suppression: each box, by falling score (of equals, the earlier), drops the later ones whose IoU
 * with it is above `iouThreshold`. Higher thresholds keep more overlapping boxes; 1 keeps all. `pixelOffset` 1 is
 * InsightFace's runtime, which counts pixels (a side is x2 − x1 + 1). A box with a side that is not positive overlaps
 * no other. Returns the kept indices by falling score, at most `limit` of them.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for corners or scores that are not finite, arrays shorter than `count`, a
 * threshold outside [0, 1], a `pixelOffset` other than 0 or 1, or a `limit` that is not an integer of at least 0 or
 * Infinity.
 */
export function nms(boxes: BoxArrays, iouThreshold: number, pixelOffset: 0 | 1 = 0, limit = Infinity): Int32Array {
  checkArguments(boxes, iouThreshold, pixelOffset, limit);
  const { count, score } = boxes;
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => score[b]! - score[a]! || a - b);

  // The kept boxes are copied side by side: the inner loop then reads memory in order.
  const kept = new Int32Array(count);
  const keptX1 = new Float64Array(count);
  const keptY1 = new Float64Array(count);
  const keptX2 = new Float64Array(count);
  const keptY2 = new Float64Array(count);
  const keptArea = new Float64Array(count);
  let n = 0;
  next: for (let k = 0; k < count && n < limit; k++) {
    const i = order[k]!;
    const x1 = boxes.x1[i]!;
    const y1 = boxes.y1[i]!;
    const x2 = boxes.x2[i]!;
    const y2 = boxes.y2[i]!;
    const area = (x2 - x1 + pixelOffset) * (y2 - y1 + pixelOffset);
    for (let j = 0; j < n; j++) {
      const width = (x2 < keptX2[j]! ? x2 : keptX2[j]!) - (x1 > keptX1[j]! ? x1 : keptX1[j]!) + pixelOffset;
      if (width <= 0) continue;
      const height = (y2 < keptY2[j]! ? y2 : keptY2[j]!) - (y1 > keptY1[j]! ? y1 : keptY1[j]!) + pixelOffset;
      if (height <= 0) continue;
      const intersection = width * height;
      if (intersection / (area + keptArea[j]! - intersection) > iouThreshold) continue next;
    }
    keptX1[n] = x1;
    keptY1[n] = y1;
    keptX2[n] = x2;
    keptY2[n] = y2;
    keptArea[n] = area;
    kept[n++] = i;
  }
  return kept.subarray(0, n);
}

/**
 * NaN would not fail by itself: in the scores it disturbs the order of all boxes, and as a corner or threshold it
 * suppresses nothing.
 */
function checkArguments(boxes: BoxArrays, iouThreshold: number, pixelOffset: number, limit: number): void {
  const { count } = boxes;
  if (!(Number.isInteger(count) && count >= 0))
    throw invalidArgument('an integer of at least 0 for count', count, 'it is the number of boxes in use');
  if (!(typeof iouThreshold === 'number' && iouThreshold >= 0 && iouThreshold <= 1))
    throw invalidArgument('a number in [0, 1] for iouThreshold', iouThreshold, '0.4 is usual for faces');
  if (!(pixelOffset === 0 || pixelOffset === 1))
    throw invalidArgument('0 or 1 for pixelOffset', pixelOffset, 'leave it out unless sides count pixels');
  if (!(limit === Infinity || (Number.isInteger(limit) && limit >= 0)))
    throw invalidArgument('an integer of at least 0 for limit', limit, 'leave it out for all');
  for (const name of ['x1', 'y1', 'x2', 'y2', 'score'] as const) {
    const values = boxes[name];
    if (!(values?.length >= count))
      throw invalidArgument(
        `${count} numbers for ${name}`,
        values?.length,
        'count may not exceed the length of the arrays',
      );
    for (let i = 0; i < count; i++)
      if (!Number.isFinite(values[i]))
        throw invalidArgument(`finite numbers in ${name}`, values[i], `drop box ${i} first`);
  }
}
