import { FaceDetError, received } from '@facedet/checks';
import { checkImage, isRasterSource } from './pixels.ts';
import type { Box, PixelBuffer } from './types.ts';

/**
 * Positions in pixels are 32-bit integers: twice as fast as floating point, and a larger buffer would be read at the
 * wrong place.
 */
export const MAX_BYTES = 2 ** 31 - 1;

/**
 * Throws `INVALID_IMAGE` for what is not a `PixelBuffer`: pixels that a function can read by index, not a source that
 * scales itself.
 */
export function checkPixels(pixels: PixelBuffer): void {
  checkImage(pixels);
  if (isRasterSource(pixels)) {
    throw new FaceDetError(
      'INVALID_IMAGE',
      'Expected a PixelBuffer but received an object with rasterize(); call it and pass its result.',
    );
  }
}

/** Throws `INVALID_ARGUMENT` for a region that shows nothing: sides must be positive, all four numbers finite. */
export function checkRegion(region: Box): void {
  const { x, y, width, height } = (region ?? {}) as Box;
  if ([x, y, width, height].every(Number.isFinite) && width > 0 && height > 0) return;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected a region { x, y, width, height } of finite numbers with positive sides ` +
      `but received ${received(region)}; regions are in source pixels.`,
  );
}

/** Throws `INVALID_ARGUMENT` for a size that no RGB picture has. */
export function checkSize(width: number, height: number): void {
  const valid = Number.isInteger(width) && width > 0 && Number.isInteger(height) && height > 0;
  if (valid && width * height * 3 <= MAX_BYTES) return;
  const what = valid
    ? `a size to scale to of at most ${MAX_BYTES} bytes as RGB`
    : 'positive integers for the size to scale to';
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected ${what} but received ${received(width)} × ${received(height)}; ` +
      (valid ? 'ask for fewer pixels.' : 'round it first.'),
  );
}
