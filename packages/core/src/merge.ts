import type { Candidates } from './candidates.ts';
import { nms, type BoxArrays } from './nms.ts';
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
  const parts = found
    .map((part) => above(part, rules.lowestScore(part.view.rotation), rules.preset === 'paper'))
    .filter(({ count }) => count > 0);
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
  const [x1, y1, x2, y2, score] = [0, 1, 2, 3, 4].map(column) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const boxes: BoxArrays = { x1, y1, x2, y2, score, count };
  const owner = new Int32Array(count);
  const offsets: number[] = [];
  let offset = 0;
  parts.forEach((part, p) => {
    offsets.push(offset);
    owner.fill(p, offset, (offset += part.count));
  });
  let kept: Iterable<number> = nms(boxes, rules.iouThreshold, rules.preset === 'paper' ? 0 : 1);
  if (parts.length > 1) kept = dropFragments([...kept], boxes, owner, offsets);
  return Array.from(kept, (i) => {
    const face: Face = {
      box: { x: x1[i]!, y: y1[i]!, width: x2[i]! - x1[i]!, height: y2[i]! - y1[i]! },
      score: score[i]!,
    };
    const { hasPoints, points, view } = parts[owner[i]!]!;
    const at = 10 * (i - offsets[owner[i]!]!);
    if (hasPoints)
      face.landmarks = [0, 2, 4, 6, 8].map((k) => ({ x: points[at + k]!, y: points[at + k + 1]! })) as Landmarks;
    if (view.rotation !== 0) face.rotation = view.rotation;
    return face;
  }).slice(0, rules.maxFaces);
}

/** A part of a face: so much of its box lies in the face's. */
const FRAGMENT_INSIDE = 0.7;
/** A view has found the same face where its box overlaps by this IoU. */
const SAME_FACE_IOU = 0.5;

/**
 * Leaves out parts of a face (an eye, a mouth, the half that a tile shows) that one view took for a face of its own,
 * where another view shows the face around them with a higher score. A small face in front of a large one stays: its
 * view sees both.
 */
function dropFragments(kept: number[], boxes: BoxArrays, owner: Int32Array, offsets: readonly number[]): number[] {
  const { score, count } = boxes;
  return kept.filter((small, rank) => {
    for (let r = 0; r < rank; r++) {
      const large = kept[r]!;
      if (owner[large] === owner[small] || areaOf(boxes, large) <= areaOf(boxes, small)) continue;
      if (intersectionOf(boxes, large, small) < FRAGMENT_INSIDE * areaOf(boxes, small)) continue;
      const first = offsets[owner[small]!]!;
      const end = offsets[owner[small]! + 1] ?? count;
      let seen = false;
      for (let i = first; i < end && !seen; i++)
        seen = score[i]! >= score[small]! && iouOf(boxes, i, large) >= SAME_FACE_IOU;
      if (!seen) return false;
    }
    return true;
  });
}

function areaOf({ x1, y1, x2, y2 }: BoxArrays, i: number): number {
  return (x2[i]! - x1[i]!) * (y2[i]! - y1[i]!);
}

function intersectionOf({ x1, y1, x2, y2 }: BoxArrays, i: number, j: number): number {
  const width = Math.min(x2[i]!, x2[j]!) - Math.max(x1[i]!, x1[j]!);
  const height = Math.min(y2[i]!, y2[j]!) - Math.max(y1[i]!, y1[j]!);
  return width > 0 && height > 0 ? width * height : 0;
}

function iouOf(boxes: BoxArrays, i: number, j: number): number {
  const intersection = intersectionOf(boxes, i, j);
  return intersection / (areaOf(boxes, i) + areaOf(boxes, j) - intersection);
}

/** The candidates of at least a score, or above it; the same object where it holds for all. */
function above(part: Found, lowest: number, exclusive: boolean): Found {
  const { count, boxes, points, hasPoints, view } = part;
  const kept: number[] = [];
  for (let i = 0; i < count; i++) {
    const score = boxes[4 * count + i]!;
    if (score > lowest || (score === lowest && !exclusive)) kept.push(i);
  }
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
