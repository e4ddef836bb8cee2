import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import { axisTable, type AxisTable } from './resize.ts';
import type { Box, PixelBuffer } from './types.ts';

/** SCRFD's normalization: (x − 127.5) / 128. */
const SCALE = 1 / 128;
const SHIFT = -127.5 / 128;
/** Whether the first of four bytes is a word's lowest, as on nearly all machines. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The place of one image inside a tensor of shape [batch, 3, inputHeight, inputWidth]. */
export interface TensorSlot {
  /** The whole tensor. */
  readonly data: Float32Array;
  /** The first element of the image. */
  readonly offset: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** Width of the scaled image in the upper left corner. */
  readonly width: number;
  /** Height of the scaled image. */
  readonly height: number;
}

/** Axis tables of one shape, kept because the frames of a video ask for the same shape again and again. */
export interface ResizeTables {
  readonly key: string;
  readonly columns: AxisTable;
  readonly rows: AxisTable;
}

/**
 * Scales `region` of `pixels` into a slot of a tensor (NCHW, RGB, normalized), bilinear as `resizeBilinear`, but
 * without its rounding to 8 bits. Writes only the image's part of the slot, not the padding. Pixels that already have
 * the slot's size are only converted. Returns the tables to pass to the next call.
 */
export function fillTensor(
  slot: TensorSlot,
  pixels: PixelBuffer,
  region: Box | null = null,
  tables?: ResizeTables,
): ResizeTables | undefined {
  const { x, y, width, height } = region ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
  const isWhole = x === 0 && y === 0 && width === pixels.width && height === pixels.height;
  if (isWhole && pixels.width === slot.width && pixels.height === slot.height) {
    convert(slot, pixels);
    return tables;
  }
  const step = bytesPerPixel(pixels.format);
  const stride = rowStride(pixels);
  const key = [x, y, width, height, slot.width, slot.height, pixels.width, pixels.height, step, stride].join();
  const used =
    tables?.key === key
      ? tables
      : {
          key,
          columns: axisTable({ start: x, length: width, limit: pixels.width, step }, slot.width),
          rows: axisTable({ start: y, length: height, limit: pixels.height, step: stride }, slot.height),
        };
  resample(slot, pixels, used);
  return used;
}

/** Sets the padding of a slot: the right of the scaled image and below it, in all three planes. */
export function padTensor({ data, offset, inputWidth, inputHeight, width, height }: TensorSlot, value: number): void {
  const plane = inputWidth * inputHeight;
  for (let c = 0; c < 3; c++) {
    const start = offset + c * plane;
    if (width < inputWidth)
      for (let y = 0; y < height; y++) data.fill(value, start + y * inputWidth + width, start + (y + 1) * inputWidth);
    data.fill(value, start + height * inputWidth, start + plane);
  }
}

/** Normalizes pixels that have the slot's size. */
function convert(slot: TensorSlot, pixels: PixelBuffer): void {
  const { data, format } = pixels;
  const { data: tensor, offset, inputWidth, width, height } = slot;
  const stride = rowStride(pixels);
  if (format === 'rgb' && LITTLE_ENDIAN && data.byteOffset % 4 === 0 && stride % 4 === 0 && width % 4 === 0)
    return convertWords(slot, new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2), stride >> 2);
  const step = bytesPerPixel(format);
  const [red, green, blue] = channelOffsets(format);
  const plane = inputWidth * slot.inputHeight;
  for (let y = 0; y < height; y++) {
    let r = offset + y * inputWidth;
    let g = r + plane;
    let b = g + plane;
    let from = y * stride;
    for (const end = from + width * step; from < end; from += step) {
      tensor[r++] = data[from + red]! * SCALE + SHIFT;
      tensor[g++] = data[from + green]! * SCALE + SHIFT;
      tensor[b++] = data[from + blue]! * SCALE + SHIFT;
    }
  }
}

/** The same for RGB whose rows start at whole words: four pixels in three reads, which takes two thirds of the time. */
function convertWords(
  { data, offset, inputWidth, inputHeight, width, height }: TensorSlot,
  words: Uint32Array,
  stride: number,
): void {
  const plane = inputWidth * inputHeight;
  const red = data.subarray(offset, offset + plane);
  const green = data.subarray(offset + plane, offset + 2 * plane);
  const blue = data.subarray(offset + 2 * plane, offset + 3 * plane);
  for (let y = 0; y < height; y++) {
    let i = y * stride;
    let to = y * inputWidth;
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

function resample(slot: TensorSlot, pixels: PixelBuffer, tables: ResizeTables): void {
  // With a side of one pixel, the second of two neighbors is not the next pixel.
  if (bytesPerPixel(pixels.format) === 3 && pixels.width > 1 && pixels.height > 1)
    resampleTriples(slot, pixels, tables);
  else resampleAny(slot, pixels, tables);
}

/** RGB and BGR: neighbors are at fixed distances, which saves an eighth of the time. */
function resampleTriples(slot: TensorSlot, pixels: PixelBuffer, tables: ResizeTables): void {
  const { data, format } = pixels;
  const { low, weight } = tables.columns;
  const { data: tensor, offset, inputWidth, width, height } = slot;
  const stride = rowStride(pixels);
  const plane = inputWidth * slot.inputHeight;
  const planeOf = (k: number) => tensor.subarray(offset + k * plane, offset + (k + 1) * plane);
  const [first, second, third] =
    format === 'rgb' ? [planeOf(0), planeOf(1), planeOf(2)] : [planeOf(2), planeOf(1), planeOf(0)];
  for (let y = 0; y < height; y++) {
    const top = tables.rows.low[y]!;
    const v = tables.rows.weight[y]! * SCALE;
    const w = SCALE - v;
    let to = y * inputWidth;
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

function resampleAny(slot: TensorSlot, pixels: PixelBuffer, tables: ResizeTables): void {
  const { data } = pixels;
  const [red, green, blue] = channelOffsets(pixels.format);
  const { low, high, weight } = tables.columns;
  const { data: tensor, offset, inputWidth, width, height } = slot;
  const plane = inputWidth * slot.inputHeight;
  for (let y = 0; y < height; y++) {
    const top = tables.rows.low[y]!;
    const bottom = tables.rows.high[y]!;
    const v = tables.rows.weight[y]! * SCALE;
    const w = SCALE - v; // the rows' weights include the normalization's factor
    let to = offset + y * inputWidth;
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
