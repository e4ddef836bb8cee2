import { checkOptionNames, FaceDetError, invalidArgument, received } from '@facedet/checks';
import type { Box, CameraMotion, Detection, Point, UpdateOptions } from './types.ts';

const UPDATE_OPTIONS: readonly (keyof UpdateOptions)[] = ['motion'];

/** Coordinates beyond this, pixels, are an error: their squares in the filter would lose the last digits. */
export const MAX_COORDINATE = 1e9;
/** Boxes with a shorter side, pixels, have no area to compare; a side below 0 by less than this is a rounding error. */
const MIN_SIDE = 1e-6;
/** A camera that zooms by more than 1000 between two updates is an error: boxes would leave the range of numbers. */
const MAX_AREA_FACTOR = 1e6;
/** Timestamps beyond this, seconds (the year 5138), are milliseconds or smaller units since 1970. */
const MAX_TIMESTAMP = 1e11;
/** How far an affinity may leave [0, 1]: the cosine of two equal 32-bit embeddings is not always exactly 1. */
const AFFINITY_ROUNDING = 1e-4;

const BOX = 'a box { x, y, width, height } in pixels';
const CONVERT_CORNERS = 'fromXyxy makes detections from corners x1, y1, x2, y2';
const CONVERT_ROWS = `${CONVERT_CORNERS}, fromXywh from x, y, width, height`;

/** Arrays by detection: four corners each, and the score. */
interface DetectionArrays {
  readonly detectionBoxes: Float64Array;
  readonly scores: Float64Array;
}

/**
 * Reads a frame's detections into flat arrays: boxes as left, top, right, bottom (the latter two plus `edgePixels`) and
 * scores. A box without area gets the score -1.
 *
 * @throws FaceDetError `INVALID_DETECTION`, naming the first invalid one
 */
export function readDetections(detections: readonly Detection[], into: DetectionArrays, edgePixels: number): void {
  const { detectionBoxes, scores } = into;
  for (let i = 0; i < detections.length; i++) {
    const detection = detections[i];
    const box = detection?.box;
    if (typeof box !== 'object' || box === null) throw invalidShape(detection, i);
    const { x, y, width, height } = box;
    const { score, landmarks } = detection!;
    if (!(isCoordinate(x) && isCoordinate(y) && isSide(width) && isSide(height))) throw invalidBox(box, i);
    if (!isScore(score)) throw invalidScore(score, i);
    if (landmarks !== undefined && landmarks !== null) checkLandmarks(landmarks, i);
    detectionBoxes[4 * i] = x;
    detectionBoxes[4 * i + 1] = y;
    detectionBoxes[4 * i + 2] = x + width + edgePixels;
    detectionBoxes[4 * i + 3] = y + height + edgePixels;
    scores[i] = width >= MIN_SIDE && height >= MIN_SIDE ? score : -1;
  }
}

/** Whether a value is a number within the limit; null, text and NaN are not. */
export const isCoordinate = (value: unknown): value is number =>
  Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;

const isSide = (value: unknown): value is number => isCoordinate(value) && value > -MIN_SIDE;

/** Whether a value is a number in [0, 1]. */
export const isScore = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

/** Whether a value is an array or a typed array. */
export const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

function checkLandmarks(landmarks: unknown, index: number): void {
  if (Array.isArray(landmarks) && arePoints(landmarks)) return;
  const next = 'give each point as { x, y } in pixels, or leave landmarks out';
  throw invalidDetection('an array of finite points as landmarks', index, received(landmarks), next);
}

/** Whether all are finite points. A loop, as `every` skips the holes of an array. */
function arePoints(values: readonly (Partial<Point> | null | undefined)[]): boolean {
  for (const point of values) if (!isCoordinate(point?.x) || !isCoordinate(point?.y)) return false;
  return true;
}

/** The error of a score, with the conversion from the other usual scales. */
export function invalidScore(score: unknown, index: number): FaceDetError {
  const next =
    typeof score !== 'number' || !Number.isFinite(score)
      ? 'a score is the confidence of a detection'
      : score > 1 && score <= 100
        ? 'divide percentages by 100'
        : 'apply the sigmoid to raw outputs of a network';
  return invalidDetection('a score in [0, 1]', index, received(score), next);
}

/** The error of a detection whose box is not an object. */
function invalidShape(detection: unknown, index: number): FaceDetError {
  const invalidHere = (next: string) =>
    invalidDetection(`{ box, score } with ${BOX}`, index, received(detection), next);
  if (isList(detection)) return invalidHere(CONVERT_ROWS);
  if (typeof detection !== 'object' || detection === null) return invalidHere('give one object per detection');
  if (hasFarCorner(detection)) return invalidHere(CONVERT_CORNERS);
  return invalidHere('width' in detection ? 'put x, y, width and height into box' : 'add the missing box');
}

