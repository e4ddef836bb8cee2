import type { ImageSource, PixelBuffer, PixelFormat, RasterSource } from './types.ts';

/** Bytes per pixel of a format. */
export function bytesPerPixel(format: PixelFormat): number {
  return format === 'gray' ? 1 : format === 'rgb' || format === 'bgr' ? 3 : 4;
}

/** The byte offsets of red, green and blue inside a pixel of a format. */
export function channelOffsets(format: PixelFormat): readonly [red: number, green: number, blue: number] {
  if (format === 'gray') return [0, 0, 0];
  return format === 'rgb' || format === 'rgba' ? [0, 1, 2] : [2, 1, 0];
}

/** Bytes from the start of one row to the start of the next. */
export function rowStride(pixels: PixelBuffer): number {
  return pixels.stride ?? pixels.width * bytesPerPixel(pixels.format);
}

/** Whether an image is a source that scales itself, rather than a `PixelBuffer`. */
export function isRasterSource(image: ImageSource): image is RasterSource {
  return typeof (image as Partial<RasterSource>).rasterize === 'function';
}
