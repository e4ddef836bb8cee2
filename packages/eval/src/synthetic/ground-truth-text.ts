import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { SceneFace } from './ground-truth.ts';

/** Ground truth of a frame, without its picture. */
export interface TruthFrame {
  /** From 0. */
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly truth: readonly SceneFace[];
}

/** Options of `toMot` and `toJsonl`. */
export interface TruthTextOptions {
  /** Lowest visibility of a face that a detector should find, 0 to 1; default 0.25. Higher ignores more faces. */
  readonly minVisibility?: number;
}

/**
 * Formats ground truth as MOTChallenge's `gt.txt`: `frame,id,x,y,width,height,counts,class,visibility`, frames from 1.
 * Faces below the minimum visibility are distractors (class 8, ignored): detections on them are ignored too.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option or one out of range.
 */
export function toMot(frames: Iterable<TruthFrame>, options: TruthTextOptions = {}): string {
  const minVisibility = checkMinVisibility(options);
  let text = '';
  for (const { index, truth } of frames) {
    for (const { id, box, visibility } of truth) {
      const sides = [box.x, box.y, box.width, box.height].map(round);
      const countsAndClass = visibility >= minVisibility ? '1,1' : '0,8';
      text += `${index + 1},${id},${sides.join(',')},${countsAndClass},${visibility.toFixed(3)}\n`;
    }
  }
  return text;
}

/**
 * Formats ground truth as the JSON Lines of `facedet video`, one line per frame: every face of at least the minimum
 * visibility, with score 1 and its visibility.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option or one out of range.
 */
export function toJsonl(frames: Iterable<TruthFrame>, options: TruthTextOptions = {}): string {
  const minVisibility = checkMinVisibility(options);
  let text = '';
  for (const { index, timestamp, truth } of frames) {
    const faces = truth
      .filter(({ visibility }) => visibility >= minVisibility)
      .map(({ id, box, landmarks, visibility, occluded }) => ({
        id,
        box: { x: round(box.x), y: round(box.y), width: round(box.width), height: round(box.height) },
        score: 1,
        landmarks: landmarks.map(({ x, y }) => ({ x: round(x), y: round(y) })),
        state: 'detected',
        visibility: round(visibility),
        occluded,
      }));
    text += `${JSON.stringify({ frame: index, timestamp, faces })}\n`;
  }
  return text;
}

function checkMinVisibility(options: TruthTextOptions): number {
  checkOptionNames(options, ['minVisibility']);
  const { minVisibility = 0.25 } = options;
  if (minVisibility >= 0 && minVisibility <= 1) return minVisibility;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected minVisibility from 0 to 1 but received ${received(minVisibility)}.`,
  );
}

/** To three decimals. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
