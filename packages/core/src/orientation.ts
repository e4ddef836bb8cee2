import { landmarksAt, scoreAt, type ViewDetections } from './merge.ts';
import type { Rotation } from './options.ts';
import { angleBetween, uprightRotation } from './rotation.ts';
import type { PassCondition } from './settings.ts';

// How 'auto' decides. Measured with three models on WIDER FACE images rotated by quarter turns (apps/bench,
// `rotations`).

/**
 * A face of at least this score is taken to be upright. One in twenty images seen the wrong way has such a "face".
 */
const CONFIDENT_SCORE = 0.82;
/**
 * With a face of at least this score in one of the quarter turns, the diagonals are skipped: they would cost every
 * doubtful image another run.
 */
const LIKELY_SCORE = 0.65;
/** A face that is found sideways with this score suggests that the image is rotated. */
const HINT_SCORE = 0.5;
/** Detections below this score are not evidence; the runs for 'auto' keep those above it. */
export const EVIDENCE_SCORE = 0.2;
/** The most that a face's landmarks may be tilted from upright in their view, in degrees. */
const MAX_TILT = 60;
/**
 * A quick run shows fewer faces than a full one: its rotation is worth a full run if it has more than this fraction of
 * the evidence so far.
 */
const QUICK_FRACTION = 0.25;
/** A rotation wins over upright if its evidence is stronger by this factor: most images are upright. */
const ROTATED_FACTOR = 1.25;
/** The pixels of a quick run, as a fraction of those of the first pass. */
export const QUICK_PIXELS = 0.25;

/** Rotations that are tried in one go, and the evidence with which they are not needed. */
export interface SearchStage {
  readonly rotations: readonly Rotation[];
  isDone(best: Evidence): boolean;
}

/** The rotations that are tried after upright. */
export const SEARCH_STAGES: readonly SearchStage[] = [
  { rotations: [90, 180, 270], isDone: ({ best, tilted }) => best >= CONFIDENT_SCORE && tilted < HINT_SCORE },
  { rotations: [45, 135, 225, 315], isDone: ({ best }) => best >= LIKELY_SCORE },
];

/** What the views of one rotation of an image show. */
export interface Evidence {
  readonly rotation: Rotation;
  /** The highest score of a face whose landmarks are upright in this rotation. */
  readonly best: number;
  /** Sum of the cubes of the three highest such scores: one confident face counts more than many doubtful ones. */
  readonly strength: number;
  /** The highest score of a face that is sideways or upside down in this rotation. */
  readonly tilted: number;
}

/** Summarizes what the views of one rotation found. */
export function evidenceFor(rotation: Rotation, detections: readonly ViewDetections[]): Evidence {
  const parts = detections.filter(({ view }) => view.rotation === rotation);
  let tilted = 0;
  const top: number[] = [0, 0, 0];
  for (const part of parts) {
    for (let i = 0; i < part.count; i++) {
      const score = scoreAt(part, i);
      if (part.hasLandmarks && !isUprightIn(part.landmarks, i, rotation)) {
        tilted = Math.max(tilted, score);
        continue;
      }
      // Anchors around the best one detect the same face: a face counts once.
      if (score <= top[2]! || isInsideBetter(part, i, parts)) continue;
      top[2] = score;
      top.sort((a, b) => b - a);
    }
  }
  return { rotation, best: top[0]!, strength: top.reduce((sum, score) => sum + score ** 3, 0), tilted };
}

/** Whether the center of a detection is inside one with a higher score. */
function isInsideBetter(detections: ViewDetections, i: number, parts: readonly ViewDetections[]): boolean {
  const { boxes, count } = detections;
  const score = scoreAt(detections, i);
  const x = (boxes[i]! + boxes[2 * count + i]!) / 2;
  const y = (boxes[count + i]! + boxes[3 * count + i]!) / 2;
  return parts.some(({ boxes: b, count: n }) => {
    for (let j = 0; j < n; j++) {
      if (b[4 * n + j]! > score && x > b[j]! && y > b[n + j]! && x < b[2 * n + j]! && y < b[3 * n + j]!) return true;
    }
    return false;
  });
}

function isUprightIn(landmarks: Float64Array, i: number, rotation: Rotation): boolean {
  return angleBetween(uprightRotation(landmarksAt(landmarks, i)), rotation) <= MAX_TILT;
}

/**
 * With at least this score, the best face is unlikely to be a part of a larger one that the passes so far could not
 * detect.
 */
const WHOLE_FACE_SCORE = 0.75;
/** With at least this score, there is something. */
const LOW_CONFIDENCE_SCORE = 0.3;

/** Whether a conditional pass runs, given what the other passes found. */
export function isPassNeeded(when: PassCondition, detections: readonly ViewDetections[]): boolean {
  if (when === 'always') return true;
  let best = 0;
  for (const part of detections) for (let i = 0; i < part.count; i++) best = Math.max(best, scoreAt(part, i));
  return best < WHOLE_FACE_SCORE && (when === 'no-confident-face' || best >= LOW_CONFIDENCE_SCORE);
}

/** The rotation that deserves a full run after quick ones, or null if the current one is clearly better. */
export function bestQuickRotation(current: Evidence, quick: readonly Evidence[]): Rotation | null {
  let best: Evidence | null = null;
  for (const each of quick) if (!best || each.strength > best.strength) best = each;
  return best && best.strength > 0 && best.strength > QUICK_FRACTION * current.strength ? best.rotation : null;
}

/** The stronger of the best evidence so far and that of another rotation. */
export function strongerEvidence(best: Evidence, other: Evidence): Evidence {
  return other.strength > (best.rotation === 0 ? ROTATED_FACTOR : 1) * best.strength ? other : best;
}
