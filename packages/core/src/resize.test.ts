import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerPixel, channelOffsets } from './pixels.ts';
import { resizeBilinear } from './resize.ts';
import { fillTensor, padTensor } from './tensor.ts';
import type { Box, PixelBuffer } from './types.ts';

/** The formula for one pixel and channel, straight from its definition. */
function sample(pixels: PixelBuffer, region: Box, width: number, height: number, x: number, y: number, c: number): number {
  const step = bytesPerPixel(pixels.format);
  const stride = pixels.stride ?? pixels.width * step;
  const clamp = (v: number, limit: number) => Math.min(Math.max(v, 0), limit - 1);
  const sx = clamp(region.x + (x + 0.5) * (region.width / width) - 0.5, pixels.width);
  const sy = clamp(region.y + (y + 0.5) * (region.height / height) - 0.5, pixels.height);
  const at = (px: number, py: number) => pixels.data[clamp(py, pixels.height) * stride + clamp(px, pixels.width) * step + channelOffsets(pixels.format)[c]!]!;
  const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
  const [u, v] = [sx - x0, sy - y0];
  return (at(x0, y0) * (1 - u) + at(x0 + 1, y0) * u) * (1 - v) + (at(x0, y0 + 1) * (1 - u) + at(x0 + 1, y0 + 1) * u) * v;
}

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }), format: fc.constantFrom('rgb' as const, 'rgba' as const, 'bgr' as const, 'bgra' as const, 'gray' as const), extra: fc.integer({ min: 0, max: 5 }), seed: fc.integer() })
  .map(({ width, height, format, extra, seed }): PixelBuffer => {
    const stride = width * bytesPerPixel(format) + extra;
    return { width, height, format, stride, data: Uint8Array.from({ length: stride * height }, (_, i) => ((i + seed) * 2_654_435_761) >>> 24) };
  });
const side = fc.integer({ min: 1, max: 12 });
const region = fc.option(fc.record({ x: fc.double({ min: -3, max: 6, noNaN: true }), y: fc.double({ min: -3, max: 6, noNaN: true }), width: fc.double({ min: 0.5, max: 9, noNaN: true }), height: fc.double({ min: 0.5, max: 9, noNaN: true }) }), { nil: undefined });

describe('bilinear sampling', () => {
  it('is the formula, for every format, stride, size and region', () => {
    fc.assert(
      fc.property(picture, side, side, region, (pixels, width, height, part) => {
        const use = part ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
        const result = resizeBilinear(pixels, width, height, part);
        const place = { canvasWidth: width + 2, canvasHeight: height + 1, width, height };
        const tensor = new Float32Array(3 * place.canvasWidth * place.canvasHeight).fill(9);
        fillTensor(tensor, 0, place, pixels, part);
        padTensor(tensor, 0, place, -1);
        for (let c = 0; c < 3; c++) {
          for (let y = 0; y < place.canvasHeight; y++) {
            for (let x = 0; x < place.canvasWidth; x++) {
              const value = tensor[(c * place.canvasHeight + y) * place.canvasWidth + x]!;
              if (x >= width || y >= height) {
                expect(value).toBe(-1);
                continue;
              }
              const wanted = sample(pixels, use, width, height, x, y, c);
              expect(Math.abs(result.data[(y * width + x) * 3 + c]! - wanted)).toBeLessThanOrEqual(0.501);
              expect(Math.abs(value - (wanted - 127.5) / 128)).toBeLessThan(1e-4);
            }
          }
        }
      }),
    );
  });

  it('only converts pixels that have the size already, wherever their rows begin', () => {
    for (const [width, extra, start] of [[8, 0, 0], [8, 4, 4], [8, 4, 1], [8, 3, 0], [7, 3, 0], [5, 0, 2], [12, 0, 8]] as const) {
      const [height, stride] = [3, 3 * width + extra];
      const data = Uint8Array.from({ length: start + stride * height }, (_, i) => (i * 2_654_435_761) >>> 24).subarray(start, start + stride * (height - 1) + 3 * width);
      const place = { canvasWidth: width + 1, canvasHeight: height, width, height };
      const tensor = new Float32Array(4 + 3 * place.canvasWidth * height);
      fillTensor(tensor, 4, place, { data, width, height, stride, format: 'rgb' });
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) expect(tensor[4 + (c * height + y) * place.canvasWidth + x]).toBeCloseTo((data[y * stride + 3 * x + c]! - 127.5) / 128, 6);
        }
      }
    }
  });

  it('refuses sizes that are none', () => {
    expect(() => resizeBilinear({ width: 1, height: 1, format: 'gray', data: new Uint8Array(1) }, 0, 4)).toThrow(/0 × 4/);
  });
});
