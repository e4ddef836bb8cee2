import { FaceDetError, received } from '@facedet/checks';

/** Boxes for `nms`, a struct of arrays: corners in any one unit and scores, `count` of each in use. */
export interface BoxArrays {
  readonly x1: Float64Array;
  readonly y1: Float64Array;
  readonly x2: Float64Array;
  readonly y2: Float64Array;
  readonly score: Float64Array;
  readonly count: number;
}

/**
 * Greedy non-maximum suppression: boxes by falling score (of equals, the earlier), each drops the later ones whose IoU
 * with it is above `iouThreshold`. `plus` is 1 for the pixel-counting convention of InsightFace's runtime (sides + 1),
 * else 0. A box with a side that is not positive overlaps none. Higher thresholds keep more boxes that overlap; 1 keeps
 * all. Returns the kept indices by falling score, at most `limit` of them.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for corners or scores that are not finite, arrays shorter than `count`, a
 * threshold outside [0, 1], a `plus` that is not 0 or 1, or a `limit` that is not an integer of at least 0 or Infinity.
 */
export function nms(boxes: BoxArrays, iouThreshold: number, plus: 0 | 1 = 0, limit = Infinity): Int32Array {
  checkArguments(boxes, iouThreshold, plus, limit);
  const { count, score } = boxes;
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => score[b]! - score[a]! || a - b);

  // The kept boxes are copied side by side: the inner loop then reads memory in order.
  const kept = new Int32Array(count);
  const kx1 = new Float64Array(count);
  const ky1 = new Float64Array(count);
  const kx2 = new Float64Array(count);
  const ky2 = new Float64Array(count);
  const karea = new Float64Array(count);
  let n = 0;
  next: for (let k = 0; k < count && n < limit; k++) {
    const i = order[k]!;
    const x1 = boxes.x1[i]!;
    const y1 = boxes.y1[i]!;
    const x2 = boxes.x2[i]!;
    const y2 = boxes.y2[i]!;
    const area = (x2 - x1 + plus) * (y2 - y1 + plus);
    for (let j = 0; j < n; j++) {
      const width = (x2 < kx2[j]! ? x2 : kx2[j]!) - (x1 > kx1[j]! ? x1 : kx1[j]!) + plus;
      if (width <= 0) continue;
      const height = (y2 < ky2[j]! ? y2 : ky2[j]!) - (y1 > ky1[j]! ? y1 : ky1[j]!) + plus;
      if (height <= 0) continue;
      const intersection = width * height;
      if (intersection / (area + karea[j]! - intersection) > iouThreshold) continue next;
    }
    kx1[n] = x1;
    ky1[n] = y1;
    kx2[n] = x2;
    ky2[n] = y2;
    karea[n] = area;
    kept[n++] = i;
  }
  return kept.subarray(0, n);
}

/**
 * A NaN would not fail: sorting by it mixes up the order of all boxes, and as a corner or threshold it suppresses
 * nothing.
 */
function checkArguments(boxes: BoxArrays, iouThreshold: number, plus: number, limit: number): void {
  const check = (valid: boolean, expected: string, value: unknown, next: string) => {
    if (!valid)
      throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${received(value)}; ${next}.`);
  };
  const { count } = boxes;
  check(
    Number.isInteger(count) && count >= 0,
    'an integer of at least 0 for count',
    count,
    'it is the number of boxes in use',
  );
  check(
    typeof iouThreshold === 'number' && iouThreshold >= 0 && iouThreshold <= 1,
    'a number in [0, 1] for iouThreshold',
    iouThreshold,
    '0.4 is usual for faces',
  );
  check(plus === 0 || plus === 1, '0 or 1 for plus', plus, 'leave it out unless sides count pixels');
  check(
    limit === Infinity || (Number.isInteger(limit) && limit >= 0),
    'an integer of at least 0 for limit',
    limit,
    'leave it out for all',
  );
  for (const name of ['x1', 'y1', 'x2', 'y2', 'score'] as const) {
    const values = boxes[name];
    check(
      values?.length >= count,
      `${count} numbers for ${name}`,
      values?.length,
      'count may not exceed the length of the arrays',
    );
    for (let i = 0; i < count; i++)
      if (!Number.isFinite(values[i])) check(false, `finite numbers in ${name}`, values[i], `drop box ${i} first`);
  }
}
