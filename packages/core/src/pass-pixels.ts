import { FaceDetError } from '@facedet/checks';
import { checkRaster } from './check-image.ts';
import type { Pass, PassPixels } from './pass.ts';
import { isRasterSource } from './pixels.ts';
import type { ImageSource, PixelBuffer } from './types.ts';

/**
 * Gets the pixels of each pass: a raster source scales itself, plain pixels are passed on as they are. Rejects with the
 * signal's reason, and with `INVALID_IMAGE` if a raster source returns other pixels than requested.
 */
export async function rasterizePasses(
  image: ImageSource,
  passes: readonly Pass[],
  signal?: AbortSignal,
): Promise<PassPixels[]> {
  if (!isRasterSource(image)) return passes.map((pass) => ({ pass, pixels: image, crop: pass.region }));
  const result: PassPixels[] = [];
  for (const pass of passes) {
    signal?.throwIfAborted();
    if (pass.from !== null) {
      result.push(derivedPixels(pass, result[pass.from]!));
      continue;
    }
    const { region } = pass;
    const isWhole = region.x === 0 && region.y === 0 && region.width === image.width && region.height === image.height;
    const pixels = await image.rasterize(pass.width, pass.height, {
      ...(isWhole ? {} : { region }),
      ...(signal ? { signal } : {}),
    });
    checkRaster(pixels, pass.width, pass.height);
    if (result.some((earlier) => earlier.pass.from === null && isSameMemory(earlier.pixels, pixels))) {
      throw new FaceDetError(
        'INVALID_IMAGE',
        `Expected pixels in memory of their own from each rasterize() but received ${pass.width} × ${pass.height} ` +
          'pixels written over earlier ones of the same call; return a new array each time.',
      );
    }
    result.push({ pass, pixels, crop: null });
  }
  return result;
}

/**
 * Whether packed pixels start at the same byte as others. Parts of a decoded image may share its memory: they have
 * strides.
 */
function isSameMemory(a: PixelBuffer, b: PixelBuffer): boolean {
  if (a.stride !== undefined || b.stride !== undefined) return false;
  return a.data.buffer === b.data.buffer && a.data.byteOffset === b.data.byteOffset;
}

/** Gives a pass the pixels of another pass over the same region, so that the source scales only once. */
export function derivedPixels(pass: Pass, { pixels, crop }: PassPixels): PassPixels {
  return { pass, pixels, crop: crop ?? { x: 0, y: 0, width: pixels.width, height: pixels.height } };
}
