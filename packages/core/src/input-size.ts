import { FaceDetError, invalidArgument } from '@facedet/checks';
import type { InputSize } from './options.ts';

/**
 * The sides of a network's input are multiples of this: the coarsest stride of the three-stride models, which every
 * SCRFD model has.
 */
export const INPUT_STEP = 32;

/** The smallest pixel budget: one step in each direction. */
const MIN_PIXELS = INPUT_STEP * INPUT_STEP;

/** Rounds a side up to the next multiple of 32. */
export function roundUpToStep(side: number): number {
  return Math.ceil(side / INPUT_STEP) * INPUT_STEP;
}

/** Checks the `inputSize` option and returns its sizes, one per pass. Throws `INVALID_ARGUMENT`. */
export function inputSizesOf(inputSize: InputSize | readonly InputSize[]): readonly InputSize[] {
  // Spread: `forEach` would skip the holes of a sparse array.
  const sizes = Array.isArray(inputSize) ? ([...inputSize] as InputSize[]) : [inputSize as InputSize];
  if (sizes.length === 0)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected at least one size for inputSize but received an empty list; leave it out for the default.',
    );
  sizes.forEach(checkInputSize);
  return sizes;
}

function checkInputSize(size: InputSize): void {
  if (typeof size === 'number') return checkSide(size, 'pixels of the longer side');
  if (size === null || typeof size !== 'object' || Array.isArray(size) || !('pixels' in size || 'width' in size))
    throw invalidArgument(
      'a number, { width, height }, { pixels } or a list of these for inputSize',
      size,
      'a number is the longer side',
    );
  if ('pixels' in size) return checkBudget(size.pixels);
  const { width, height } = size;
  checkSide(width, 'pixels of the width');
  checkSide(height, 'pixels of the height');
  if (width % INPUT_STEP || height % INPUT_STEP)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected multiples of ${INPUT_STEP} for inputSize but received ${width} × ${height}; ` +
        `the nearest are ${nearestMultiple(width)} × ${nearestMultiple(height)}.`,
    );
}

function checkSide(side: number, what: string): void {
  if (!Number.isInteger(side) || side < INPUT_STEP)
    throw invalidArgument(
      `an integer of at least ${INPUT_STEP} (${what}) for inputSize`,
      side,
      'the usual sizes are 320, 640 and 1280',
    );
}

function checkBudget(pixels: number): void {
  if (!Number.isFinite(pixels) || pixels < MIN_PIXELS)
    throw invalidArgument(
      `a pixel budget of at least ${MIN_PIXELS} for inputSize`,
      { pixels },
      'the default is { pixels: 409600 }',
    );
}

function nearestMultiple(side: number): number {
  return Math.max(Math.round(side / INPUT_STEP), 1) * INPUT_STEP;
}
