import { checkOptionNames } from '@facedet/checks';
import type { Box, PixelBuffer } from '@facedet/core';
import { checkColor, expectThat } from './check.ts';
import { boundsOf, spanOf, type Region } from './region.ts';
import { sampleOf, surfaceOfPixels, type Plane, type Surface } from './surface.ts';
import type { AnonymizeOptions, Rgb } from './types.ts';

// Share of masked faces that SCRFD still detects (528 faces of 62 WIDER and group pictures, score ≥ 0.5): two of three
// with 7 cells along the shorter side, 1 of 40 with 3, and 1 of 75, all small, with these values. Mosaic tiles show the
// same smooth field, so they mask as well.
const CELLS = 2;
const CONTRAST = 0.4;
const TILES_PER_CELL = 3;

const BLACK: Rgb = [0, 0, 0];
const EFFECTS: readonly unknown[] = ['blur', 'pixelate', 'solid', 'image'];

const NAMES: readonly (keyof AnonymizeOptions)[] = ['effect', 'color', 'image', 'shape', 'margin', 'keepIds'];

/** Throws `INVALID_ARGUMENT` for an effect that isn't known or lacks what it needs. */
export function checkEffect(options: AnonymizeOptions): void {
  checkOptionNames(options, NAMES);
  const { effect = 'blur', color = BLACK, image } = options;
  expectThat(
    EFFECTS.includes(effect),
    "'blur', 'pixelate', 'solid' or 'image' for effect",
    effect,
    'leave it out for blur',
  );
  checkColor(color, 'color');
  if (effect === 'image') surfaceOfPixels(image!, 'image');
}

/** Masks one region of a picture, in place. */
export function hideRegion(surface: Surface, region: Region, options: AnonymizeOptions): void {
  const { effect = 'blur', color = BLACK, image } = options;
  for (const plane of surface.planes) {
    if (effect === 'solid') fillRegion(plane, region, Math.round(sampleOf(plane, color)));
    else averageRegion(plane, region, effect !== 'pixelate');
  }
  if (effect === 'image') coverRegion(surface, region, image!);
}

function fillRegion(plane: Plane, region: Region, sample: number): void {
  const { data, offset, step, stride } = plane;
  forEachSpan(plane, region, (y, from, to) => {
    for (let x = from, at = offset + y * stride + from * step; x < to; x++, at += step) data[at] = sample;
  });
}

/**
 * Replaces the region by a smooth field: the means of a very coarse grid of cells, their contrast lowered, joined by
 * quadratic B-splines. Only about 2 × 3 numbers per channel are left of a face: too few to restore it.
 */
function averageRegion(plane: Plane, region: Region, smooth: boolean): void {
  const { x0, x1, y0, y1 } = boundsOf(region, plane);
  const area: Box = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  const { width, height } = area;
  if (width <= 0 || height <= 0) return;
  const cell = Math.max(1, Math.min(region.box.width, region.box.height) / CELLS);
  const count = (length: number, scale: number, finer: number) =>
    Math.max(1, Math.min(length, Math.round((finer * length) / (cell * scale))));
  const [columns, rows] = [count(width, plane.scaleX, 1), count(height, plane.scaleY, 1)];
  const means = cellMeans(plane, area, { columns, rows });
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  for (let i = 0; i < means.length; i++) means[i] = mean + (means[i]! - mean) * CONTRAST;
  const across = smooth ? splines(width, columns) : tiles(width, count(width, plane.scaleX, TILES_PER_CELL), columns);
  const down = smooth ? splines(height, rows) : tiles(height, count(height, plane.scaleY, TILES_PER_CELL), rows);
  writeField(plane, region, { x: x0, y: y0, across, down, means, columns });
}

/** The mean of each cell of an area, row by row. */
function cellMeans(
  { data, offset, step, stride }: Plane,
  { x: x0, y: y0, width, height }: Box,
  { columns, rows }: { columns: number; rows: number },
): Float32Array {
  const means = new Float32Array(columns * rows);
  const edges = Int32Array.from({ length: columns + 1 }, (_, i) => Math.floor((i * width) / columns));
  for (let row = 0; row < rows; row++) {
    const top = Math.floor((row * height) / rows);
    const bottom = Math.floor(((row + 1) * height) / rows);
    for (let column = 0; column < columns; column++) {
      const [left, right] = [edges[column]!, edges[column + 1]!];
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        let at = offset + (y0 + y) * stride + (x0 + left) * step;
        for (let x = left; x < right; x++, at += step) sum += data[at]!;
      }
      means[row * columns + column] = sum / ((bottom - top) * (right - left));
    }
  }
  return means;
}

interface Splines {
  readonly indices: Int32Array;
  readonly weights: Float32Array;
}

/** The means of a grid of cells and how samples are interpolated between them. */
interface Field {
  /** First sample of the grid. */
  readonly x: number;
  readonly y: number;
  readonly across: Splines;
  readonly down: Splines;
  readonly means: Float32Array;
  readonly columns: number;
}

