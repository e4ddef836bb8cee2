import { FaceDetError } from '@facedet/checks';
import type { CameraMotion, Detection } from './types.ts';

/** Coordinates beyond this, pixels, are taken for an error: the filter's squares would lose their last digits. */
const MAX_COORDINATE = 1e9;
/** Boxes with a shorter side, pixels, have no area to compare. */
const MIN_SIDE = 1e-6;

/**
 * Reads a frame's detections into flat arrays: boxes as left, top, right, bottom (the latter two plus `extra`) and scores. A box without area gets the score -1.
 *
 * @throws FaceDetError `INVALID_DETECTION`, naming the first that can't be meant
 */
export function readDetections(detections: readonly Detection[], boxes: Float64Array, scores: Float64Array, extra: number): void {
  for (let i = 0; i < detections.length; i++) {
    const detection = detections[i];
    const box = detection?.box;
    if (!detection || !box) throw invalid(i, 'a box and a score', JSON.stringify(detection) ?? 'nothing');
    const { x, y, width, height } = box;
    const { score } = detection;
    if (!usable(x) || !usable(y) || !usable(width) || !usable(height)) throw invalid(i, `a box of finite numbers up to ${MAX_COORDINATE}`, `x ${x}, y ${y}, width ${width}, height ${height}`);
    if (!(usable(score) && score >= 0 && score <= 1)) throw invalid(i, 'a score in [0, 1]', String(score));
    boxes[4 * i] = x;
    boxes[4 * i + 1] = y;
    boxes[4 * i + 2] = x + width + extra;
    boxes[4 * i + 3] = y + height + extra;
    scores[i] = width >= MIN_SIDE && height >= MIN_SIDE ? score : -1;
  }
}

/** @throws FaceDetError `INVALID_ARGUMENT` unless it is an array */
export function checkDetections(detections: unknown): void {
  if (!Array.isArray(detections)) throw new FaceDetError('INVALID_ARGUMENT', `Expected an array of detections but received ${typeof detections}`);
}

/** @throws FaceDetError `INVALID_ARGUMENT` unless `motion` is an affine that keeps an area */
export function checkMotion(motion: CameraMotion): void {
  const usable = motion.length === 6 && motion.every(Number.isFinite) && motion[0] * motion[4] !== motion[1] * motion[3];
  if (!usable) throw new FaceDetError('INVALID_ARGUMENT', `Expected six finite numbers [a, b, tx, c, d, ty] with a·d ≠ b·c for motion but received ${JSON.stringify(motion)}`);
}

/** Whether a value is a number within the limit; null, text and NaN are none. */
const usable = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;

const invalid = (index: number, expected: string, received: string) =>
  new FaceDetError('INVALID_DETECTION', `Expected ${expected} for detection ${index} but received ${received}`);

/** @throws FaceDetError `INVALID_ARGUMENT`, or `TIME_NOT_RISING` unless `now` is after (or equal to) the last update's time */
export function checkTime(now: number, last: number | null, orEqual: boolean): void {
  if (!Number.isFinite(now)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a timestamp in seconds but received ${String(now)}`);
  if (last === null || now > last || (orEqual && now === last)) return;
  throw new FaceDetError('TIME_NOT_RISING', `Expected a timestamp ${orEqual ? 'from' : 'after'} ${last} s, the last update's, but received ${now} s; call reset() to begin anew`);
}
