import type { PixelBuffer } from '@facedet/core';
import { expectThat, isObject } from './check.ts';
import type { Rgb, YuvPlanes } from './types.ts';

/** One channel of a picture: sample (x, y) is at `offset + y · stride + x · step`. */
export interface Plane {
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  readonly offset: number;
  readonly step: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
  /** Samples per pixel: 1, or ½ where chroma is subsampled. */
  readonly scaleX: number;
  readonly scaleY: number;
  /** The sample of a color is `weights · (r, g, b, 1)`, with r, g and b from 0 to 255. */
  readonly weights: readonly [red: number, green: number, blue: number, constant: number];
  /** The largest sample. */
  readonly top: number;
}

/** A picture as independent channels: every effect is written once, for one plane, and serves RGB and YUV alike. */
export interface Surface {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly Plane[];
}

const ORDERS = { rgb: [0, 1, 2], rgba: [0, 1, 2], bgr: [2, 1, 0], bgra: [2, 1, 0], gray: [] } as const;
const CHANNELS = { rgb: 3, rgba: 4, bgr: 3, bgra: 4, gray: 1 } as const;
const BT601 = [0.299, 0.114] as const;
const LUMA = { bt601: BT601, bt709: [0.2126, 0.0722], bt2020: [0.2627, 0.0593] } as const; // kr, kb

/**
 * The color channels of packed pixels, without alpha. Throws `INVALID_ARGUMENT` where data and size don't fit.
 */
export function surfaceOfPixels(pixels: PixelBuffer, name = 'pixels'): Surface {
  expectThat(isObject(pixels), `a PixelBuffer for ${name}`, pixels, 'it has data, width, height and format');
  const { data, width, height, format } = pixels;
  checkSize(width, height);
  expectThat(
    typeof format === 'string' && Object.hasOwn(CHANNELS, format),
    `a pixel format of ${Object.keys(CHANNELS).join(', ')}`,
    format,
    'convert the pixels to one of them',
  );
  expectThat(
    data instanceof Uint8Array || data instanceof Uint8ClampedArray,
    'bytes for data',
    kindOf(data),
    'give a Uint8Array or Uint8ClampedArray',
  );
  const step = CHANNELS[format];
  const { stride = width * step } = pixels;
  expectThat(
    Number.isInteger(stride) && stride >= width * step,
    `a stride of at least ${width * step} bytes`,
    stride,
    `rows have ${width} ${format} pixels`,
  );
  checkLength('pixels', data.length, (height - 1) * stride + width * step);
  const plane = (offset: number, weights: Plane['weights']): Plane => ({
    data,
    offset,
    step,
    stride,
    width,
    height,
    scaleX: 1,
    scaleY: 1,
    weights,
    top: 255,
  });
  if (format === 'gray') return { width, height, planes: [plane(0, [BT601[0], 1 - BT601[0] - BT601[1], BT601[1], 0])] };
  const [red, green, blue] = ORDERS[format];
  return { width, height, planes: [plane(red, [1, 0, 0, 0]), plane(green, [0, 1, 0, 0]), plane(blue, [0, 0, 1, 0])] };
}

/** Luma and chroma of a YUV picture. Throws `INVALID_ARGUMENT` where planes, strides and size don't fit. */
export function surfaceOfPlanes(picture: YuvPlanes): Surface {
  expectThat(
    isObject(picture),
    'planes for the picture',
    picture,
    'they have width, height, planes, strides and subsampling',
  );
  const { width, height, planes, strides, subsampling, bitDepth = 8 } = picture;
  checkSize(width, height);
  expectThat(
    Array.isArray(planes) && planes.length >= 1 && planes.length <= 3,
    '1 to 3 planes',
    kindOf(planes),
    'give [y, u, v], [y, uv] or [y]',
  );
  expectThat(
    Array.isArray(strides) && strides.length >= planes.length,
    'a stride for each plane',
    strides,
    `there are ${planes.length} planes`,
  );
  expectThat(
    ['420', '422', '444'].includes(subsampling),
    "'420', '422' or '444' for subsampling",
    subsampling,
    'convert the planes to one of them',
  );
  expectThat(
    Number.isInteger(bitDepth) && bitDepth >= 8 && bitDepth <= 16,
    'an integer from 8 to 16 for bitDepth',
    bitDepth,
    'leave it out for 8',
  );
  const weights = yuvWeights(picture);
  const halfX = subsampling === '444' ? 1 : 2;
  const halfY = subsampling === '420' ? 2 : 1;
  const interleaved = planes.length === 2;
  const result: Plane[] = [];
  for (let channel = 0; channel < (planes.length === 1 ? 1 : 3); channel++) {
    const index = interleaved ? Math.min(channel, 1) : channel;
    const [divX, divY] = channel === 0 ? [1, 1] : [halfX, halfY];
    const step = interleaved && channel > 0 ? 2 : 1;
    const data = samples(planes[index]!, bitDepth, index);
    const bytes = bitDepth > 8 ? 2 : 1;
    const stride = strides[index]! / bytes;
    const [w, h] = [Math.ceil(width / divX), Math.ceil(height / divY)];
    expectThat(
      Number.isInteger(stride) && stride >= w * step,
      `a stride of at least ${w * step * bytes} bytes for plane ${index}`,
      strides[index],
      'it counts bytes from row to row',
    );
    checkLength(`plane ${index}`, data.length, (h - 1) * stride + w * step);
    result.push({
      data,
      offset: step === 2 ? channel - 1 : 0,
      step,
      stride,
      width: w,
      height: h,
      scaleX: 1 / divX,
      scaleY: 1 / divY,
      weights: weights[channel]!,
      top: 2 ** bitDepth - 1,
    });
  }
  return { width, height, planes: result };
}

