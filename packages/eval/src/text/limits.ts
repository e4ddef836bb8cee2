/**
 * Most frames of a video: a week at 30 frames per second. A larger frame number means a damaged file, and must not
 * decide how much memory is allocated.
 */
export const MAX_FRAMES = 20_000_000;

/** Largest coordinate in pixels: products of such numbers stay far from infinity. */
const MAX_COORDINATE = 1e9;

/** Whether a value is a number that can be a coordinate or a side in pixels. */
export function isCoordinate(value: unknown): value is number {
  return typeof value === 'number' && value >= -MAX_COORDINATE && value <= MAX_COORDINATE;
}

/** Whether the first `count` numbers can be coordinates or sides in pixels. Runs for each row of a file. */
export function areCoordinates(values: Float64Array, count: number): boolean {
  for (let k = 0; k < count; k++) if (!(values[k]! >= -MAX_COORDINATE && values[k]! <= MAX_COORDINATE)) return false;
  return true;
}
