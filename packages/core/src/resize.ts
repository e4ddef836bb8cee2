import { FaceDetError, invalidArgument } from '@facedet/checks';
import { checkOutputSize, checkPixels, checkRegion, MAX_BYTES } from './check-image.ts';
import type { Size } from './letterbox.ts';
import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import type { Box, PixelBuffer } from './types.ts';

/** The sampled part of an axis: `length` from `start`, of `limit` source positions that are `step` bytes apart. */
export interface AxisSpan {
  readonly start: number;
  readonly length: number;
  readonly limit: number;
  readonly step: number;
}

/** Sampling positions along one axis: two neighbors (already × their step in bytes) and the weight of the second. */
export interface AxisTable {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/**
 * The `count` sampling positions of OpenCV's INTER_LINEAR along an axis: pixel centers are at + 0.5, `from = start +
 * (to + 0.5) · length / count − 0.5`, and positions beyond the edge repeat the edge's pixel. There is no anti-aliasing:
 * two neighbors per axis, however small the result. Throws `INVALID_IMAGE` if the source has 2 GiB of pixels or more.
 */
export function axisTable({ start, length, limit, step }: AxisSpan, count: number): AxisTable {
  if (limit * step > MAX_BYTES) {
    throw new FaceDetError(
      'INVALID_IMAGE',
      `Expected at most ${MAX_BYTES} bytes of pixels but received ${limit * step}; ` +
        'scale the image down while it is decoded.',
    );
  }
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const weight = new Float32Array(count);
  const scale = length / count;
  for (let i = 0; i < count; i++) {
    const position = Math.min(Math.max(start + (i + 0.5) * scale - 0.5, 0), limit - 1);
    // The last pixel is the second of a pair with all the weight, so that the second is always the next pixel.
    const floor = Math.min(Math.floor(position), Math.max(limit - 2, 0));
    low[i] = floor * step;
    high[i] = Math.min(floor + 1, limit - 1) * step;
    weight[i] = position - floor;
  }
  return { low, high, weight };
}

/**
 * Scales an image, or `region` of it in source pixels, to `width` × `height` packed RGB: bilinear with half-pixel
 * centers and without anti-aliasing, as OpenCV's `resize`, rounded to 8 bits. Alpha is ignored. A region may extend
 * beyond the edges, whose pixels are then repeated.
 *
 * @throws FaceDetError `INVALID_IMAGE` for a source with a wrong format, stride or number of bytes; `INVALID_ARGUMENT`
 * for a size that is not two positive integers or a region that is not finite or has no area.
 */
export function resizeBilinear(source: PixelBuffer, width: number, height: number, region?: Box): PixelBuffer {
  checkPixels(source);
  checkOutputSize(width, height);
  if (region !== undefined) checkRegion(region);
  return resample(new Uint8Array(width * height * 3), source, { width, height }, region);
}

/**
 * As `resizeBilinear`, but writes the pixels to memory that the caller reuses: at least `width` × `height` × 3 bytes
 * that share nothing with the source. The result's `data` is `target` itself; bytes after the pixels are unchanged.
 *
 * @throws FaceDetError as `resizeBilinear`, and `INVALID_ARGUMENT` for a target that is too short, of another type or
 * part of the source.
 */
export function resizeInto(
  target: Uint8Array,
  source: PixelBuffer,
  { width, height }: { readonly width: number; readonly height: number },
  region?: Box,
): PixelBuffer {
  checkPixels(source);
  checkOutputSize(width, height);
  if (region !== undefined) checkRegion(region);
  checkTarget(target, width * height * 3, source.data);
  return resample(target, source, { width, height }, region);
}

function resample(target: Uint8Array, source: PixelBuffer, { width, height }: Size, region?: Box): PixelBuffer {
  const { x: left, y: top, ...span } = region ?? { x: 0, y: 0, width: source.width, height: source.height };
  const step = bytesPerPixel(source.format);
  const stride = rowStride(source);
  const [red, green, blue] = channelOffsets(source.format);
  const from = source.data;
  const columns = axisTable({ start: left, length: span.width, limit: source.width, step }, width);
  const rows = axisTable({ start: top, length: span.height, limit: source.height, step: stride }, height);
  const { low, high, weight } = columns;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = rows.low[y]!;
    const lower = rows.high[y]!;
    const v = rows.weight[y]!;
    for (let x = 0; x < width; x++) {
      const l = low[x]!;
      const h = high[x]!;
      const u = weight[x]!;
      const a = (1 - u) * (1 - v);
      const b = u * (1 - v);
      const c = (1 - u) * v;
      const d = u * v;
      const tl = upper + l;
      const tr = upper + h;
      const bl = lower + l;
      const br = lower + h;
      target[to] = from[tl + red]! * a + from[tr + red]! * b + from[bl + red]! * c + from[br + red]! * d + 0.5;
      target[to + 1] =
        from[tl + green]! * a + from[tr + green]! * b + from[bl + green]! * c + from[br + green]! * d + 0.5;
      target[to + 2] = from[tl + blue]! * a + from[tr + blue]! * b + from[bl + blue]! * c + from[br + blue]! * d + 0.5;
      to += 3;
    }
  }
  return { data: target, width, height, format: 'rgb' };
}

/** A `Uint8ClampedArray` would round samples that are rounded already; memory of the source would change while read. */
function checkTarget(target: Uint8Array, needed: number, source: PixelBuffer['data']): void {
  if (!(target instanceof Uint8Array) || target.length < needed)
    throw invalidArgument(
      `a Uint8Array of at least ${needed} bytes for the target`,
      target,
      'use resizeBilinear for a new array',
    );
  const overlaps =
    target.buffer === source.buffer &&
    target.byteOffset < source.byteOffset + source.byteLength &&
    source.byteOffset < target.byteOffset + needed;
  if (overlaps)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a target with memory of its own but received one that overlaps the source; pass another array.',
    );
}
