import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import { axisTable, type AxisTable } from './resize.ts';
import type { Box, PixelBuffer } from './types.ts';

/** SCRFD's normalisation: (x − 127.5) / 128. */
const SCALE = 1 / 128;
const SHIFT = -127.5 / 128;
/** Whether the first of four bytes is a word's lowest, as nearly everywhere. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Where an image goes inside a tensor of shape [batch, 3, canvasHeight, canvasWidth]. */
export interface TensorPlace {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  /** Size of the scaled picture in the canvas' upper left corner. */
  readonly width: number;
  readonly height: number;
}

/** Axis tables of the last few shapes: a video asks for the same two again and again. */
export interface ResizeTables {
  key: string;
  columns: AxisTable;
  rows: AxisTable;
}

/**
 * Scales `region` of `pixels` straight into `tensor` (NCHW, RGB, normalised) at element `offset`, bilinear as
 * `resizeBilinear`, but
 * without its rounding to 8 bits. Touches only the picture's part of the canvas, not the padding. Pixels that have the
 * wanted size
 * already are only converted. Returns tables to pass again.
 */
export function fillTensor(
  tensor: Float32Array,
  offset: number,
  place: TensorPlace,
  pixels: PixelBuffer,
  region?: Box,
  tables?: ResizeTables,
): ResizeTables | undefined {
  const whole =
    region === undefined ||
    (region.x === 0 && region.y === 0 && region.width === pixels.width && region.height === pixels.height);
  if (whole && pixels.width === place.width && pixels.height === place.height) {
    convert(tensor, offset, place, pixels);
    return tables;
  }
  const x = region?.x ?? 0;
  const y = region?.y ?? 0;
  const width = region?.width ?? pixels.width;
  const height = region?.height ?? pixels.height;
  const step = bytesPerPixel(pixels.format);
  const stride = rowStride(pixels);
  const key = `${x},${y},${width},${height},${place.width},${place.height},${pixels.width},${pixels.height},${step},${stride}`;
  const use =
    tables?.key === key
      ? tables
      : {
          key,
          columns: axisTable(x, width, place.width, pixels.width, step),
          rows: axisTable(y, height, place.height, pixels.height, stride),
        };
  resample(tensor, offset, place, pixels, use);
  return use;
}

/** Sets the canvas around the scaled picture: right of it and below it, in all three planes. */
export function padTensor(tensor: Float32Array, offset: number, place: TensorPlace, value: number): void {
  const { canvasWidth, canvasHeight, width, height } = place;
  const plane = canvasWidth * canvasHeight;
  for (let c = 0; c < 3; c++) {
    const start = offset + c * plane;
    if (width < canvasWidth)
      for (let y = 0; y < height; y++)
        tensor.fill(value, start + y * canvasWidth + width, start + (y + 1) * canvasWidth);
    tensor.fill(value, start + height * canvasWidth, start + plane);
  }
}

function convert(tensor: Float32Array, offset: number, place: TensorPlace, pixels: PixelBuffer): void {
  const { data, format } = pixels;
  const step = bytesPerPixel(format);
  const [red, green, blue] = channelOffsets(format);
  const stride = rowStride(pixels);
  const plane = place.canvasWidth * place.canvasHeight;
  if (format === 'rgb' && LITTLE_ENDIAN && data.byteOffset % 4 === 0 && stride % 4 === 0 && place.width % 4 === 0)
    return convertWords(
      tensor,
      offset,
      place,
      new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2),
      stride >> 2,
    );
  for (let y = 0; y < place.height; y++) {
    let r = offset + y * place.canvasWidth;
    let g = r + plane;
    let b = g + plane;
    let from = y * stride;
    for (const end = from + place.width * step; from < end; from += step) {
      tensor[r++] = data[from + red]! * SCALE + SHIFT;
      tensor[g++] = data[from + green]! * SCALE + SHIFT;
      tensor[b++] = data[from + blue]! * SCALE + SHIFT;
    }
  }
}

