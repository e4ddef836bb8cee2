import type { PixelBuffer } from '@facedet/core';
import { describe, expect, it } from 'vitest';
import { coverLower, darken, gaussianBlur, shrink } from './degrade.ts';

function picture(width: number, height: number, value: (x: number, y: number, channel: number) => number): PixelBuffer {
  return {
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) =>
      value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
    ),
    width,
    height,
    format: 'rgb',
  };
}

const random = picture(23, 17, (x, y, channel) => (x * 73 + y * 151 + channel * 59 + x * x * y) % 256);

describe('degrade', () => {
  it('blurs like the direct sum over all pixels, with repeated edges', () => {
    const sigma = 1.5;
    const reach = Math.ceil(3 * sigma);
    const { data } = gaussianBlur(random, sigma);
    const at = (x: number, y: number) =>
      random.data[3 * (Math.min(16, Math.max(0, y)) * 23 + Math.min(22, Math.max(0, x)))]!;
    for (const [x, y] of [
      [0, 0],
      [22, 16],
      [11, 8],
      [3, 15],
    ] as const) {
      let sum = 0;
      let weights = 0;
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const weight = Math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
          sum += weight * at(x + dx, y + dy);
          weights += weight;
        }
      }
      expect(Math.abs(data[3 * (y * 23 + x)]! - sum / weights)).toBeLessThanOrEqual(0.51);
    }
    expect(
      new Set(
        gaussianBlur(
          picture(9, 9, () => 77),
          3,
        ).data,
      ),
    ).toEqual(new Set([77]));
  });

  it('darkens, covers and shrinks', () => {
    expect([
      ...darken(
        picture(1, 1, () => 128),
        2,
      ).data,
    ]).toEqual([64, 64, 64]);
    const covered = coverLower(
      picture(10, 10, () => 0),
      [
        { x: 2, y: 2, width: 4, height: 4 },
        { x: 8, y: 8, width: 9, height: 9 },
      ],
      0.5,
    );
    expect(covered.data.filter((value) => value === 127)).toHaveLength(3 * 4 * 2);
    expect(covered.data[3 * (4 * 10 + 2)]).toBe(127);
    expect(covered.data[3 * (3 * 10 + 2)]).toBe(0);
    const quarter = shrink(
      picture(16, 8, (x, y) => ((x + y) % 2 ? 200 : 100)),
      4,
    );
    expect([quarter.width, quarter.height, new Set(quarter.data)]).toEqual([4, 2, new Set([150])]);
  });

  it('does not change the picture itself, not even in a Buffer', () => {
    const source: PixelBuffer = { ...random, data: Buffer.from(random.data) };
    coverLower(source, [{ x: 0, y: 0, width: 23, height: 17 }], 1);
    darken(source, 2);
    gaussianBlur(source, 1);
    shrink(source, 2);
    expect([...source.data]).toEqual([...random.data]);
  });

  it('rejects other formats and factors out of range', () => {
    expect(() => gaussianBlur({ ...random, format: 'rgba' }, 1)).toThrow(
      'Expected packed rgb pixels but received rgba',
    );
    expect(() => gaussianBlur(random, 0)).toThrow('Expected a sigma above 0 and up to 1000 pixels but received 0.');
    expect(() => coverLower(random, [], 1.5)).toThrow('Expected a fraction from 0 to 1 but received 1.5.');
    expect(() => darken(random, -1)).toThrow('Expected a gamma above 0 but received -1.');
    expect(() => shrink(random, 0.5)).toThrow('Expected a factor of at least 1 but received 0.5.');
  });
});