function writeField(plane: Plane, region: Region, field: Field): void {
  const { x: x0, y: y0, across, down, means, columns } = field;
  const { data, offset, step, stride } = plane;
  const { indices, weights } = across;
  const line = new Float32Array(columns);
  forEachSpan(plane, region, (y, from, to) => {
    const r = 3 * (y - y0);
    const [above, middle, below] = [
      down.indices[r]! * columns,
      down.indices[r + 1]! * columns,
      down.indices[r + 2]! * columns,
    ];
    const [wa, wm, wb] = [down.weights[r]!, down.weights[r + 1]!, down.weights[r + 2]!];
    for (let i = 0; i < columns; i++)
      line[i] = wa * means[above + i]! + wm * means[middle + i]! + wb * means[below + i]!;
    for (let x = from, at = offset + y * stride + from * step, c = 3 * (from - x0); x < to; x++, at += step, c += 3) {
      data[at] =
        (weights[c]! * line[indices[c]!]! +
          weights[c + 1]! * line[indices[c + 1]!]! +
          weights[c + 2]! * line[indices[c + 2]!]! +
          0.5) |
        0;
    }
  });
}

/**
 * For each of `length` samples the three nearest cells and their weights: a uniform quadratic B-spline, ends repeated.
 */
function splines(length: number, cells: number): Splines {
  const indices = new Int32Array(3 * length);
  const weights = new Float32Array(3 * length);
  for (let i = 0; i < length; i++) {
    const at = ((i + 0.5) * cells) / length;
    const cell = Math.min(cells - 1, Math.floor(at));
    const t = at - cell;
    indices.set([Math.max(0, cell - 1), cell, Math.min(cells - 1, cell + 1)], 3 * i);
    weights.set([(1 - t) ** 2 / 2, 0.5 + t * (1 - t), t ** 2 / 2], 3 * i);
  }
  return { indices, weights };
}

/** As `splines`, but one value for each of `count` tiles: that of its middle. */
function tiles(length: number, count: number, cells: number): Splines {
  const middles = splines(count, cells);
  const indices = new Int32Array(3 * length);
  const weights = new Float32Array(3 * length);
  for (let i = 0; i < length; i++) {
    const tile = 3 * Math.floor((i * count) / length);
    indices.set(middles.indices.subarray(tile, tile + 3), 3 * i);
    weights.set(middles.weights.subarray(tile, tile + 3), 3 * i);
  }
  return { indices, weights };
}

/** Draws an image, stretched, over a region: the mean of bilinear samples at up to 4 × 4 positions per sample. */
function coverRegion(surface: Surface, region: Region, image: PixelBuffer): void {
  const source = surfaceOfPixels(image);
  const bytes = image.data;
  const channels = image.format === 'gray' ? 1 : image.format.length;
  const stride = image.stride ?? image.width * channels;
  const order = source.planes.map(({ offset }) => offset);
  const [red, green, blue] = order.length === 1 ? [0, 0, 0] : (order as [number, number, number]);
  const { box } = region;
  const texel = new Float64Array(4); // red, green, blue (times alpha), alpha
  const read = (u: number, v: number) => {
    const [fx, fy] = [
      Math.min(Math.max(u - 0.5, 0), image.width - 1),
      Math.min(Math.max(v - 0.5, 0), image.height - 1),
    ];
    const [ix, iy] = [Math.floor(fx), Math.floor(fy)];
    for (let corner = 0; corner < 4; corner++) {
      const [x, y] = [Math.min(ix + (corner & 1), image.width - 1), Math.min(iy + (corner >> 1), image.height - 1)];
      const weight = (corner & 1 ? fx - ix : 1 - fx + ix) * (corner >> 1 ? fy - iy : 1 - fy + iy);
      const at = y * stride + x * channels;
      const alpha = weight * (channels === 4 ? bytes[at + 3]! / 255 : 1);
      texel[0]! += alpha * bytes[at + red]!;
      texel[1]! += alpha * bytes[at + green]!;
      texel[2]! += alpha * bytes[at + blue]!;
      texel[3]! += alpha;
    }
  };
  for (const plane of surface.planes) {
    const { data, offset, step, stride: lines, scaleX, scaleY, weights, top } = plane;
    const [su, sv] = [image.width / (box.width * scaleX), image.height / (box.height * scaleY)]; // texels a sample
    const n = Math.min(4, Math.max(1, Math.ceil(Math.max(su, sv))));
    forEachSpan(plane, region, (y, from, to) => {
      for (let x = from, at = offset + y * lines + from * step; x < to; x++, at += step) {
        texel.fill(0);
        for (let k = 0; k < n * n; k++)
          read(
            (x + ((k % n) + 0.5) / n - box.x * scaleX) * su,
            (y + (Math.floor(k / n) + 0.5) / n - box.y * scaleY) * sv,
          );
        const alpha = texel[3]! / (n * n);
        const value =
          (weights[0] * texel[0]! + weights[1] * texel[1]! + weights[2] * texel[2]!) / (n * n) + weights[3] * alpha;
        data[at] = Math.min(top, Math.max(0, data[at]! * (1 - alpha) + value + 0.5)) | 0;
      }
    });
  }
}

/**
 * Calls `write` with every row of the region within the plane: columns from ≤ x < to. Every sample that
 * the region touches is masked.
 */
function forEachSpan(plane: Plane, region: Region, write: (y: number, from: number, to: number) => void): void {
  const { x0, x1, y0, y1 } = boundsOf(region, plane);
  const span: [number, number] = [0, 0];
  for (let y = y0; y < y1; y++) {
    spanOf(region, plane, y, span);
    const from = Math.max(x0, Math.floor(span[0]));
    const to = Math.min(x1, Math.ceil(span[1]));
    if (from < to) write(y, from, to);
  }
}