/** The sample that shows a color in this plane. */
export function sampleOf(plane: Plane, [red, green, blue]: Rgb): number {
  const [r, g, b, constant] = plane.weights;
  return Math.min(plane.top, Math.max(0, r * red + g * green + b * blue + constant));
}

// ITU-R BT.601, BT.709 and BT.2020: the same formula with other weights of red and blue.
function yuvWeights({
  matrix,
  height,
  bitDepth = 8,
  range = 'limited',
  whiteLevel = 1,
}: YuvPlanes): Plane['weights'][] {
  const name = matrix ?? (height >= 720 ? 'bt709' : 'bt601');
  expectThat(
    typeof name === 'string' && Object.hasOwn(LUMA, name),
    "'bt601', 'bt709' or 'bt2020' for matrix",
    name,
    'leave it out for the usual one',
  );
  expectThat(
    range === 'limited' || range === 'full',
    "'limited' or 'full' for range",
    range,
    'leave it out for limited',
  );
  expectThat(
    typeof whiteLevel === 'number' && whiteLevel > 0 && whiteLevel <= 1,
    'a number above 0 up to 1 for whiteLevel',
    whiteLevel,
    'leave it out for SDR',
  );
  const [kr, kb] = LUMA[name];
  const kg = 1 - kr - kb;
  const depth = 2 ** (bitDepth - 8);
  const full = range === 'full';
  const unit = full ? (2 ** bitDepth - 1) / 255 : depth;
  const luma = whiteLevel * (full ? unit : (219 / 255) * depth);
  const chroma = whiteLevel * (full ? unit : (224 / 255) * depth);
  const [u, v] = [chroma / (2 * (1 - kb)), chroma / (2 * (1 - kr))];
  return [
    [luma * kr, luma * kg, luma * kb, full ? 0 : 16 * depth],
    [-u * kr, -u * kg, u * (1 - kb), 128 * depth],
    [v * (1 - kr), -v * kg, -v * kb, 128 * depth],
  ];
}

function samples(plane: YuvPlanes['planes'][number], bitDepth: number, index: number) {
  const isBytes = plane instanceof Uint8Array || plane instanceof Uint8ClampedArray;
  if (bitDepth === 8) {
    expectThat(isBytes, `bytes in plane ${index}`, kindOf(plane), 'above 8 bits, give bitDepth');
    return plane;
  }
  if (plane instanceof Uint16Array) return plane;
  expectThat(
    isBytes,
    `a Uint16Array or bytes in plane ${index}`,
    kindOf(plane),
    'give the samples as the decoder does',
  );
  expectThat(
    plane.byteOffset % 2 === 0,
    `an even address for plane ${index}`,
    plane.byteOffset,
    `samples of ${bitDepth} bits need one: copy it into a new array`,
  );
  return new Uint16Array(plane.buffer, plane.byteOffset, plane.byteLength >> 1);
}

function checkSize(width: number, height: number): void {
  const isSize = [width, height].every((side) => Number.isInteger(side) && side >= 1);
  expectThat(isSize, 'integers of at least 1 for width and height', [width, height], 'they count pixels');
}

function checkLength(what: string, length: number, needed: number): void {
  expectThat(length >= needed, `at least ${needed} samples in ${what}`, length, 'check width, height and stride');
}

/** What a value is; its content may be megabytes. */
const kindOf = (value: unknown) =>
  Array.isArray(value) ? `${value.length} values` : ArrayBuffer.isView(value) ? value : typeof value;