/** The same for RGB whose rows begin at whole words: four pixels in three reads, which takes two thirds of the time. */
function convertWords(
  tensor: Float32Array,
  offset: number,
  place: TensorPlace,
  words: Uint32Array,
  stride: number,
): void {
  const { width, height, canvasWidth } = place;
  const plane = canvasWidth * place.canvasHeight;
  const red = tensor.subarray(offset, offset + plane);
  const green = tensor.subarray(offset + plane, offset + 2 * plane);
  const blue = tensor.subarray(offset + 2 * plane, offset + 3 * plane);
  for (let y = 0; y < height; y++) {
    let i = y * stride;
    let to = y * canvasWidth;
    for (const end = to + width; to < end; to += 4, i += 3) {
      const a = words[i]!;
      const b = words[i + 1]!;
      const c = words[i + 2]!;
      red[to] = (a & 255) * SCALE + SHIFT;
      green[to] = ((a >>> 8) & 255) * SCALE + SHIFT;
      blue[to] = ((a >>> 16) & 255) * SCALE + SHIFT;
      red[to + 1] = (a >>> 24) * SCALE + SHIFT;
      green[to + 1] = (b & 255) * SCALE + SHIFT;
      blue[to + 1] = ((b >>> 8) & 255) * SCALE + SHIFT;
      red[to + 2] = ((b >>> 16) & 255) * SCALE + SHIFT;
      green[to + 2] = (b >>> 24) * SCALE + SHIFT;
      blue[to + 2] = (c & 255) * SCALE + SHIFT;
      red[to + 3] = ((c >>> 8) & 255) * SCALE + SHIFT;
      green[to + 3] = ((c >>> 16) & 255) * SCALE + SHIFT;
      blue[to + 3] = (c >>> 24) * SCALE + SHIFT;
    }
  }
}

function resample(
  tensor: Float32Array,
  offset: number,
  place: TensorPlace,
  pixels: PixelBuffer,
  tables: ResizeTables,
): void {
  // A side of one pixel has no neighbor to follow it.
  if (bytesPerPixel(pixels.format) === 3 && pixels.width > 1 && pixels.height > 1)
    resampleTriples(tensor, offset, place, pixels, tables);
  else resampleAny(tensor, offset, place, pixels, tables);
}

/** RGB and BGR: neighbors lie at fixed distances, which saves an eighth of the time. */
function resampleTriples(
  tensor: Float32Array,
  offset: number,
  place: TensorPlace,
  pixels: PixelBuffer,
  tables: ResizeTables,
): void {
  const { data, format } = pixels;
  const { low, weight } = tables.columns;
  const { width, height, canvasWidth } = place;
  const stride = rowStride(pixels);
  const plane = canvasWidth * place.canvasHeight;
  const planeOf = (k: number) => tensor.subarray(offset + k * plane, offset + (k + 1) * plane);
  const [first, second, third] =
    format === 'rgb' ? [planeOf(0), planeOf(1), planeOf(2)] : [planeOf(2), planeOf(1), planeOf(0)];
  for (let y = 0; y < height; y++) {
    const top = tables.rows.low[y]!;
    const v = tables.rows.weight[y]! * SCALE;
    const w = SCALE - v;
    let to = y * canvasWidth;
    for (let x = 0; x < width; x++, to++) {
      const u = weight[x]!;
      const b = u * w;
      const a = w - b;
      const d = u * v;
      const c = v - d;
      const t = top + low[x]!;
      const s = t + stride;
      first[to] = data[t]! * a + data[t + 3]! * b + data[s]! * c + data[s + 3]! * d + SHIFT;
      second[to] = data[t + 1]! * a + data[t + 4]! * b + data[s + 1]! * c + data[s + 4]! * d + SHIFT;
      third[to] = data[t + 2]! * a + data[t + 5]! * b + data[s + 2]! * c + data[s + 5]! * d + SHIFT;
    }
  }
}

function resampleAny(
  tensor: Float32Array,
  offset: number,
  place: TensorPlace,
  pixels: PixelBuffer,
  tables: ResizeTables,
): void {
  const { data } = pixels;
  const [red, green, blue] = channelOffsets(pixels.format);
  const { low, high, weight } = tables.columns;
  const { width, height, canvasWidth } = place;
  const plane = canvasWidth * place.canvasHeight;
  for (let y = 0; y < height; y++) {
    const top = tables.rows.low[y]!;
    const bottom = tables.rows.high[y]!;
    const v = tables.rows.weight[y]! * SCALE;
    const w = SCALE - v; // the normalisation's factor rides on the rows' weights
    let to = offset + y * canvasWidth;
    for (let x = 0; x < width; x++, to++) {
      const l = low[x]!;
      const h = high[x]!;
      const u = weight[x]!;
      const b = u * w;
      const a = w - b;
      const d = u * v;
      const c = v - d;
      const tl = top + l;
      const tr = top + h;
      const bl = bottom + l;
      const br = bottom + h;
      tensor[to] = data[tl + red]! * a + data[tr + red]! * b + data[bl + red]! * c + data[br + red]! * d + SHIFT;
      tensor[to + plane] =
        data[tl + green]! * a + data[tr + green]! * b + data[bl + green]! * c + data[br + green]! * d + SHIFT;
      tensor[to + 2 * plane] =
        data[tl + blue]! * a + data[tr + blue]! * b + data[bl + blue]! * c + data[br + blue]! * d + SHIFT;
    }
  }
}
