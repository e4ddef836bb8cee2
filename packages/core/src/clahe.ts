import type { ClaheOptions } from './settings.ts';
import type { PixelBuffer } from './types.ts';

/** Luma of ITU-R BT.601, 0–255. */
const luma = (r: number, g: number, b: number) => (r * 4899 + g * 9617 + b * 1868) >> 14;

/**
 * Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994) of the luma of packed RGB pixels, in place.
 * Each of `grid` × `grid` tiles has its own clipped histogram; between their centres the mappings are blended bilinearly. The three
 * channels move by the luma's difference, so that hue stays. Returns whether it was applied (see `belowLuma`).
 */
export function clahe(pixels: PixelBuffer, options: Required<ClaheOptions>): boolean {
  const data = pixels.data;
  const { width, height } = pixels;
  const y = new Uint8Array(width * height);
  let sum = 0;
  for (let i = 0, p = 0; i < y.length; i++, p += 3) sum += y[i] = luma(data[p]!, data[p + 1]!, data[p + 2]!);
  if (sum / y.length >= options.belowLuma) return false;

  const grid = Math.max(1, Math.min(options.grid, width, height));
  const maps = new Uint8Array(grid * grid * 256);
  const histogram = new Uint32Array(256);
  for (let ty = 0; ty < grid; ty++) {
    for (let tx = 0; tx < grid; tx++) {
      const [x0, x1] = [Math.floor((tx * width) / grid), Math.floor(((tx + 1) * width) / grid)];
      const [y0, y1] = [Math.floor((ty * height) / grid), Math.floor(((ty + 1) * height) / grid)];
      histogram.fill(0);
      for (let row = y0; row < y1; row++) for (let i = row * width + x0; i < row * width + x1; i++) histogram[y[i]!]!++;
      equalise(histogram, (x1 - x0) * (y1 - y0), options.clipLimit, maps.subarray(256 * (ty * grid + tx), 256 * (ty * grid + tx + 1)));
    }
  }

  for (let row = 0, i = 0; row < height; row++) {
    const fy = Math.min(Math.max(((row + 0.5) * grid) / height - 0.5, 0), grid - 1);
    const top = Math.floor(fy);
    const bottom = Math.min(top + 1, grid - 1);
    const v = fy - top;
    for (let column = 0; column < width; column++, i++) {
      const fx = Math.min(Math.max(((column + 0.5) * grid) / width - 0.5, 0), grid - 1);
      const left = Math.floor(fx);
      const right = Math.min(left + 1, grid - 1);
      const u = fx - left;
      const level = y[i]!;
      const above = maps[256 * (top * grid + left) + level]! * (1 - u) + maps[256 * (top * grid + right) + level]! * u;
      const below = maps[256 * (bottom * grid + left) + level]! * (1 - u) + maps[256 * (bottom * grid + right) + level]! * u;
      const change = Math.round(above * (1 - v) + below * v) - level;
      for (let p = 3 * i; p < 3 * i + 3; p++) data[p] = Math.min(Math.max(data[p]! + change, 0), 255);
    }
  }
  return true;
}

/** A histogram's cumulative mapping to 0–255, its bins cut at `clipLimit` × their mean and the cut spread over all. */
function equalise(histogram: Uint32Array, count: number, clipLimit: number, map: Uint8Array): void {
  const limit = Math.max((clipLimit * count) / 256, 1);
  let excess = 0;
  for (const n of histogram) if (n > limit) excess += n - limit;
  const share = excess / 256;
  let sum = 0;
  for (let level = 0; level < 256; level++) {
    sum += Math.min(histogram[level]!, limit) + share;
    map[level] = Math.min(Math.round((sum * 255) / count), 255);
  }
}
