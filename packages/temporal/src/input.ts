import { FaceDetError, invalidArgument } from '@facedet/checks';
import type { TrackedFace } from './types.ts';

/** Coordinates beyond this, pixels, are an error: their squares would lose the last digits. */
const MAX_COORDINATE = 1e9;

/**
 * Checks one frame's faces, and its time against that of the last frame.
 *
 * @throws FaceDetError `INVALID_ARGUMENT`, naming the first face that cannot be smoothed, or `TIMESTAMP_NOT_INCREASING`
 */
export function checkFaces(faces: readonly TrackedFace[], timestamp: number, last: number | null): void {
  if (!Number.isFinite(timestamp))
    throw invalidArgument('a timestamp in seconds', timestamp, 'give the time of the frame');
  if (last !== null && !(timestamp > last)) {
    throw new FaceDetError(
      'TIMESTAMP_NOT_INCREASING',
      `Expected a timestamp after ${last} s, the last frame's, but received ${timestamp} s; ` +
        'call reset() to start over.',
    );
  }
  if (!Array.isArray(faces)) throw invalidArgument('an array of faces', faces, 'give [] for a frame without faces');
  const ids = new Set<number>();
  for (const [index, face] of (faces as TrackedFace[]).entries()) {
    checkFace(face, index);
    if (ids.has(face.id)) throw invalidArgument('each ID once', face.id, `face ${index} has the ID of an earlier face`);
    ids.add(face.id);
  }
}

function checkFace(face: TrackedFace | null | undefined, index: number): void {
  const { id, box, score, landmarks } = face ?? ({} as Partial<TrackedFace>);
  if (!face || !box || !Number.isFinite(id) || !Number.isFinite(score)) {
    // Not the whole object, which may have pixels.
    const shown = typeof face === 'object' && face ? { id, box, score } : face;
    throw invalidArgument(
      `a box, a score and an ID for face ${index}`,
      shown,
      'give a number for ID and score, as a tracker does',
    );
  }
  if (![box.x, box.y, box.width, box.height].every(isCoordinate)) {
    throw invalidArgument(`finite numbers for x, y, width and height of face ${index}`, box, 'leave this face out');
  }
  if (landmarks === undefined || landmarks === null) return;
  if (!Array.isArray(landmarks) || ![...landmarks].every(isPoint)) {
    throw invalidArgument(`an array of points for the landmarks of face ${index}`, landmarks, 'a point is { x, y }');
  }
  if (!landmarks.every(({ x, y }: { x: unknown; y: unknown }) => isCoordinate(x) && isCoordinate(y))) {
    throw invalidArgument(`finite numbers for the landmarks of face ${index}`, landmarks, 'leave its landmarks out');
  }
}

/** Applied to a copy of the list, as `every` skips the holes of an array. */
const isPoint = (point: unknown) => typeof point === 'object' && point !== null;

const isCoordinate = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;
