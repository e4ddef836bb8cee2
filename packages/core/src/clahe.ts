import { checkOptionNames, invalidArgument } from '@facedet/checks';
import { checkPixels } from './check-image.ts';
import type { ClaheOptions } from './options.ts';
import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import type { PixelBuffer } from './types.ts';

const DEFAULTS: Required<ClaheOptions> = { clipLimit: 2, grid: 8, belowLuma: 256 };
/** With more tiles than this, each has too few pixels for a histogram, and their mappings would take gigabytes. */
const MAX_GRID = 256;

/**
 * Fills in the defaults of `clahe`'s options; undefined means the default. In messages, `prefix` precedes an option's
 * name.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown name or a value out of range.
 */
export function claheSettings(options: ClaheOptions = {}, prefix = 'clahe.'): Required<ClaheOptions> {
  checkOptionNames(options, Object.keys(DEFAULTS), prefix, "clahe's options");
  const { clipLimit = DEFAULTS.clipLimit, grid = DEFAULTS.grid, belowLuma = DEFAULTS.belowLuma } = options;
  const check = (valid: boolean, name: keyof ClaheOptions, expected: string, value: unknown) => {
    if (!valid) throw invalidArgument(`${expected} for ${prefix}${name}`, value, `the default is ${DEFAULTS[name]}`);
  };
  check(typeof clipLimit === 'number' && clipLimit >= 1, 'clipLimit', 'a number of at least 1', clipLimit);
  check(Number.isInteger(grid) && grid >= 1 && grid <= MAX_GRID, 'grid', `an integer from 1 to ${MAX_GRID}`, grid);
  check(typeof belowLuma === 'number' && belowLuma >= 0, 'belowLuma', 'a number of at least 0', belowLuma);
  return { clipLimit, grid, belowLuma };
}

/** Luma of ITU-R BT.601, 0–255. */
const luma = (r: number, g: number, b: number) => (r * 4899 + g * 9617 + b * 1868) >> 14;

/**
 * Equalizes the local contrast of pixels in place (contrast-limited adaptive histogram equalization, Zuiderveld,
 * Graphics Gems IV, 1994). Each of `grid` × `grid` tiles has a clipped histogram of its luma; between the tile centers,
 * their mappings are interpolated bilinearly. All color channels change by the luma's difference, which keeps the hue;
 * alpha and the bytes between rows are unchanged. Returns whether it was applied (see `belowLuma`).
 *
 * @throws FaceDetError `INVALID_IMAGE` for pixels with a wrong format, stride or number of bytes; `INVALID_ARGUMENT`
 * for an unknown option or a value out of range. The pixels are then unchanged.
 */
export function clahe(pixels: PixelBuffer, options?: ClaheOptions): boolean {
  checkPixels(pixels);
  const { clipLimit, grid: maxGrid, belowLuma } = claheSettings(options, '');
  const { width, height } = pixels;
  const lumas = new Uint8Array(width * height);
  if (readLuma(pixels, lumas) >= belowLuma) return false;
  const grid = Math.min(maxGrid, width, height);
  applyMappings(pixels, lumas, tileMappings(lumas, pixels, grid, clipLimit), grid);
  return true;
}

/** Writes the luma of each pixel; returns their mean. */
function readLuma(pixels: PixelBuffer, lumas: Uint8Array): number {
  const { data, width, height, format } = pixels;
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const [red, green, blue] = channelOffsets(format);
  let sum = 0;
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0, p = row * stride; column < width; column++, i++, p += step)
      sum += lumas[i] = luma(data[p + red]!, data[p + green]!, data[p + blue]!);
  }
  return sum / lumas.length;
}

/** The mapping of each tile, 256 levels each, row by row. */
function tileMappings(
  lumas: Uint8Array,
  { width, height }: Pick<PixelBuffer, 'width' | 'height'>,
  grid: number,
  clipLimit: number,
): Uint8Array {
  const mappings = new Uint8Array(grid * grid * 256);
  const histogram = new Uint32Array(256);
  for (let tile = 0; tile < grid * grid; tile++) {
    const [tileX, tileY] = [tile % grid, Math.floor(tile / grid)];
    const [x0, x1] = [Math.floor((tileX * width) / grid), Math.floor(((tileX + 1) * width) / grid)];
    const [y0, y1] = [Math.floor((tileY * height) / grid), Math.floor(((tileY + 1) * height) / grid)];
    histogram.fill(0);
    for (let row = y0; row < y1; row++)
      for (let i = row * width + x0; i < row * width + x1; i++) histogram[lumas[i]!]!++;
    equalize(histogram, (x1 - x0) * (y1 - y0), clipLimit, mappings.subarray(256 * tile, 256 * (tile + 1)));
  }
  return mappings;
}

/** Changes each pixel by the interpolated mapping of the tiles around it. */
function applyMappings(pixels: PixelBuffer, lumas: Uint8Array, mappings: Uint8Array, grid: number): void {
  const { data, width, height, format } = pixels;
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const channels = format === 'gray' ? 1 : 3; // the first three bytes of BGR and RGB alike
  for (let row = 0, i = 0; row < height; row++) {
    const fy = Math.min(Math.max(((row + 0.5) * grid) / height - 0.5, 0), grid - 1);
    const top = Math.floor(fy);
    const bottom = Math.min(top + 1, grid - 1);
    const v = fy - top;
    for (let column = 0, at = row * stride; column < width; column++, i++, at += step) {
      const fx = Math.min(Math.max(((column + 0.5) * grid) / width - 0.5, 0), grid - 1);
      const left = Math.floor(fx);
      const right = Math.min(left + 1, grid - 1);
      const u = fx - left;
      const level = lumas[i]!;
      const above =
        mappings[256 * (top * grid + left) + level]! * (1 - u) + mappings[256 * (top * grid + right) + level]! * u;
      const below =
        mappings[256 * (bottom * grid + left) + level]! * (1 - u) +
        mappings[256 * (bottom * grid + right) + level]! * u;
      const change = Math.round(above * (1 - v) + below * v) - level;
      for (let p = at; p < at + channels; p++) data[p] = Math.min(Math.max(data[p]! + change, 0), 255);
    }
  }
}

/**
 * The cumulative mapping of a histogram of `count` pixels to 0–255; bins are clipped at `clipLimit` × their mean and
 * the excess is spread over all.
 */
function equalize(histogram: Uint32Array, count: number, clipLimit: number, mapping: Uint8Array): void {
  const limit = Math.max((clipLimit * count) / 256, 1);
  let excess = 0;
  for (const n of histogram) if (n > limit) excess += n - limit;
  const share = excess / 256;
  let sum = 0;
  for (let level = 0; level < 256; level++) {
    sum += Math.min(histogram[level]!, limit) + share;
    mapping[level] = Math.min(Math.round((sum * 255) / count), 255);
  }
}
