import { FaceDetError, received } from '@facedet/checks';
import type { Box, CameraMotion, Detection } from './types.ts';

/** Coordinates beyond this, pixels, are taken for an error: the filter's squares would lose their last digits. */
export const MAX_COORDINATE = 1e9;
/** Boxes with a shorter side, pixels, have no area to compare; a side below 0 by less than this is a rounding error. */
const MIN_SIDE = 1e-6;
/** A camera that zooms by more than 1000 between two updates is an error: boxes would leave the range of numbers. */
const MAX_AREA_FACTOR = 1e6;
/** Timestamps beyond this, seconds (the year 5138), are milliseconds or less since 1970. */
const MAX_TIMESTAMP = 1e11;
/**
 * How far an affinity may leave [0, 1]: the cosine of two equal embeddings of 32-bit numbers is not always exactly 1.
 */
const AFFINITY_ROUNDING = 1e-4;

const BOX = 'a box { x, y, width, height } in pixels';
const FROM_ROWS = 'fromXyxy makes detections from corners x1, y1, x2, y2, fromXywh from x, y, width, height';
const FROM_CORNERS = 'fromXyxy makes detections from corners x1, y1, x2, y2';

/**
 * Reads a frame's detections into flat arrays: boxes as left, top, right, bottom (the latter two plus `extra`) and
 * scores. A box without area gets the score -1.
 *
 * @throws FaceDetError `INVALID_DETECTION`, naming the first that can't be meant
 */
export function readDetections(
  detections: readonly Detection[],
  boxes: Float64Array,
  scores: Float64Array,
  extra: number,
): void {
  for (let i = 0; i < detections.length; i++) {
    const detection = detections[i];
    const box = detection?.box;
    if (typeof box !== 'object' || box === null) throw notADetection(detection, i);
    const { x, y, width, height } = box;
    const { score } = detection!;
    if (!(usable(x) && usable(y) && usable(width) && usable(height) && width > -MIN_SIDE && height > -MIN_SIDE))
      throw notABox(box, i);
    if (!(usable(score) && score >= 0 && score <= 1)) throw notAScore(score, i);
    boxes[4 * i] = x;
    boxes[4 * i + 1] = y;
    boxes[4 * i + 2] = x + width + extra;
    boxes[4 * i + 3] = y + height + extra;
    scores[i] = width >= MIN_SIDE && height >= MIN_SIDE ? score : -1;
  }
}

/** The error of a score, with what helps for the usual other scales. */
export function notAScore(score: unknown, index: number): FaceDetError {
  const next =
    typeof score !== 'number' || !Number.isFinite(score)
      ? 'a score is the confidence of a detection'
      : score > 1 && score <= 100
        ? 'divide percentages by 100'
        : 'apply the sigmoid to raw outputs of a network';
  return invalidDetection('a score in [0, 1]', index, score, next);
}

/** The error of a detection without an object for its box. */
function notADetection(detection: unknown, index: number): FaceDetError {
  const expected = `{ box, score } with ${BOX}`;
  if (isList(detection)) return invalidDetection(expected, index, detection, FROM_ROWS);
  if (typeof detection !== 'object' || detection === null)
    return invalidDetection(expected, index, detection, 'give one object per detection');
  if (hasFarCorner(detection)) return invalidDetection(expected, index, detection, FROM_CORNERS);
  const next = 'width' in detection ? 'put x, y, width and height into box' : 'add the missing box';
  return invalidDetection(expected, index, detection, next);
}

/** The error of an object that is no box, with what makes one of the usual other shapes. */
function notABox(box: Readonly<Box>, index: number): FaceDetError {
  if (isList(box)) return invalidDetection(BOX, index, box, FROM_ROWS);
  if (hasFarCorner(box)) return invalidDetection(BOX, index, box, FROM_CORNERS);
  const { x, y, width, height } = box;
  const sides = [x, y, width, height];
  const shown = `x ${received(x)}, y ${received(y)}, width ${received(width)}, height ${received(height)}`;
  if (sides.includes(undefined as never)) return invalidDetection(BOX, index, shown, FROM_ROWS, true);
  if (!sides.every(Number.isFinite))
    return invalidDetection(`${BOX}, all finite numbers,`, index, shown, 'leave out what has no known place', true);
  if (width < 0 || height < 0)
    return invalidDetection(`${BOX} with sides of at least 0`, index, shown, FROM_CORNERS, true);
  return invalidDetection(`${BOX}, all within ±${MAX_COORDINATE},`, index, shown, 'check the unit', true);
}

