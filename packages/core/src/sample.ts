import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import type { PixelBuffer } from './types.ts';

/** The affine map x = xx · X + xy · Y + x0 and y = yx · X + yy · Y + y0 of a position X, Y. */
export interface AffineMap {
  readonly xx: number;
  readonly xy: number;
  readonly x0: number;
  readonly yx: number;
  readonly yy: number;
  readonly y0: number;
}

/** Pixels to sample from: the columns `left` to `right` and the rows `top` to `bottom`, the last ones included. */
export interface SampledPart {
  readonly pixels: PixelBuffer;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Fills `target` (packed RGB) with samples of a part of other pixels: bilinear, without anti-aliasing, black outside
 * the part. `map` leads from positions in the target to positions in `part.pixels`; pixel centers are at + 0.5 in both.
 */
export function sampleAffine({ pixels, left, top, right, bottom }: SampledPart, map: AffineMap, target: PixelBuffer) {
  const { xx, xy, x0, yx, yy, y0 } = map;
  const { data } = pixels;
  const { data: into, width, height } = target;
  const step = bytesPerPixel(pixels.format);
  const stride = rowStride(pixels);
  const [red, green, blue] = channelOffsets(pixels.format);
  let to = 0;
  for (let row = 0; row < height; row++) {
    const Y = row + 0.5;
    for (let column = 0; column < width; column++, to += 3) {
      const X = column + 0.5;
      const x = xx * X + xy * Y + x0 - 0.5;
      const y = yx * X + yy * Y + y0 - 0.5;
      if (x < left - 0.5 || y < top - 0.5 || x > right + 0.5 || y > bottom + 0.5) {
        into[to] = into[to + 1] = into[to + 2] = 0;
        continue;
      }
      const clampedX = Math.min(Math.max(x, left), right);
      const clampedY = Math.min(Math.max(y, top), bottom);
      const column0 = Math.floor(clampedX);
      const row0 = Math.floor(clampedY);
      const u = clampedX - column0;
      const v = clampedY - row0;
      const tl = row0 * stride + column0 * step;
      const tr = column0 < right ? tl + step : tl;
      const below = row0 < bottom ? stride : 0;
      const bl = tl + below;
      const br = tr + below;
      const a = (1 - u) * (1 - v);
      const b = u * (1 - v);
      const c = (1 - u) * v;
      const d = u * v;
      into[to] = data[tl + red]! * a + data[tr + red]! * b + data[bl + red]! * c + data[br + red]! * d + 0.5;
      into[to + 1] =
        data[tl + green]! * a + data[tr + green]! * b + data[bl + green]! * c + data[br + green]! * d + 0.5;
      into[to + 2] = data[tl + blue]! * a + data[tr + blue]! * b + data[bl + blue]! * c + data[br + blue]! * d + 0.5;
    }
  }
  return target;
}
