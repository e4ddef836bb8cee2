import { FaceDetError, type Face, type Point } from '@facedet/core';
import { received } from '@facedet/core/engine';

/** Coordinates beyond this, pixels, are an error: the filters' squares would lose their last digits. */
const MAX_COORDINATE = 1e9;

/**
 * Checks a detector's output for one image: an array of faces with finite boxes, sides of at least 0, scores in [0, 1]
 * and either five finite landmarks or no landmarks. Throws `INVALID_DETECTION` with the first invalid face, before
 * tracker and smoother see the frame.
 */
export function checkFaces(faces: unknown): asserts faces is Face[] {
  if (!Array.isArray(faces)) throw invalid('an array of faces from the detector', faces);
  for (const [index, face] of (faces as (Partial<Face> | null | undefined)[]).entries()) {
    const { box, score } = face ?? {};
    const landmarks: unknown = face?.landmarks;
    if (!box || ![box.x, box.y, box.width, box.height].every(isCoordinate) || box.width < 0 || box.height < 0) {
      throw invalid(`a box of finite numbers with sides of at least 0 for detection ${index}`, box);
    }
    if (!(typeof score === 'number' && score >= 0 && score <= 1))
      throw invalid(`a score in [0, 1] for detection ${index}`, score);
    if (landmarks === null || landmarks === undefined) continue;
    if (
      !Array.isArray(landmarks) ||
      landmarks.length !== 5 ||
      // Spread, as `every` passes over the holes of an array.
      ![...landmarks].every((point?: Partial<Point> | null) => isCoordinate(point?.x) && isCoordinate(point?.y))
    ) {
      throw invalid(`five points of finite numbers for the landmarks of detection ${index}`, landmarks);
    }
  }
}

const isCoordinate = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_COORDINATE;

const invalid = (what: string, value: unknown) =>
  new FaceDetError(
    'INVALID_DETECTION',
    `Expected ${what} but received ${received(value)}; check what the detector returns.`,
  );
