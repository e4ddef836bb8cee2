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
 * Greedy non-maximum suppression: boxes by falling score (of equals, the earlier), each drops the later ones whose IoU with it is
 * above `iouThreshold`. `plus` is 1 for the pixel-counting convention of InsightFace's runtime (sides + 1), else 0.
 * Returns the kept indices by falling score, at most `limit` of them.
 */
export function nms(boxes: BoxArrays, iouThreshold: number, plus: 0 | 1 = 0, limit = Infinity): Int32Array {
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
