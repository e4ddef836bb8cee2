import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bytesPerPixel, channelOffsets } from './pixels.ts';
import { fillTensor } from './tensor.ts';
import type { Box, PixelBuffer, PixelFormat } from './types.ts';

/** A channel's value at a position, by definition: bilinear between pixel centers, edges repeated. */
function sample(
  { data, width, height, stride, format }: Required<PixelBuffer>,
  x: number,
  y: number,
  channel: number,
): number {
  const clampedX = Math.min(Math.max(x, 0), width - 1);
  const clampedY = Math.min(Math.max(y, 0), height - 1);
  const [left, top] = [Math.floor(clampedX), Math.floor(clampedY)];
  const [u, v] = [clampedX - left, clampedY - top];
  const at = (column: number, row: number) =>
    data[
      Math.min(row, height - 1) * stride +
        Math.min(column, width - 1) * bytesPerPixel(format) +
        channelOffsets(format)[channel]!
    ]!;
  return (
    (1 - v) * ((1 - u) * at(left, top) + u * at(left + 1, top)) +
    v * ((1 - u) * at(left, top + 1) + u * at(left + 1, top + 1))
  );
}

it('a tensor receives the normalized bilinear samples of any pixels, region and slot, and nothing else changes', () => {
  const scene = fc.record({
    width: fc.integer({ min: 1, max: 24 }),
    height: fc.integer({ min: 1, max: 24 }),
    format: fc.constantFrom<PixelFormat>('rgb', 'rgba', 'bgr', 'bgra', 'gray'),
    padding: fc.integer({ min: 0, max: 5 }),
    toWidth: fc.integer({ min: 1, max: 32 }),
    toHeight: fc.integer({ min: 1, max: 32 }),
    part: fc.option(fc.tuple(...Array.from({ length: 4 }, () => fc.double({ min: 0, max: 1, noNaN: true }))), {
      nil: null,
    }),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(scene, ({ width, height, format, padding, toWidth, toHeight, part, seed }) => {
      const stride = width * bytesPerPixel(format) + padding;
      const data = Uint8Array.from(
        { length: stride * height },
        (_, i) => (Math.imul(i + seed, 2654435761) >>> 24) & 255,
      );
      const pixels = { data, width, height, format, stride };
      // Regions may extend beyond the edges.
      const region: Box = part
        ? {
            x: (part[0]! - 0.3) * width,
            y: (part[1]! - 0.3) * height,
            width: (part[2]! + 0.1) * width,
            height: (part[3]! + 0.1) * height,
          }
        : { x: 0, y: 0, width, height };
      const offset = 7;
      const tensor = new Float32Array(offset + 3 * 32 * 32 + 7).fill(9);
      const slot = { data: tensor, offset, inputWidth: 32, inputHeight: 32, width: toWidth, height: toHeight };
      fillTensor(slot, pixels, region);
      let worst = 0;
      let changed = 0;
      for (let i = 0; i < tensor.length; i++) {
        const [channel, row, column] = [
          Math.floor((i - offset) / 1024),
          Math.floor(((i - offset) % 1024) / 32),
          (i - offset) % 32,
        ];
        if (i < offset || channel > 2 || row >= toHeight || column >= toWidth) {
          if (tensor[i] !== 9) changed++;
          continue;
        }
        const x = region.x + ((column + 0.5) * region.width) / toWidth - 0.5;
        const y = region.y + ((row + 0.5) * region.height) / toHeight - 0.5;
        worst = Math.max(worst, Math.abs(tensor[i]! - (sample(pixels, x, y, channel) - 127.5) / 128));
      }
      expect(changed).toBe(0);
      expect(worst).toBeLessThan(1e-4);
    }),
    { numRuns: 300 },
  );
});