/** The error of an invalid box, with the conversion from the other usual shapes. */
function invalidBox(box: Readonly<Box>, index: number): FaceDetError {
  if (isList(box)) return invalidDetection(BOX, index, received(box), CONVERT_ROWS);
  if (hasFarCorner(box)) return invalidDetection(BOX, index, received(box), CONVERT_CORNERS);
  const { x, y, width, height } = box;
  const sides = [x, y, width, height];
  const shown = `x ${received(x)}, y ${received(y)}, width ${received(width)}, height ${received(height)}`;
  if (sides.includes(undefined as never)) return invalidDetection(BOX, index, shown, CONVERT_ROWS);
  if (!sides.every(Number.isFinite))
    return invalidDetection(`${BOX}, all finite numbers,`, index, shown, 'leave out detections without a known place');
  if (width < 0 || height < 0)
    return invalidDetection(`${BOX} with sides of at least 0`, index, shown, CONVERT_CORNERS);
  return invalidDetection(`${BOX}, all within ±${MAX_COORDINATE},`, index, shown, 'check the unit');
}

/** Whether an object names the lower right corner of a box, as other libraries do, and no width. */
function hasFarCorner(value: object): boolean {
  return (
    !('width' in value) &&
    Object.keys(value).some((key) => ['x1', 'x2', 'xmax', 'x_max', 'right'].includes(key.toLowerCase()))
  );
}

/**
 * Checks the arguments of `update`, except for the detections themselves.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`, `TIME_NOT_SECONDS` or `TIMESTAMP_NOT_INCREASING`
 */
export function checkUpdate(detections: unknown, now: number, last: number | null, options: UpdateOptions): void {
  checkOptionNames(options, UPDATE_OPTIONS, '', 'the options of update');
  checkTime(now, last, false);
  if (options.motion !== undefined) checkMotion(options.motion);
  if (Array.isArray(detections)) return;
  const next = isList(detections)
    ? 'fromXyxy or fromXywh makes them from flat numbers'
    : 'give [] for a frame in which the detector found nothing';
  throw invalidArgument('an array of detections', detections, next);
}

/** @throws FaceDetError `INVALID_ARGUMENT` unless `motion` is an affine whose area factor is within its limits */
function checkMotion(motion: CameraMotion): void {
  // Spread, as `every` skips the holes of an array.
  const areNumbers = Array.isArray(motion) && motion.length === 6 && [...motion].every(isCoordinate);
  const area = areNumbers ? Math.abs(motion[0] * motion[4] - motion[1] * motion[3]) : 0;
  if (area >= 1 / MAX_AREA_FACTOR && area <= MAX_AREA_FACTOR) return;
  throw invalidArgument(
    'six finite numbers [a, b, tx, c, d, ty] with a·d − b·c from ±1e-6 to ±1e6 for motion',
    motion,
    '[1, 0, 0, 0, 1, 0] is a camera that does not move',
  );
}

/**
 * Checks an affinity and clamps its rounding errors to [0, 1].
 *
 * @throws FaceDetError `INVALID_ARGUMENT`
 */
export function checkAffinity(value: number): number {
  if (typeof value === 'number' && value >= -AFFINITY_ROUNDING && value <= 1 + AFFINITY_ROUNDING)
    return Math.min(Math.max(value, 0), 1);
  throw invalidArgument(
    'a number in [0, 1] from affinity',
    value,
    'for the cosine of two embeddings return (1 + cosine) / 2',
  );
}

/**
 * @throws FaceDetError `INVALID_ARGUMENT`, `TIME_NOT_SECONDS`, or `TIMESTAMP_NOT_INCREASING` unless `now` is after (or
 * equal to) the last update's time
 */
export function checkTime(now: number, last: number | null, orEqual: boolean): void {
  if (!Number.isFinite(now))
    throw invalidArgument('a timestamp in seconds', now, 'leave it out for 1 / frameRate after the last update');
  if (Math.abs(now) > MAX_TIMESTAMP) {
    throw new FaceDetError(
      'TIME_NOT_SECONDS',
      `Expected a timestamp in seconds but received ${now}; timestamps are seconds, divide milliseconds by 1000.`,
    );
  }
  if (last === null || now > last || (orEqual && now === last)) return;
  const expected = `a timestamp ${orEqual ? 'from' : 'after'} ${last} s, the last update's,`;
  throw new FaceDetError(
    'TIMESTAMP_NOT_INCREASING',
    `Expected ${expected} but received ${now} s; call reset() to start over.`,
  );
}

/** The one form of messages about a detection; `shown` is the text of what was received. */
export function invalidDetection(expected: string, index: number, shown: string, next: string): FaceDetError {
  return new FaceDetError(
    'INVALID_DETECTION',
    `Expected ${expected} for detection ${index} but received ${shown}; ${next}.`,
  );
}
