import { setImmediate as nextTurn } from 'node:timers/promises';
import { bytesPerPixel, isRasterSource, rowStride, type ImageSource, type PixelBuffer } from '@facedet/core';
import { derivedPixels, rasterizePasses, resizeInto, type Pass, type PassPixels } from '@facedet/core/engine';

/** Pixels on their way to another thread. */
export interface Handover {
  readonly passes: readonly PassPixels[];
  /** Memory that changes its owner. */
  readonly transfer: readonly ArrayBuffer[];
  /** The part of it that the other side should give back. */
  readonly reuse: readonly ArrayBuffer[];
}

/** Buffers that were used and may be used again: fresh memory costs several times the copy into it. */
export interface SpareBuffers {
  /** A buffer of at least `size` bytes. */
  take(size: number): ArrayBuffer;
  put(buffers: readonly ArrayBuffer[]): void;
}

/** Above this size, copying a caller's pixels would hold up its thread for longer than scaling them there. */
const MAX_COPY_BYTES = 32 * 1024 * 1024;

/**
 * Readies each pass's pixels for another thread. What a raster source makes is handed over as it is; plain pixels are
 * copied whole and scaled over there, or scaled here where they are very large; shared memory is sent as it is.
 */
export async function handOver(
  image: ImageSource,
  plan: readonly Pass[],
  spare: SpareBuffers,
  signal?: AbortSignal,
): Promise<Handover> {
  const transfer: ArrayBuffer[] = [];
  const reuse: ArrayBuffer[] = [];
  const copy = (pixels: PixelBuffer): PixelBuffer => {
    const size = byteLength(pixels);
    const buffer = spare.take(size);
    const data = new Uint8Array(buffer, 0, size);
    data.set(pixels.data.subarray(0, size));
    transfer.push(buffer);
    reuse.push(buffer);
    return plain(pixels, data);
  };

  if (isRasterSource(image)) {
    const passes = await rasterizePasses(image, plan, signal);
    // Passes that share their pixels go on sharing them.
    const moved = new Map(passes.map(({ pixels }) => [pixels, null as PixelBuffer | null]));
    for (const pixels of moved.keys()) moved.set(pixels, own(pixels, transfer) ?? copy(pixels));
    return { transfer, reuse, passes: passes.map((item) => ({ ...item, pixels: moved.get(item.pixels)! })) };
  }
  if (image.data.buffer instanceof SharedArrayBuffer) {
    const pixels = plain(image, image.data);
    return { transfer, reuse, passes: plan.map((pass) => ({ pass, pixels, crop: pass.region })) };
  }
  if (byteLength(image) <= MAX_COPY_BYTES) {
    const pixels = copy(image);
    return { transfer, reuse, passes: plan.map((pass) => ({ pass, pixels, crop: pass.region })) };
  }
  const passes: PassPixels[] = [];
  for (const pass of plan) {
    if (passes.length > 0) await nextTurn(); // many tiles would hold up the thread for long
    signal?.throwIfAborted();
    if (pass.from !== null) {
      passes.push(derivedPixels(pass, passes[pass.from]!));
      continue;
    }
    const size = pass.width * pass.height * 3;
    const buffer = spare.take(size);
    passes.push({
      pass,
      pixels: resizeInto(new Uint8Array(buffer, 0, size), image, pass, pass.region),
      crop: null,
    });
    transfer.push(buffer);
    reuse.push(buffer);
  }
  return { transfer, reuse, passes };
}

/** Keeps up to `most` buffers. */
export function spareBuffers(most: number): SpareBuffers {
  let kept: ArrayBuffer[] = [];
  return {
    take(size) {
      // Twice as large is near enough; a huge one would only be kept alive by small images.
      const at = kept.findIndex(({ byteLength }) => byteLength >= size && byteLength <= 2 * size);
      return at >= 0 ? kept.splice(at, 1)[0]! : new ArrayBuffer(size);
    },
    put(buffers) {
      kept = [...buffers, ...kept].slice(0, most);
    },
  };
}

/**
 * The pixels themselves where they fill their memory, which then is handed over; undefined where they are a part of
 * something.
 */
function own(pixels: PixelBuffer, transfer: ArrayBuffer[]): PixelBuffer | undefined {
  const { buffer, byteLength: used } = pixels.data;
  if (buffer instanceof SharedArrayBuffer) return plain(pixels, pixels.data);
  if (buffer.byteLength !== used || transfer.includes(buffer)) return undefined;
  transfer.push(buffer);
  return plain(pixels, pixels.data);
}

/** Only what the contract names: a frame of a video may carry things that can't be sent. */
function plain({ width, height, format, stride }: PixelBuffer, data: PixelBuffer['data']): PixelBuffer {
  // A plain view, whatever class (Buffer, …) the pixels came in.
  const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { data: view, width, height, format, ...(stride === undefined ? {} : { stride }) };
}

/** Bytes that the rows take, without what may lie behind the last. */
function byteLength(pixels: PixelBuffer): number {
  return rowStride(pixels) * (pixels.height - 1) + pixels.width * bytesPerPixel(pixels.format);
}
