import { bytesPerPixel, isRasterSource, rowStride, type ImageSource, type PixelBuffer } from '@facedet/core';
import { channelOffsets } from '@facedet/core/engine';

/** Cells of a thumbnail, whatever the picture's shape. */
export const COLUMNS = 48;
export const ROWS = 30;
export const CELLS = COLUMNS * ROWS;

/** Pixels read per cell and axis at most: a large picture costs no more than a small one. */
const SAMPLES = 2;
/** Size at which a picture is asked for where only its thumbnail is needed: two pixels per cell and axis. */
const ASKED = { width: 2 * COLUMNS, height: 2 * ROWS };
/** Local normalization: cells each way of the window. */
const RADIUS = 4;
/**
 * Added to the local standard deviation, so that noise on a plain wall does not become structure: this share of the
 * mean local deviation, within bounds. Structure then stays as it is when the picture is dimmed.
 */
const NOISE_FLOOR = { share: 0.18, least: 1, most: 5 };
/** Local standard deviation, of 255, up to which a cell is plain. */
const PLAIN = 3;
/** Steps of the stored structure per standard deviation. */
const STEPS = 32;

/** A picture as the test for shot cuts sees it. */
export interface Thumbnail {
  /** Mean red, green and blue of each of 48 × 30 cells, 0 to 255. */
  readonly rgb: Uint8Array;
  /**
   * Luma of each cell less its local mean, divided by its local deviation, in steps of 1/32: structure, whatever the
   * light.
   */
  readonly structure: Int8Array;
  /** Mean luma of 24 × 15 cells, 0 to 255. */
  readonly luma: Uint8Array;
  /** Standard deviation of luma, 0 to 255. */
  readonly deviation: number;
  /** Share of cells that are not plain, 0 to 1. */
  readonly texture: number;
}

/** The thumbnail of a picture's pixels. */
export function thumbnailOf(pixels: PixelBuffer): Thumbnail {
  return thumbnailOfCells(cellMeans(pixels));
}

/** The thumbnail of a source, which is asked for a small copy of its picture where it can scale. */
export async function thumbnailOfSource(image: ImageSource): Promise<Thumbnail> {
  return thumbnailOf(isRasterSource(image) ? await image.rasterize(ASKED.width, ASKED.height) : image);
}

/** Mean color of each cell, packed RGB. */
function cellMeans(pixels: PixelBuffer): Uint8Array {
  const { width, height, data, format } = pixels;
  const [red, green, blue] = channelOffsets(format);
  const xs = samplePositions(width, COLUMNS, bytesPerPixel(format));
  const ys = samplePositions(height, ROWS, rowStride(pixels));
  const perColumn = xs.length / COLUMNS;
  const perRow = ys.length / ROWS;
  const scale = 1 / (perColumn * perRow);
  const rgb = new Uint8Array(3 * CELLS);
  for (let row = 0, to = 0; row < ROWS; row++) {
    const end = (row + 1) * perRow;
    for (let column = 0, first = 0; column < COLUMNS; column++, first += perColumn, to += 3) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let j = row * perRow; j < end; j++) {
        const line = ys[j]!;
        for (let i = first; i < first + perColumn; i++) {
          const at = line + xs[i]!;
          r += data[at + red]!;
          g += data[at + green]!;
          b += data[at + blue]!;
        }
      }
      rgb[to] = r * scale + 0.5;
      rgb[to + 1] = g * scale + 0.5;
      rgb[to + 2] = b * scale + 0.5;
    }
  }
  return rgb;
}

/** Byte offsets of the pixels to read along an axis, the same number for each cell, evenly spread. */
function samplePositions(length: number, cells: number, step: number): Int32Array {
  const count = cells * Math.max(1, Math.min(SAMPLES, Math.round(length / cells)));
  const positions = new Int32Array(count);
  for (let i = 0; i < count; i++) positions[i] = step * Math.floor(((i + 0.5) * length) / count);
  return positions;
}

/** The thumbnail of cell means, packed RGB, which it keeps. */
export function thumbnailOfCells(rgb: Uint8Array): Thumbnail {
  const luma = new Float64Array(CELLS);
  for (let i = 0, at = 0; i < CELLS; i++, at += 3)
    luma[i] = 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
  const { sums, squares } = integralsOf(luma);
  const stride = COLUMNS + 1;
  // Local means and deviations first: their mean sets the noise floor.
  const means = new Float64Array(CELLS);
  const deviations = new Float64Array(CELLS);
  let meanDeviation = 0;
  let texture = 0;
  for (let y = 0, at = 0; y < ROWS; y++) {
    const top = Math.max(0, y - RADIUS) * stride;
    const bottom = Math.min(ROWS, y + RADIUS + 1) * stride;
    const rows = (bottom - top) / stride;
    for (let x = 0; x < COLUMNS; x++, at++) {
      const left = Math.max(0, x - RADIUS);
      const right = Math.min(COLUMNS, x + RADIUS + 1);
      const scale = 1 / (rows * (right - left));
      // Sums over the window, from the four corners of the integral images.
      const sum = sums[bottom + right]! - sums[bottom + left]! - sums[top + right]! + sums[top + left]!;
      const square = squares[bottom + right]! - squares[bottom + left]! - squares[top + right]! + squares[top + left]!;
      const mean = sum * scale;
      const deviation = Math.sqrt(Math.max(0, square * scale - mean * mean));
      means[at] = mean;
      deviations[at] = deviation;
      meanDeviation += deviation;
      if (deviation > PLAIN) texture++;
    }
  }
  meanDeviation /= CELLS;
  const floor = Math.min(NOISE_FLOOR.most, Math.max(NOISE_FLOOR.least, NOISE_FLOOR.share * meanDeviation));
  const structure = new Int8Array(CELLS);
  for (let at = 0; at < CELLS; at++) {
    const value = (STEPS * (luma[at]! - means[at]!)) / (deviations[at]! + floor);
    const size = Math.min(127, Math.abs(value) + 0.5) | 0;
    structure[at] = value < 0 ? -size : size;
  }
  const last = ROWS * stride + COLUMNS;
  const mean = sums[last]! / CELLS;
  const deviation = Math.sqrt(Math.max(0, squares[last]! / CELLS - mean * mean));
  return { rgb, structure, luma: coarse(luma), deviation, texture: texture / CELLS };
}

/** Integral images of values and of their squares: the sum over any window takes four reads. */
function integralsOf(values: Float64Array): { sums: Float64Array; squares: Float64Array } {
  const stride = COLUMNS + 1;
  const sums = new Float64Array(stride * (ROWS + 1));
  const squares = new Float64Array(stride * (ROWS + 1));
  for (let y = 0, from = 0; y < ROWS; y++) {
    let sum = 0;
    let square = 0;
    for (let x = 0; x < COLUMNS; x++, from++) {
      const value = values[from]!;
      sum += value;
      square += value * value;
      const at = (y + 1) * stride + x + 1;
      sums[at] = sums[at - stride]! + sum;
      squares[at] = squares[at - stride]! + square;
    }
  }
  return { sums, squares };
}

/** The mean of each 2 × 2 cells. */
function coarse(luma: Float64Array): Uint8Array {
  const result = new Uint8Array(CELLS / 4);
  for (let y = 0, to = 0; y < ROWS; y += 2) {
    for (let x = 0; x < COLUMNS; x += 2, to++) {
      const at = y * COLUMNS + x;
      result[to] = (luma[at]! + luma[at + 1]! + luma[at + COLUMNS]! + luma[at + COLUMNS + 1]!) / 4 + 0.5;
    }
  }
  return result;
}
