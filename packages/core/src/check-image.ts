import { FaceDetError, invalidArgument, received } from '@facedet/checks';
import { bytesPerPixel, isRasterSource } from './pixels.ts';
import type { Box, ImageSource, PixelBuffer } from './types.ts';

/**
 * Positions in pixels are 32-bit integers, which is twice as fast as floating point; a larger buffer would be read at
 * the wrong place.
 */
export const MAX_BYTES = 2 ** 31 - 1;

const FORMATS: readonly string[] = ['rgb', 'rgba', 'bgr', 'bgra', 'gray'];

function invalidImage(expected: string, value: string, nextStep: string): FaceDetError {
  return new FaceDetError('INVALID_IMAGE', `Expected ${expected} but received ${value}; ${nextStep}.`);
}

/** Throws `INVALID_IMAGE` for a value that is neither a valid `PixelBuffer` nor a `RasterSource`. */
export function checkImage(image: ImageSource): void {
  if (image === null || typeof image !== 'object')
    throw invalidImage(
      'a PixelBuffer or an object with rasterize() for the image',
      image === null ? 'null' : typeof image,
      'decode files first, for example with readImage() of @facedet/runtime-node',
    );
  for (const side of ['width', 'height'] as const) {
    const value: unknown = image[side];
    if (!Number.isInteger(value) || (value as number) < 1)
      throw invalidImage(`a positive integer for the image's ${side}`, String(value), 'sides are in pixels');
  }
  if (!isRasterSource(image)) checkBuffer(image);
}

function checkBuffer({ data, width, height, format, stride }: PixelBuffer): void {
  if (!FORMATS.includes(format))
    throw invalidImage(`one of ${FORMATS.join(', ')} for the image's format`, String(format), 'convert the pixels');
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw invalidImage(
      "a Uint8Array or Uint8ClampedArray for the image's data",
      Object.prototype.toString.call(data),
      'samples have 8 bits',
    );
  const rowBytes = width * bytesPerPixel(format);
  const usedStride = stride ?? rowBytes;
  if (!Number.isInteger(usedStride) || usedStride < rowBytes)
    throw invalidImage(
      `a stride of at least ${rowBytes} bytes for ${width} pixels of ${format}`,
      String(usedStride),
      'leave it out if rows are packed',
    );
  const needed = usedStride * (height - 1) + rowBytes;
  if (data.length < needed)
    throw invalidImage(
      `at least ${needed} bytes for ${width} × ${height} pixels of ${format}`,
      String(data.length),
      'check the size and the format',
    );
}

/**
 * Throws `INVALID_IMAGE` if a source's `rasterize` returned anything but `width` × `height` pixels: a short buffer
 * would become NaN in the tensor, and the error would blame the model.
 */
export function checkRaster(pixels: PixelBuffer, width: number, height: number): void {
  const call = `rasterize(${width}, ${height})`;
  if (pixels === null || typeof pixels !== 'object')
    throw invalidImage(`a PixelBuffer from ${call}`, received(pixels), 'see RasterSource');
  if (pixels.width !== width || pixels.height !== height)
    throw invalidImage(
      `${width} × ${height} pixels from ${call}`,
      `${received(pixels.width)} × ${received(pixels.height)}`,
      'return exactly the requested size',
    );
  if (isRasterSource(pixels)) throw invalidImage(`pixels from ${call}`, 'another raster source', 'return its pixels');
  checkImage(pixels);
}

/** Throws `INVALID_IMAGE` for a value that is not a valid `PixelBuffer`, raster sources included. */
export function checkPixels(pixels: PixelBuffer): void {
  checkImage(pixels);
  if (isRasterSource(pixels))
    throw invalidImage('a PixelBuffer', 'an object with rasterize()', 'call it and pass its result');
}

/** Throws `INVALID_ARGUMENT` for a region without an area or with a number that is not finite. */
export function checkRegion(region: Box): void {
  const { x, y, width, height } = (region ?? {}) as Box;
  if ([x, y, width, height].every(Number.isFinite) && width > 0 && height > 0) return;
  throw invalidArgument(
    'a region { x, y, width, height } of finite numbers with positive sides',
    region,
    'regions are in source pixels',
  );
}

/** Throws `INVALID_ARGUMENT` for an output size that is not two positive integers, or above 2 GiB as RGB. */
export function checkOutputSize(width: number, height: number): void {
  const valid = Number.isInteger(width) && width > 0 && Number.isInteger(height) && height > 0;
  if (valid && width * height * 3 <= MAX_BYTES) return;
  const expected = valid
    ? `an output size of at most ${MAX_BYTES} bytes as RGB`
    : 'positive integers for the output size';
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected ${expected} but received ${received(width)} × ${received(height)}; ` +
      (valid ? 'request fewer pixels.' : 'round it first.'),
  );
}
