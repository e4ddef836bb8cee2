import { bytesPerPixel, isRasterSource, rowStride, type ImageSource, type PixelBuffer } from '@facedet/core';
import { rasterizePasses, type Pass } from '@facedet/core/engine';
import { hasBitmap, type WebImageSource } from './image-source.ts';
import type { WebPass } from './worker-protocol.ts';

/** The passes of an image as they can be sent to a worker. What is moved there is added to `transfer`. */
export async function handOver(
  image: ImageSource,
  passes: readonly Pass[],
  transfer: Transferable[],
  signal: AbortSignal,
): Promise<WebPass[]> {
  if (hasBitmap(image)) return bitmaps(image, passes, transfer, signal);
  const made = await rasterizePasses(image, passes, signal);
  // Passes that share their pixels go on sharing them.
  const moved = new Map(made.map(({ pixels }) => [pixels, movable(pixels, isRasterSource(image), transfer)]));
  return made.map((item) => ({ ...item, pixels: moved.get(item.pixels)! }));
}

async function bitmaps(
  image: WebImageSource,
  passes: readonly Pass[],
  transfer: Transferable[],
  signal: AbortSignal,
): Promise<WebPass[]> {
  const result: WebPass[] = [];
  for (const pass of passes) {
    if (pass.from !== null) {
      result.push({ pass, bitmap: null });
      continue;
    }
    const { region } = pass;
    const whole = region.width === image.width && region.height === image.height;
    const bitmap = await image.bitmap(pass.width, pass.height, { ...(whole ? {} : { region }), signal });
    transfer.push(bitmap);
    result.push({ pass, bitmap });
  }
  return result;
}

/**
 * Pixels as they can be sent to a worker. What a source made for this call is handed over where it fills its memory; a
 * caller's own pixels, and a part of something larger, are copied; shared memory stays where it is.
 */
function movable(pixels: PixelBuffer, isMade: boolean, transfer: Transferable[]): PixelBuffer {
  const { width, height, format, stride, data } = pixels;
  // Only what the contract names: a video frame may carry methods, which cannot be sent.
  const plain = { width, height, format, ...(stride === undefined ? {} : { stride }) };
  const { buffer } = data;
  if (!(buffer instanceof ArrayBuffer)) return { ...plain, data };
  if (isMade && buffer.byteLength === data.byteLength && !transfer.includes(buffer)) {
    transfer.push(buffer);
    return { ...plain, data };
  }
  const size = rowStride(pixels) * (height - 1) + width * bytesPerPixel(format);
  const copy = new Uint8Array(data.subarray(0, size));
  transfer.push(copy.buffer);
  return { ...plain, data: copy };
}
