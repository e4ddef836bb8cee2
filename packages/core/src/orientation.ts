import type { Found } from './merge.ts';
import { angleBetween, uprightRotation } from './rotation.ts';
import type { PassCondition, Rotation } from './settings.ts';
import type { Landmarks } from './types.ts';

// How 'auto' decides, measured on pictures of WIDER FACE turned by quarters with three models: apps/bench, `rotations`.

/**
 * A face of at least this score is read the right way up: of pictures read the wrong way, one in twenty has such a
 * "face".
 */
const SURE_SCORE = 0.82;
/**
 * With a face of at least this score in one of the quarter turns, the diagonals are left out: each more would cost
 * every doubtful picture a run.
 */
const LIKELY_SCORE = 0.65;
/** A face that is found sideways with this score says that the picture is turned. */
const HINT_SCORE = 0.5;
/** Detections below this score are no evidence; the run for 'auto' keeps those above it. */
export const EVIDENCE_SCORE = 0.2;
/** A reading's landmarks may lean by this many degrees from the view's own down. */
const MAX_LEAN = 60;
/**
 * A quick run shows fewer faces than a full one: it is worth a full run of its own from this share of the upright run's
 * evidence on.
 */
const QUICK_SHARE = 0.25;
/**
 * A turned reading wins over the upright one where its evidence is stronger by this factor: most pictures are upright.
 */
const TURNED_FACTOR = 1.25;
/** Share of the first pass's pixels that a quick run has. */
export const QUICK_PIXELS = 0.25;

/** The rotations that are tried after the upright reading, and the evidence with which they are not. */
export const STAGES: readonly { readonly rotations: readonly Rotation[]; isDone(best: Evidence): boolean }[] = [
  { rotations: [90, 180, 270], isDone: ({ best, turned }) => best >= SURE_SCORE && turned < HINT_SCORE },
  { rotations: [45, 135, 225, 315], isDone: ({ best }) => best >= LIKELY_SCORE },
];

/** What one orientation of a picture shows. */
export interface Evidence {
  readonly rotation: Rotation;
  /** The highest score of a face whose landmarks agree with the rotation. */
  readonly best: number;
  /** Sum of the cubes of the three highest such scores: one sure face counts for more than many doubtful ones. */
  readonly strength: number;
  /** The highest score of a face that lies on its side or upside down in this view. */
  readonly turned: number;
}

/** Sums up what the views of one rotation found. */
export function evidenceOf(rotation: Rotation, parts: readonly Found[]): Evidence {
  let turned = 0;
  const top: number[] = [0, 0, 0];
  for (const { view, count, boxes, points, hasPoints } of parts) {
    if (view.rotation !== rotation) continue;
    for (let i = 0; i < count; i++) {
      const score = boxes[4 * count + i]!;
      if (hasPoints && !leansLike(points, i, rotation)) {
        turned = Math.max(turned, score);
        continue;
      }
      // Anchors beside the best one find the same face: a face counts once.
      if (
        score <= top[2]! ||
        parts.some((part) => part.view.rotation === rotation && hidden(part, boxes, count, i, score))
      )
        continue;
      top[2] = score;
      top.sort((a, b) => b - a);
    }
  }
  return { rotation, best: top[0]!, strength: top.reduce((sum, score) => sum + score ** 3, 0), turned };
}

/** Whether a candidate's centre lies in a better one. */
function hidden(part: Found, boxes: Float64Array, count: number, i: number, score: number): boolean {
  const x = (boxes[i]! + boxes[2 * count + i]!) / 2;
  const y = (boxes[count + i]! + boxes[3 * count + i]!) / 2;
  const { count: n, boxes: b } = part;
  for (let j = 0; j < n; j++) {
    if (b[4 * n + j]! > score && x > b[j]! && y > b[n + j]! && x < b[2 * n + j]! && y < b[3 * n + j]!) return true;
  }
  return false;
}

function leansLike(points: Float64Array, i: number, rotation: Rotation): boolean {
  const landmarks = [0, 2, 4, 6, 8].map((k) => ({ x: points[10 * i + k]!, y: points[10 * i + k + 1]! })) as Landmarks;
  return angleBetween(uprightRotation(landmarks), rotation) <= MAX_LEAN;
}

/**
 * From this score on the best face is sure enough not to be a part of a larger one, which the passes so far could not
 * see.
 */
const WHOLE_SCORE = 0.75;
/** From this score on there is something. */
const SOMETHING_SCORE = 0.3;

/** Whether a pass that waits for the others is to run after what they found. */
export function isWanted(when: PassCondition, parts: readonly Found[]): boolean {
  let best = 0;
  for (const { count, boxes } of parts) for (let i = 0; i < count; i++) best = Math.max(best, boxes[4 * count + i]!);
  return best < WHOLE_SCORE && (when === 'unsure' || best >= SOMETHING_SCORE);
}

/** The orientation that is worth a full run after quick ones, or null where upright is clearly better. */
export function bestOfQuick(upright: Evidence, quick: readonly Evidence[]): Rotation | null {
  let best: Evidence | null = null;
  for (const each of quick) if (!best || each.strength > best.strength) best = each;
  return best && best.strength > 0 && best.strength > QUICK_SHARE * upright.strength ? best.rotation : null;
}

/** The reading that counts, out of one more and the best so far. */
export function stronger(best: Evidence, other: Evidence): Evidence {
  return other.strength > (best.rotation === 0 ? TURNED_FACTOR : 1) * best.strength ? other : best;
}
