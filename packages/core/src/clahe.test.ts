import { expect, it } from 'vitest';
import { clahe } from './clahe.ts';
import type { PixelBuffer } from './types.ts';

const picture = (value: (x: number, y: number) => number): PixelBuffer => ({ width: 64, height: 48, format: 'rgb', data: Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => value(Math.floor(i / 3) % 64, Math.floor(i / 192))) });
const spread = (p: PixelBuffer) => {
  const values = Array.from(p.data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
};

it('spreads the contrast of a dark picture', () => {
  const dark = picture((x, y) => 10 + ((x * 7 + y * 13) % 20));
  const before = spread(dark);
  expect(clahe(dark, { clipLimit: 4, grid: 4, belowLuma: 256 })).toBe(true);
  expect(spread(dark)).toBeGreaterThan(2 * before);
});

it('limits how much a flat picture changes', () => {
  const flat = picture(() => 100);
  clahe(flat, { clipLimit: 2, grid: 8, belowLuma: 256 });
  expect(new Set(flat.data).size).toBe(1);
});

it('leaves a picture alone that is bright enough', () => {
  const bright = picture((x) => 150 + (x % 50));
  const before = Uint8Array.from(bright.data);
  expect(clahe(bright, { clipLimit: 2, grid: 8, belowLuma: 60 })).toBe(false);
  expect(bright.data).toEqual(before);
});

it('keeps the differences between channels', () => {
  const p = picture((x, y) => 20 + ((x + y) % 30));
  const data = p.data as Uint8Array;
  for (let i = 0; i < data.length; i += 3) data[i]! += 15;
  clahe(p, { clipLimit: 2, grid: 4, belowLuma: 256 });
  for (let i = 0; i < data.length; i += 3) if (data[i]! < 255 && data[i + 1]! > 0) expect(data[i]! - data[i + 1]!).toBe(15);
});
