import { FaceDetError, received } from '@facedet/checks';
import type { ImageSource, PixelBuffer, PixelFormat, RasterSource } from './types.ts';

/** Bytes a pixel of a format. */
export function bytesPerPixel(format: PixelFormat): number {
  return format === 'gray' ? 1 : format === 'rgb' || format === 'bgr' ? 3 : 4;
}

/** Where a format keeps red, green and blue: offsets inside a pixel. */
export function channelOffsets(format: PixelFormat): readonly [red: number, green: number, blue: number] {
  if (format === 'gray') return [0, 0, 0];
  return format === 'rgb' || format === 'rgba' ? [0, 1, 2] : [2, 1, 0];
}

/** Bytes from one row's start to the next. */
export function rowStride(pixels: PixelBuffer): number {
  return pixels.stride ?? pixels.width * bytesPerPixel(pixels.format);
}

/** Whether a source scales itself, rather than being plain pixels. */
export function isRasterSource(image: ImageSource): image is RasterSource {
  return typeof (image as Partial<RasterSource>).rasterize === 'function';
}

const FORMATS: readonly string[] = ['rgb', 'rgba', 'bgr', 'bgra', 'gray'];

/** Throws `INVALID_IMAGE` where a value can't be read as an image. */
export function checkImage(image: ImageSource): void {
  if (image === null || typeof image !== 'object') {
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a PixelBuffer or an object with rasterize() for the image but received ${image === null ? 'null' : typeof image}; decode files first, for example with readImage() of @facedet/runtime-node.`,
    );
  }
  for (const side of ['width', 'height'] as const) {
    const value: unknown = image[side];
    if (!Number.isInteger(value) || (value as number) < 1)
      throw new FaceDetError(
        'INVALID_IMAGE',
        `Expected a positive integer for the image's ${side} but received ${String(value)}.`,
      );
  }
  if (isRasterSource(image)) return;
  const { data, width, height, format } = image;
  if (!FORMATS.includes(format))
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected one of ${FORMATS.join(', ')} for the image's format but received ${String(format)}.`,
    );
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray))
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a Uint8Array or Uint8ClampedArray for the image's data but received ${Object.prototype.toString.call(data)}.`,
    );
  const row = width * bytesPerPixel(format);
  const stride = rowStride(image);
  if (!Number.isInteger(stride) || stride < row)
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a stride of at least ${row} bytes for ${width} pixels of ${format} but received ${stride}.`,
    );
  const needed = stride * (height - 1) + row;
  if (data.length < needed)
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected at least ${needed} bytes for ${width} × ${height} pixels of ${format} but received ${data.length}.`,
    );
}

/**
 * Throws `INVALID_IMAGE` where a source's `rasterize` gave anything but `width` × `height` pixels: a short buffer would
 * become NaN in the tensor, and the model would seem to be at fault.
 */
export function checkRaster(pixels: PixelBuffer, width: number, height: number): void {
  const asked = `rasterize(${width}, ${height})`;
  if (pixels === null || typeof pixels !== 'object')
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected a PixelBuffer from ${asked} but received ${received(pixels)}; see RasterSource.`,
    );
  if (pixels.width !== width || pixels.height !== height) {
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected ${width} × ${height} pixels from ${asked} but received ${received(pixels.width)} × ` +
        `${received(pixels.height)}; a raster source scales to the size it is asked for.`,
    );
  }
  if (isRasterSource(pixels))
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected pixels from ${asked} but received another raster source; return its pixels.`,
    );
  checkImage(pixels);
}
