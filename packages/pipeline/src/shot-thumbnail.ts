import { bytesPerPixel, channelOffsets, rowStride, type PixelBuffer } from '@facedet/core';

/** Cells of a thumbnail, whatever the picture's shape. */
export const COLUMNS = 48;
export const ROWS = 30;
export const CELLS = COLUMNS * ROWS;

/** At most this many pixels are read per cell and axis: a large picture costs no more than a small one. */
const SAMPLES = 4;
/** Local normalization: side of the window is 2 × 4 + 1 cells. */
const RADIUS = 4;
/** Added to the local standard deviation (of 255), so that noise on a plain wall does not become structure. */
const NOISE_FLOOR = 5;
/** Normalized luma is stored in steps of 1 / 32. */
const STEPS = 32;

/** What the shot cut test reads of a picture. */
export interface Thumbnail {
  /** Mean red, green and blue of each cell, 0 to 255. */
  readonly rgb: Uint8Array;
  /** Luma less its local mean, divided by its local deviation, in steps of 1/32: structure, whatever the light. */
  readonly structure: Int8Array;
  /** Mean and standard deviation of luma, 0 to 255. */
  readonly mean: number;
  readonly deviation: number;
}

/** Averages a picture into cells. */
export function thumbnailOf(pixels: PixelBuffer): Thumbnail {
  return describeCells(cellMeans(pixels));
}

/** Mean colour of each cell, packed RGB. */
export function cellMeans(pixels: PixelBuffer): Uint8Array {
  const { width, height, data, format } = pixels;
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const [red, green, blue] = channelOffsets(format);
  const xs = samplePositions(width, COLUMNS);
  const ys = samplePositions(height, ROWS);
  const nx = xs.length / COLUMNS;
  const ny = ys.length / ROWS;
  const rgb = new Uint8Array(3 * CELLS);
  const scale = 1 / (nx * ny);
  let to = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      let [r, g, b] = [0, 0, 0];
      for (let j = row * ny; j < (row + 1) * ny; j++) {
        const line = ys[j]! * stride;
        for (let i = column * nx; i < (column + 1) * nx; i++) {
          const at = line + xs[i]! * step;
          r += data[at + red]!;
          g += data[at + green]!;
          b += data[at + blue]!;
        }
      }
      rgb[to++] = r * scale + 0.5;
      rgb[to++] = g * scale + 0.5;
      rgb[to++] = b * scale + 0.5;
    }
  }
  return rgb;
}

/** Pixel indices to read along an axis, the same number for each cell, evenly spread. */
function samplePositions(length: number, cells: number): Int32Array {
  const count = Math.max(1, Math.min(SAMPLES, Math.round(length / cells)));
  return Int32Array.from({ length: cells * count }, (_, i) => Math.min(length - 1, Math.floor(((i + 0.5) * length) / (cells * count))));
}

const lumaBuffer = new Float64Array(CELLS);
const sums = new Float64Array((COLUMNS + 1) * (ROWS + 1));
const squares = new Float64Array((COLUMNS + 1) * (ROWS + 1));

/** Structure and light of cell means. */
export function describeCells(rgb: Uint8Array): Thumbnail {
  const luma = lumaBuffer;
  for (let i = 0, at = 0; i < CELLS; i++, at += 3) luma[i] = 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
  // Integral images: the mean and deviation of any window in four reads each.
  const wide = COLUMNS + 1;
  for (let y = 0; y < ROWS; y++) {
    let [sum, square] = [0, 0];
    for (let x = 0; x < COLUMNS; x++) {
      const value = luma[y * COLUMNS + x]!;
      sum += value;
      square += value * value;
      const at = (y + 1) * wide + x + 1;
      sums[at] = sums[at - wide]! + sum;
      squares[at] = squares[at - wide]! + square;
    }
  }
  const structure = new Int8Array(CELLS);
  for (let y = 0; y < ROWS; y++) {
    const top = Math.max(0, y - RADIUS) * wide;
    const bottom = Math.min(ROWS, y + RADIUS + 1) * wide;
    const rows = (bottom - top) / wide;
    for (let x = 0; x < COLUMNS; x++) {
      const left = Math.max(0, x - RADIUS);
      const right = Math.min(COLUMNS, x + RADIUS + 1);
      const count = rows * (right - left);
      const mean = (sums[bottom + right]! - sums[bottom + left]! - sums[top + right]! + sums[top + left]!) / count;
      const square = (squares[bottom + right]! - squares[bottom + left]! - squares[top + right]! + squares[top + left]!) / count;
      const deviation = Math.sqrt(Math.max(0, square - mean * mean));
      const value = Math.round((STEPS * (luma[y * COLUMNS + x]! - mean)) / (deviation + NOISE_FLOOR));
      structure[y * COLUMNS + x] = Math.max(-127, Math.min(127, value));
    }
  }
  const last = ROWS * wide + COLUMNS;
  const mean = sums[last]! / CELLS;
  return { rgb, structure, mean, deviation: Math.sqrt(Math.max(0, squares[last]! / CELLS - mean * mean)) };
}
