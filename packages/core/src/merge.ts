import type { Candidates } from './candidates.ts';
import { nms } from './nms.ts';
import type { DetectionSettings, Rotation } from './settings.ts';
import type { Face, Landmarks } from './types.ts';
import type { View } from './view.ts';

/** Candidates of one view, copied out of the reused arrays. */
export interface Found {
  readonly view: View;
  readonly count: number;
  readonly hasPoints: boolean;
  /** x1, y1, x2, y2 and score, `count` of each, one after the other; source pixels. */
  readonly boxes: Float64Array;
  /** Ten coordinates per face. */
  readonly points: Float64Array;
}

/** Copies the candidates of a view. */
export function takeFound(candidates: Candidates, view: View): Found {
  const { count, hasPoints } = candidates;
  const boxes = new Float64Array(5 * count);
  boxes.set(candidates.x1.subarray(0, count));
  boxes.set(candidates.y1.subarray(0, count), count);
  boxes.set(candidates.x2.subarray(0, count), 2 * count);
  boxes.set(candidates.y2.subarray(0, count), 3 * count);
  boxes.set(candidates.score.subarray(0, count), 4 * count);
  return { view, count, hasPoints, boxes, points: candidates.points.slice(0, hasPoints ? 10 * count : 0) };
}

/** What `mergeFaces` needs to know. */
export interface MergeRules extends Pick<DetectionSettings, 'iouThreshold' | 'preset' | 'maxFaces'> {
  /** The lowest score of a face from views of this rotation. */
  lowestScore(rotation: Rotation): number;
}

/** Faces of all views of one image by falling score, after one NMS. */
export function mergeFaces(found: readonly Found[], rules: MergeRules): Face[] {
  const parts = found.map((part) => above(part, rules.lowestScore(part.view.rotation))).filter(({ count }) => count > 0);
  const count = parts.reduce((n, part) => n + part.count, 0);
  const column = (k: number) => {
    if (parts.length === 1) return parts[0]!.boxes.subarray(k * count, (k + 1) * count);
    const all = new Float64Array(count);
    let at = 0;
    for (const part of parts) {
      all.set(part.boxes.subarray(k * part.count, (k + 1) * part.count), at);
      at += part.count;
    }
    return all;
  };
  const [x1, y1, x2, y2, score] = [0, 1, 2, 3, 4].map(column) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const kept = nms({ x1, y1, x2, y2, score, count }, rules.iouThreshold, rules.preset === 'paper' ? 0 : 1, rules.maxFaces);
  return Array.from(kept, (i) => {
    const face: Face = { box: { x: x1[i]!, y: y1[i]!, width: x2[i]! - x1[i]!, height: y2[i]! - y1[i]! }, score: score[i]! };
    let [part, index] = [0, i];
    while (index >= parts[part]!.count) index -= parts[part++]!.count;
    const { hasPoints, points, view } = parts[part]!;
    if (hasPoints) face.landmarks = [0, 2, 4, 6, 8].map((k) => ({ x: points[10 * index + k]!, y: points[10 * index + k + 1]! })) as Landmarks;
    if (view.rotation !== 0) face.rotation = view.rotation;
    return face;
  });
}

/** The candidates of at least a score; the same object where it holds for all. */
function above(part: Found, lowest: number): Found {
  const { count, boxes, points, hasPoints, view } = part;
  const kept: number[] = [];
  for (let i = 0; i < count; i++) if (boxes[4 * count + i]! >= lowest) kept.push(i);
  if (kept.length === count) return part;
  const n = kept.length;
  const fewer = new Float64Array(5 * n);
  const fewerPoints = new Float64Array(hasPoints ? 10 * n : 0);
  kept.forEach((from, to) => {
    for (let k = 0; k < 5; k++) fewer[k * n + to] = boxes[k * count + from]!;
    if (hasPoints) fewerPoints.set(points.subarray(10 * from, 10 * from + 10), 10 * to);
  });
  return { view, count: n, hasPoints, boxes: fewer, points: fewerPoints };
}
