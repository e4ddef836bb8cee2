import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerPixel, channelOffsets } from './pixels.ts';
import { axisTable, resizeBilinear, resizeInto } from './resize.ts';
import { fillTensor, padTensor } from './tensor.ts';
import type { Box, PixelBuffer } from './types.ts';

/** One channel of a pixel, by definition. */
function sample(
  pixels: PixelBuffer,
  region: Box,
  [width, height]: readonly [number, number],
  [x, y, c]: readonly [number, number, number],
): number {
  const step = bytesPerPixel(pixels.format);
  const stride = pixels.stride ?? pixels.width * step;
  const clamp = (v: number, limit: number) => Math.min(Math.max(v, 0), limit - 1);
  const sx = clamp(region.x + (x + 0.5) * (region.width / width) - 0.5, pixels.width);
  const sy = clamp(region.y + (y + 0.5) * (region.height / height) - 0.5, pixels.height);
  const at = (px: number, py: number) =>
    pixels.data[
      clamp(py, pixels.height) * stride + clamp(px, pixels.width) * step + channelOffsets(pixels.format)[c]!
    ]!;
  const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
  const [u, v] = [sx - x0, sy - y0];
  return (
    (at(x0, y0) * (1 - u) + at(x0 + 1, y0) * u) * (1 - v) + (at(x0, y0 + 1) * (1 - u) + at(x0 + 1, y0 + 1) * u) * v
  );
}

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    format: fc.constantFrom('rgb' as const, 'rgba' as const, 'bgr' as const, 'bgra' as const, 'gray' as const),
    extra: fc.integer({ min: 0, max: 5 }),
    seed: fc.integer(),
  })
  .map(({ width, height, format, extra, seed }): PixelBuffer => {
    const stride = width * bytesPerPixel(format) + extra;
    return {
      width,
      height,
      format,
      stride,
      data: Uint8Array.from({ length: stride * height }, (_, i) => ((i + seed) * 2_654_435_761) >>> 24),
    };
  });
const side = fc.integer({ min: 1, max: 12 });
const region = fc.option(
  fc.record({
    x: fc.double({ min: -3, max: 6, noNaN: true }),
    y: fc.double({ min: -3, max: 6, noNaN: true }),
    width: fc.double({ min: 0.5, max: 9, noNaN: true }),
    height: fc.double({ min: 0.5, max: 9, noNaN: true }),
  }),
  { nil: undefined },
);

describe('bilinear sampling', () => {
  it('is the formula, for every format, stride, size and region', () => {
    fc.assert(
      fc.property(picture, side, side, region, (pixels, width, height, part) => {
        const use = part ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
        const result = resizeBilinear(pixels, width, height, part);
        const [inputWidth, inputHeight] = [width + 2, height + 1];
        const tensor = new Float32Array(3 * inputWidth * inputHeight).fill(9);
        const slot = { data: tensor, offset: 0, inputWidth, inputHeight, width, height };
        fillTensor(slot, pixels, part);
        padTensor(slot, -1);
        for (let c = 0; c < 3; c++) {
          for (let y = 0; y < inputHeight; y++) {
            for (let x = 0; x < inputWidth; x++) {
              const value = tensor[(c * inputHeight + y) * inputWidth + x]!;
              if (x >= width || y >= height) {
                expect(value).toBe(-1);
                continue;
              }
              const wanted = sample(pixels, use, [width, height], [x, y, c]);
              expect(Math.abs(result.data[(y * width + x) * 3 + c]! - wanted)).toBeLessThanOrEqual(0.501);
              expect(Math.abs(value - (wanted - 127.5) / 128)).toBeLessThan(1e-4);
            }
          }
        }
      }),
    );
  });

  it('only converts pixels that have the size already, wherever their rows begin', () => {
    for (const [width, extra, start] of [
      [8, 0, 0],
      [8, 4, 4],
      [8, 4, 1],
      [8, 3, 0],
      [7, 3, 0],
      [5, 0, 2],
      [12, 0, 8],
    ] as const) {
      const [height, stride] = [3, 3 * width + extra];
      const data = Uint8Array.from({ length: start + stride * height }, (_, i) => (i * 2_654_435_761) >>> 24).subarray(
        start,
        start + stride * (height - 1) + 3 * width,
      );
      const inputWidth = width + 1;
      const tensor = new Float32Array(4 + 3 * inputWidth * height);
      const slot = { data: tensor, offset: 4, inputWidth, inputHeight: height, width, height };
      fillTensor(slot, { data, width, height, stride, format: 'rgb' });
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++)
            expect(tensor[4 + (c * height + y) * inputWidth + x]).toBeCloseTo(
              (data[y * stride + 3 * x + c]! - 127.5) / 128,
              6,
            );
        }
      }
    }
  });
});

const tiny: PixelBuffer = { width: 2, height: 2, format: 'gray', data: Uint8Array.of(0, 100, 200, 50) };
const invalid = (message: RegExp, code = 'INVALID_ARGUMENT') =>
  expect.objectContaining({ name: 'FaceDetError', code, message: expect.stringMatching(message) });