/** Whether an object names the lower right corner of a box, as other libraries do, and no width. */
function hasFarCorner(value: object): boolean {
  return (
    !('width' in value) &&
    Object.keys(value).some((key) => ['x1', 'x2', 'xmax', 'x_max', 'right'].includes(key.toLowerCase()))
  );
}

/** @throws FaceDetError `INVALID_ARGUMENT` unless it is an array */
export function checkDetections(detections: unknown): void {
  if (Array.isArray(detections)) return;
  const next = isList(detections)
    ? 'fromXyxy or fromXywh makes them from flat numbers'
    : 'give [] for a frame in which the detector found nothing';
  throw invalid('an array of detections', detections, next);
}

/** @throws FaceDetError `INVALID_ARGUMENT` unless `motion` is an affine that keeps an area within its limits */
export function checkMotion(motion: CameraMotion): void {
  // Spread, as `every` passes over the holes of an array.
  const numbers = Array.isArray(motion) && motion.length === 6 && [...motion].every(usable);
  const area = numbers ? Math.abs(motion[0] * motion[4] - motion[1] * motion[3]) : 0;
  if (area >= 1 / MAX_AREA_FACTOR && area <= MAX_AREA_FACTOR) return;
  throw invalid(
    'six finite numbers [a, b, tx, c, d, ty] with a·d − b·c from ±1e-6 to ±1e6 for motion',
    motion,
    '[1, 0, 0, 0, 1, 0] is a camera at rest',
  );
}

/**
 * An affinity within [0, 1], rounding errors cut off.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function checkAffinity(value: number): number {
  if (typeof value === 'number' && value >= -AFFINITY_ROUNDING && value <= 1 + AFFINITY_ROUNDING)
    return Math.min(Math.max(value, 0), 1);
  throw invalid('a number in [0, 1] from affinity', value, 'for the cosine of two embeddings return (1 + cosine) / 2');
}

/**
 * @throws FaceDetError `INVALID_ARGUMENT`, `TIME_NOT_SECONDS`, or `TIME_NOT_RISING` unless `now` is after (or equal
 * to) the last update's time
 */
export function checkTime(now: number, last: number | null, orEqual: boolean): void {
  if (!Number.isFinite(now))
    throw invalid('a timestamp in seconds', now, 'leave it out for 1 / frameRate after the last update');
  if (Math.abs(now) > MAX_TIMESTAMP) {
    throw new FaceDetError(
      'TIME_NOT_SECONDS',
      `Expected a timestamp in seconds but received ${now}; timestamps are seconds, divide milliseconds by 1000.`,
    );
  }
  if (last === null || now > last || (orEqual && now === last)) return;
  const expected = `a timestamp ${orEqual ? 'from' : 'after'} ${last} s, the last update's,`;
  throw new FaceDetError('TIME_NOT_RISING', `Expected ${expected} but received ${now} s; call reset() to start over.`);
}

/** Whether a value is a number within the limit; null, text and NaN are none. */
export const usable = (value: unknown): value is number =>
  Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;

/** Whether a value is an array or a typed array. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

/** The one form of messages about a detection; `plain` leaves what was received as it is. */
export function invalidDetection(
  expected: string,
  index: number,
  value: unknown,
  next: string,
  plain = false,
): FaceDetError {
  const what = `${expected} for detection ${index}`;
  return new FaceDetError(
    'INVALID_DETECTION',
    `Expected ${what} but received ${plain ? String(value) : received(value)}; ${next}.`,
  );
}

const invalid = (expected: string, value: unknown, next: string) =>
  new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${received(value)}; ${next}.`);
