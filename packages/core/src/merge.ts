import type { Candidates } from './candidates.ts';
import { nms, type BoxArrays } from './nms.ts';
import type { Rotation } from './options.ts';
import type { DetectionSettings } from './settings.ts';
import type { Face, Landmarks } from './types.ts';
import type { View } from './view.ts';

/** The candidates of one view, copied out of the reused arrays. */
export interface ViewDetections {
  readonly view: View;
  readonly count: number;
  readonly hasLandmarks: boolean;
  /** x1, y1, x2, y2 and score, `count` values of each, one column after the other; source pixels. */
  readonly boxes: Float64Array;
  /** Ten coordinates per face. */
  readonly landmarks: Float64Array;
}

/** Copies the candidates of a view. */
export function copyCandidates(candidates: Candidates, view: View): ViewDetections {
  const { count, hasLandmarks, x1, y1, x2, y2, score } = candidates;
  const boxes = new Float64Array(5 * count);
  [x1, y1, x2, y2, score].forEach((column, k) => boxes.set(column.subarray(0, count), k * count));
  return { view, count, hasLandmarks, boxes, landmarks: candidates.landmarks.slice(0, hasLandmarks ? 10 * count : 0) };
}

/** The score of a detection of a view. */
export function scoreAt({ boxes, count }: ViewDetections, i: number): number {
  return boxes[4 * count + i]!;
}

/** The landmarks at a place of an array with ten coordinates per face. */
export function landmarksAt(coordinates: Float64Array, i: number): Landmarks {
  const at = 10 * i;
  return [0, 2, 4, 6, 8].map((k) => ({ x: coordinates[at + k]!, y: coordinates[at + k + 1]! })) as Landmarks;
}

/** The settings of `mergeDetections`. */
export interface MergeRules extends Pick<DetectionSettings, 'iouThreshold' | 'preset' | 'maxFaces'> {
  /** The lowest score of a face from views of a rotation. */
  minScore(rotation: Rotation): number;
}

/** Merges the detections of all views of one image by one NMS; returns faces by falling score. */
export function mergeDetections(detections: readonly ViewDetections[], rules: MergeRules): Face[] {
  const isPaper = rules.preset === 'paper';
  const parts = detections
    .map((part) => withMinScore(part, rules.minScore(part.view.rotation), isPaper))
    .filter(({ count }) => count > 0);
  const merged = concatenate(parts);
  // InsightFace's runtime counts pixels: a side is x2 − x1 + 1.
  let kept: Iterable<number> = nms(merged.boxes, rules.iouThreshold, isPaper ? 0 : 1);
  if (parts.length > 1) kept = dropFragments([...kept], merged);
  return Array.from(kept, (i) => faceAt(parts, merged, i)).slice(0, rules.maxFaces);
}

/** The boxes of several views, one after the other. */
interface Merged {
  readonly boxes: BoxArrays;
  /** The index of the view that each box is from. */
  readonly owner: Int32Array;
  /** The index of each view's first box. */
  readonly offsets: readonly number[];
}

function concatenate(parts: readonly ViewDetections[]): Merged {
  const count = parts.reduce((n, part) => n + part.count, 0);
  const column = (k: number): Float64Array => {
    if (parts.length === 1) return parts[0]!.boxes.subarray(k * count, (k + 1) * count);
    const all = new Float64Array(count);
    let at = 0;
    for (const part of parts) {
      all.set(part.boxes.subarray(k * part.count, (k + 1) * part.count), at);
      at += part.count;
    }
    return all;
  };
  const owner = new Int32Array(count);
  const offsets: number[] = [];
  let offset = 0;
  parts.forEach((part, p) => {
    offsets.push(offset);
    owner.fill(p, offset, (offset += part.count));
  });
  const boxes = { x1: column(0), y1: column(1), x2: column(2), y2: column(3), score: column(4), count };
  return { boxes, owner, offsets };
}

function faceAt(parts: readonly ViewDetections[], { boxes, owner, offsets }: Merged, i: number): Face {
  const [x, y] = [boxes.x1[i]!, boxes.y1[i]!];
  const face: Face = {
    box: { x, y, width: boxes.x2[i]! - x, height: boxes.y2[i]! - y },
    score: boxes.score[i]!,
  };
  const { hasLandmarks, landmarks, view } = parts[owner[i]!]!;
  if (hasLandmarks) face.landmarks = landmarksAt(landmarks, i - offsets[owner[i]!]!);
  if (view.rotation !== 0) face.rotation = view.rotation;
  return face;
}

/** A box with at least this fraction of its area inside a larger one may be a part of that face. */
const FRAGMENT_INSIDE = 0.7;
/** A view detected the same face if its box has at least this IoU with it. */
const SAME_FACE_IOU = 0.5;

/**
 * Drops parts of a face (an eye, a mouth, the half that a tile shows) that one view detected as a face of its own, if
 * another view detected the face around them with a higher score. A small face in front of a large one is kept: its
 * view shows both.
 */
function dropFragments(kept: number[], merged: Merged): number[] {
  const { boxes, owner } = merged;
  return kept.filter((small, rank) => {
    for (let r = 0; r < rank; r++) {
      const large = kept[r]!;
      if (owner[large] === owner[small] || areaOf(boxes, large) <= areaOf(boxes, small)) continue;
      if (intersectionOf(boxes, large, small) < FRAGMENT_INSIDE * areaOf(boxes, small)) continue;
      if (!viewShowsBoth(merged, small, large)) return false;
    }
    return true;
  });
}

/** Whether the view of the small box detected the large one, too, with at least the small one's score. */
function viewShowsBoth({ boxes, owner, offsets }: Merged, small: number, large: number): boolean {
  const view = owner[small]!;
  const end = offsets[view + 1] ?? boxes.count;
  for (let i = offsets[view]!; i < end; i++) {
    if (boxes.score[i]! >= boxes.score[small]! && iouOf(boxes, i, large) >= SAME_FACE_IOU) return true;
  }
  return false;
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

/** The detections with at least a score, or above it; the same object if these are all. */
function withMinScore(part: ViewDetections, minScore: number, exclusive: boolean): ViewDetections {
  const { count, boxes, landmarks, hasLandmarks, view } = part;
  const kept: number[] = [];
  for (let i = 0; i < count; i++) {
    const score = scoreAt(part, i);
    if (score > minScore || (score === minScore && !exclusive)) kept.push(i);
  }
  if (kept.length === count) return part;
  const n = kept.length;
  const keptBoxes = new Float64Array(5 * n);
  const keptLandmarks = new Float64Array(hasLandmarks ? 10 * n : 0);
  kept.forEach((from, to) => {
    for (let k = 0; k < 5; k++) keptBoxes[k * n + to] = boxes[k * count + from]!;
    if (hasLandmarks) keptLandmarks.set(landmarks.subarray(10 * from, 10 * from + 10), 10 * to);
  });
  return { view, count: n, hasLandmarks, boxes: keptBoxes, landmarks: keptLandmarks };
}