describe('resizeInto', () => {
  it('writes the pixels, and nothing else', () => {
    const target = new Uint8Array(3 * 3 * 3 + 5).fill(9);
    const result = resizeInto(target, tiny, { width: 3, height: 3 });
    expect(result.data).toBe(target);
    expect(target.subarray(0, 27)).toEqual(resizeBilinear(tiny, 3, 3).data);
    expect(target.subarray(27)).toEqual(new Uint8Array(5).fill(9));
  });

  it.each<[string, unknown]>([
    ['too short', new Uint8Array(26)],
    ['empty, as after its transfer to a worker', new Uint8Array(0)],
    ['clamped, which rounds twice', new Uint8ClampedArray(27)],
    ['of floats', new Float32Array(27)],
    ['a plain array', new Array(27).fill(0)],
    ['null', null],
  ])('refuses a target that is %s', (_, target) => {
    expect(() => resizeInto(target as Uint8Array, tiny, { width: 3, height: 3 })).toThrow(
      invalid(/at least 27 bytes for the target/),
    );
  });

  it('refuses a target that overlaps the source, and accepts one beside it', () => {
    const memory = new Uint8Array(64);
    const source: PixelBuffer = { width: 4, height: 4, format: 'gray', data: memory.subarray(16, 32) };
    const size = { width: 2, height: 2 };
    for (const at of [5, 16, 20, 31])
      expect(() => resizeInto(memory.subarray(at, at + 20), source, size)).toThrow(invalid(/overlaps/));
    for (const at of [4, 32]) expect(resizeInto(memory.subarray(at), source, size).width).toBe(2);
  });
});

describe('refused', () => {
  it.each<[number, number]>([
    [0, 4],
    [4, -1],
    [1.5, 2],
    [2, NaN],
    [Infinity, 2],
    ['3' as unknown as number, 3],
  ])('is a size of %s × %s', (width, height) => {
    expect(() => resizeBilinear(tiny, width, height)).toThrow(invalid(/positive integers for the output size/));
  });

  it('is a size above 2 GiB', () => {
    expect(() => resizeBilinear(tiny, 100_000, 100_000)).toThrow(invalid(/at most 2147483647 bytes/));
  });

  it.each<[string, unknown]>([
    ['no width', { x: 0, y: 0, width: 0, height: 1 }],
    ['a negative height', { x: 0, y: 0, width: 1, height: -1 }],
    ['x NaN', { x: NaN, y: 0, width: 1, height: 1 }],
    ['an infinite width', { x: 0, y: 0, width: Infinity, height: 1 }],
    ['a missing y', { x: 0, width: 1, height: 1 }],
    ['corners', [0, 0, 1, 1]],
    ['null', null],
  ])('is a region with %s', (_, part) => {
    expect(() => resizeBilinear(tiny, 2, 2, part as Box)).toThrow(invalid(/a region \{ x, y, width, height \}/));
  });

  it.each<[string, unknown]>([
    ['an unknown format', { ...tiny, format: 'rgb565' }],
    ['too few bytes', { ...tiny, data: new Uint8Array(3) }],
    ['a stride below a row', { ...tiny, stride: 1 }],
    ['data of floats', { ...tiny, data: new Float32Array(4) }],
    ['width 0', { ...tiny, width: 0 }],
    ['rasterize()', { width: 2, height: 2, rasterize: () => tiny }],
    ['nothing', undefined],
  ])('is a source with %s', (_, source) => {
    expect(() => resizeBilinear(source as PixelBuffer, 2, 2)).toThrow(invalid(/./, 'INVALID_IMAGE'));
  });

  it('is a source of 2 GiB, whose positions do not fit into 32 bits', () => {
    expect(() => axisTable({ start: 0, length: 40_000, limit: 40_000, step: 60_000 }, 10)).toThrow(
      invalid(/at most 2147483647 bytes of pixels but received 2400000000/, 'INVALID_IMAGE'),
    );
  });

  it('any numbers for size and region give pixels or an error with a code', () => {
    const number = fc.oneof(
      fc.double(),
      fc.integer({ min: -2, max: 6 }),
      fc.constantFrom(0, -0, NaN, Infinity, -Infinity, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE),
    );
    const size = fc.oneof(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: -1, max: 5 }),
      fc.constantFrom(NaN, 1.5, Infinity),
    );
    fc.assert(
      fc.property(
        size,
        size,
        fc.record({ x: number, y: number, width: number, height: number }),
        (width, height, part) => {
          const valid =
            width > 0 &&
            height > 0 &&
            Number.isInteger(width) &&
            Number.isInteger(height) &&
            Object.values(part).every(Number.isFinite) &&
            part.width > 0 &&
            part.height > 0;
          if (!valid) {
            expect(() => resizeBilinear(tiny, width, height, part)).toThrow(invalid(/./));
            return;
          }
          const { data } = resizeBilinear({ ...tiny, data: Uint8Array.of(100, 110, 120, 130) }, width, height, part);
          expect(data.length).toBe(3 * width * height);
          expect(Math.min(...data)).toBeGreaterThanOrEqual(100);
          expect(Math.max(...data)).toBeLessThanOrEqual(130);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
