import type { PixelBuffer } from '@facedet/core';
import { describe, expect, it } from 'vitest';
import { isCut, signatureOf, structureLikeness, type CutState } from './shot-cut.ts';

/** A plain wall of one grey with a darker figure, its middle at `at` (0 to 1), in some light. */
function wall(at: number, grey: number, light = 1): PixelBuffer {
  const [width, height] = [96, 54];
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const inside = Math.abs((i % width) / width - at) < 0.15 && i / width > 15;
    data.fill(Math.round((inside ? grey * 0.4 : grey) * light), 3 * i, 3 * i + 3);
  }
  return { data, width, height, format: 'rgb' };
}

function cutsOf(pictures: PixelBuffer[]): number[] {
  const state: CutState = { last: null, usual: 0 };
  return pictures.flatMap((picture, i) => (isCut(state, signatureOf(picture)) ? [i] : []));
}

describe('shot cuts', () => {
  it('are seen where the picture becomes another', () => {
    const pictures = [...Array.from({ length: 8 }, (_, i) => wall(0.2 + i / 200, 170)), ...Array.from({ length: 8 }, () => wall(0.8, 100))];
    expect(cutsOf(pictures)).toEqual([8]);
  });

  it('are not seen where only the light changes, slowly or at once, though a plain wall changes its colour class', () => {
    const dimmed = [1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.4, 0.4, 0.4, 0.9, 1, 1].map((light) => wall(0.4, 170, light));
    expect(cutsOf(dimmed)).toEqual([]);
    const drifting = Array.from({ length: 40 }, (_, i) => wall(0.4, 128, 1.2 - i / 100)); // 154 … 104: over the border at 128
    expect(cutsOf(drifting)).toEqual([]);
  });

  it('are not seen where somebody walks through', () => {
    expect(cutsOf(Array.from({ length: 50 }, (_, i) => wall(i / 50, 150)))).toEqual([]);
  });
});

it('structureLikeness does not depend on brightness or contrast, and a plain picture has no structure', () => {
  const [a, b] = [signatureOf(wall(0.3, 200)), signatureOf(wall(0.3, 200, 0.5))];
  expect(structureLikeness(a, b)).toBeGreaterThan(0.99);
  expect(structureLikeness(a, signatureOf(wall(0.8, 200)))).toBeLessThan(0.5);
  expect(structureLikeness(a, signatureOf({ data: new Uint8Array(96 * 54 * 3).fill(90), width: 96, height: 54, format: 'rgb' }))).toBe(0);
});
