import { FaceDetError, received } from '@facedet/checks';
import { checkPixels, checkRegion, checkSize, MAX_BYTES } from './check-pixels.ts';
import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import type { Box, PixelBuffer } from './types.ts';

/** Sampling positions along one axis: two neighbours (already × their step in bytes) and the weight of the second. */
export interface AxisTable {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/**
 * Positions of OpenCV's INTER_LINEAR: pixel centers lie at + 0.5, `from = start + (to + 0.5) · length / count − 0.5`,
 * and what reaches over the edge repeats the edge's pixel. There is no anti-aliasing: two neighbours an axis, however
 * small the result. Throws `INVALID_IMAGE` where the source has 2 GiB of pixels or more.
 */
export function axisTable(start: number, length: number, count: number, limit: number, step: number): AxisTable {
  if (limit * step > MAX_BYTES) {
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected at most ${MAX_BYTES} bytes of pixels but received ${limit * step}; ` +
        'scale the picture down while it is decoded.',
    );
  }
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const weight = new Float32Array(count);
  const scale = length / count;
  for (let i = 0; i < count; i++) {
    const position = Math.min(Math.max(start + (i + 0.5) * scale - 0.5, 0), limit - 1);
    // The last pixel is the second of a pair with all the weight, so that the second always follows the first.
    const floor = Math.min(Math.floor(position), Math.max(limit - 2, 0));
    low[i] = floor * step;
    high[i] = Math.min(floor + 1, limit - 1) * step;
    weight[i] = position - floor;
  }
  return { low, high, weight };
}

/**
 * Scales `region` of `source` (by default all of it) to `width` × `height` packed RGB, bilinear with half-pixel centers
 * and without anti-aliasing, as OpenCV's `resize` does, rounded to 8 bits. Alpha is ignored. A region is in source
 * pixels; where it reaches over the edges, their pixels are repeated.
 *
 * `into` receives the pixels instead of a new array, to save the allocation per frame: a `Uint8Array` of at least
 * `width` × `height` × 3 bytes that shares no memory with the source. The result's `data` is then `into` itself, with
 * whatever is behind those bytes unchanged.
 *
 * @throws FaceDetError `INVALID_IMAGE` for a source with a wrong format, stride or number of bytes; `INVALID_ARGUMENT`
 * for a size that is not two positive integers, a region that is not finite or has no area, or an `into` that is too
 * short, of another type or part of the source.
 */
export function resizeBilinear(
  source: PixelBuffer,
  width: number,
  height: number,
  region?: Box,
  into?: Uint8Array,
): PixelBuffer {
  checkPixels(source);
  checkSize(width, height);
  if (region !== undefined) checkRegion(region);
  if (into !== undefined) checkTarget(into, width * height * 3, source.data);
  const data = into ?? new Uint8Array(width * height * 3);
  const step = bytesPerPixel(source.format);
  const [red, green, blue] = channelOffsets(source.format);
  const from = source.data;
  const { low, high, weight } = axisTable(region?.x ?? 0, region?.width ?? source.width, width, source.width, step);
  const rows = axisTable(region?.y ?? 0, region?.height ?? source.height, height, source.height, rowStride(source));
  let to = 0;
  for (let y = 0; y < height; y++) {
    const top = rows.low[y]!;
    const bottom = rows.high[y]!;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const l = low[x]!;
      const h = high[x]!;
      const u = weight[x]!;
      const a = (1 - u) * (1 - v);
      const b = u * (1 - v);
      const c = (1 - u) * v;
      const d = u * v;
      const tl = top + l;
      const tr = top + h;
      const bl = bottom + l;
      const br = bottom + h;
      data[to] = from[tl + red]! * a + from[tr + red]! * b + from[bl + red]! * c + from[br + red]! * d + 0.5;
      data[to + 1] =
        from[tl + green]! * a + from[tr + green]! * b + from[bl + green]! * c + from[br + green]! * d + 0.5;
      data[to + 2] = from[tl + blue]! * a + from[tr + blue]! * b + from[bl + blue]! * c + from[br + blue]! * d + 0.5;
      to += 3;
    }
  }
  return { data, width, height, format: 'rgb' };
}

/** A `Uint8ClampedArray` would round what is rounded already; memory of the source would change while it is read. */
function checkTarget(into: Uint8Array, needed: number, source: PixelBuffer['data']): void {
  if (!(into instanceof Uint8Array) || into.length < needed) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a Uint8Array of at least ${needed} bytes for into but received ${received(into)}; ` +
        'leave it out to get a new array.',
    );
  }
  const shared =
    into.buffer === source.buffer &&
    into.byteOffset < source.byteOffset + source.byteLength &&
    source.byteOffset < into.byteOffset + needed;
  if (shared)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected an into with memory of its own but it overlaps the source; pass another array.',
    );
}
