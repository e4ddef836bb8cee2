import { FaceDetError, received } from '@facedet/checks';

/** The options that scenes and group pictures share. */
interface PictureOptions {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly faces: number;
}

/**
 * Checks the options of a scene or a group picture.
 *
 * @param minSide shortest side of a picture, in pixels.
 * @param maxFaces most people.
 * @throws FaceDetError `INVALID_ARGUMENT` for an option out of range.
 */
export function checkPictureOptions(options: PictureOptions, minSide: number, maxFaces: number): void {
  const { seed, width, height, faces } = options;
  check(Number.isInteger(seed), `seed as an integer but received ${received(seed)}`);
  for (const side of [width, height])
    check(
      Number.isInteger(side) && side >= minSide && side <= 8192,
      `width and height as integers from ${minSide} to 8192 but received ${received(width)} × ${received(height)}`,
    );
  check(
    Number.isInteger(faces) && faces >= 1 && faces <= maxFaces,
    `faces as an integer from 1 to ${maxFaces} but received ${received(faces)}`,
  );
}

/** Throws `INVALID_ARGUMENT`, expecting `expected`, unless `ok`. */
export function check(ok: boolean, expected: string): asserts ok {
  if (!ok) throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected}.`);
}
