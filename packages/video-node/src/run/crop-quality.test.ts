import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Landmarks, PixelBuffer } from '@facedet/core';
import { frontality, cropPromise, cropRegion, sharpness } from './crop-quality.ts';

/**
 * Landmarks of a frontal face that fills the box, its nose moved by `turn` of the distance between the eyes, rolled
 * about the center.
 */
function landmarks(box: { x: number; y: number; width: number; height: number }, turn = 0, roll = 0): Landmarks {
  const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
  return (
    [
      [-0.21, -0.1],
      [0.21, -0.1],
      [0.42 * turn, 0.08],
      [-0.17, 0.25],
      [0.17, 0.25],
    ] as const
  ).map(([u, v]) => {
    const [x, y] = [u * box.width, v * box.height];
    return { x: cx + x * Math.cos(roll) - y * Math.sin(roll), y: cy + x * Math.sin(roll) + y * Math.cos(roll) };
  }) as Landmarks;
}

const boxes = fc.record({
  x: fc.double({ min: -500, max: 3000, noNaN: true }),
  y: fc.double({ min: -500, max: 3000, noNaN: true }),
  width: fc.double({ min: 4, max: 900, noNaN: true }),
  height: fc.double({ min: 4, max: 900, noNaN: true }),
});

describe('frontality', () => {
  it('is 1 for a face that looks straight ahead, wherever it is and however large', () => {
    fc.assert(fc.property(boxes, (box) => void expect(frontality(landmarks(box), box)).toBeCloseTo(1, 6)));
  });

  it('falls as the head turns, either way alike, and as it tilts', () => {
    fc.assert(
      fc.property(
        boxes,
        fc.double({ min: 0, max: 0.45, noNaN: true }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        (box, turn, more) => {
          const square = { ...box, height: box.width };
          const at = (t: number, roll = 0) => frontality(landmarks(square, t, roll), square);
          expect(at(turn + more)).toBeLessThanOrEqual(at(turn));
          expect(at(-turn)).toBeCloseTo(at(turn), 6);
          expect(at(0, turn + more)).toBeLessThan(at(0, turn));
          expect(at(turn)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('is 0 where the eyes are one point, or upside down', () => {
    const box = { x: 0, y: 0, width: 50, height: 60 };
    const points = landmarks(box);
    expect(frontality([points[0], points[0], points[2], points[3], points[4]], box)).toBe(0);
    expect(frontality(landmarks(box, 0, Math.PI), box)).toBe(0);
  });
});

describe('what a crop promises', () => {
  const box = { x: 100, y: 100, width: 60, height: 80 };
  const face = { box, score: 0.9, landmarks: landmarks(box) };
  it('grows with score, size and pose, and falls where the picture ends', () => {
    const promise = cropPromise(face, 640, 480);
    expect(cropPromise({ ...face, score: 0.5 }, 640, 480)).toBeLessThan(promise);
    expect(cropPromise({ ...face, landmarks: landmarks(box, 0.3) }, 640, 480)).toBeLessThan(promise);
    expect(cropPromise({ box: { ...box, width: 20, height: 24 }, score: 0.9 }, 640, 480)).toBeLessThan(
      cropPromise({ box, score: 0.9 }, 640, 480),
    );
    expect(cropPromise(face, 130, 480)).toBeCloseTo(promise / 2, 6);
    expect(cropPromise(face, 90, 480)).toBe(0);
  });

  it('is cut as a square inside the picture around the face', () => {
    fc.assert(
      fc.property(
        boxes,
        fc.integer({ min: 16, max: 4000 }),
        fc.integer({ min: 16, max: 3000 }),
        (face, width, height) => {
          const region = cropRegion(face, width, height);
          const outside = face.x >= width || face.y >= height || face.x + face.width <= 0 || face.y + face.height <= 0;
          if (outside) return void expect(region).toBeNull();
          expect(region!.width).toBe(region!.height);
          expect(region!.width).toBeGreaterThan(0);
          for (const [at, limit] of [
            [region!.x, width],
            [region!.y, height],
          ] as const) {
            expect(at).toBeGreaterThanOrEqual(0);
            expect(at + region!.width).toBeLessThanOrEqual(limit + 1e-6);
          }
        },
      ),
    );
  });
});

describe('sharpness', () => {
  const side = 120;
  /** Stripes of `period` pixels, blurred by so many passes of a 3-tap mean, times a contrast. */
  function stripes(passes: number, contrast = 1, size = side): PixelBuffer {
    let row = Array.from(
      { length: size },
      (_, x) => (Math.floor(x / (size / 10)) % 2 ? 60 : 0) + (Math.floor(x / (size / 6)) % 2 ? 80 : 0),
    );
    for (let i = 0; i < passes; i++)
      row = row.map((value, x) => (value + (row[x - 1] ?? value) + (row[x + 1] ?? value)) / 3);
    const data = new Uint8Array(size * size * 3);
    for (let y = 0, to = 0; y < size; y++)
      for (const value of row) for (let c = 0; c < 3; c++) data[to++] = 50 + value * contrast;
    return { data, width: size, height: size, format: 'rgb' };
  }
  const whole = { x: 0, y: 0, width: side, height: side };

  it('falls with every blur', () => {
    const values = [0, 2, 6, 20, 60].map((passes) => sharpness(stripes(passes), whole));
    for (let i = 1; i < values.length; i++) expect(values[i]!).toBeLessThan(values[i - 1]!);
    expect(values[0]!).toBeGreaterThan(3 * values[4]!);
  });

  it('is small where the light is dim', () => {
    expect(sharpness(stripes(2, 0.15), whole)).toBeLessThan(sharpness(stripes(2), whole) / 3);
  });

  it('hardly depends on contrast and size, and measures the region alone', () => {
    const reference = sharpness(stripes(2), whole);
    expect(sharpness(stripes(2, 0.8), whole)).toBeCloseTo(reference, 1);
    expect(sharpness(stripes(8, 1, 2 * side), { ...whole, width: 2 * side, height: 2 * side })).toBeCloseTo(
      reference,
      1,
    );
    const half = stripes(0);
    for (let y = 0; y < side; y++) half.data.fill(90, (y * side + side / 2) * 3, (y + 1) * side * 3);
    expect(sharpness(half, { x: side / 2 + 2, y: 0, width: side / 2 - 4, height: side })).toBe(0);
    expect(sharpness(half, { x: 0, y: 0, width: 2, height: 2 })).toBe(0);
  });
});
