import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxArea, clipBox, iou, scaleBox } from './box.ts';
import type { Box } from './types.ts';

const odd = fc.oneof(
  fc.double(),
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1e200, -1e200, 1e-200, Number.MAX_VALUE, Number.MIN_VALUE, 1e16),
);
const anyBox: fc.Arbitrary<Box> = fc.record({ x: odd, y: odd, width: odd, height: odd });
const place = fc.double({ min: -1e4, max: 1e4, noNaN: true });
const side = fc.double({ min: 0.01, max: 1e4, noNaN: true });
const box: fc.Arbitrary<Box> = fc.record({ x: place, y: place, width: side, height: side });
const runs = { numRuns: 2000 };
const refusal = (message: RegExp) =>
  expect.objectContaining({ name: 'FaceDetError', code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });

describe('iou', () => {
  it('is in [0, 1] for any numbers, and symmetric', () => {
    fc.assert(
      fc.property(anyBox, anyBox, (a, b) => {
        const value = iou(a, b);
        expect(value >= 0 && value <= 1).toBe(true);
        expect(iou(b, a)).toBe(value);
      }),
      runs,
    );
  });

  it('is 1 for a box and itself', () => {
    fc.assert(
      fc.property(box, (a) => {
        expect(iou(a, a)).toBeCloseTo(1, 6);
        expect(iou(a, a)).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });

  it('is 0 where a number is not finite or a side not positive', () => {
    const bad = fc
      .tuple(box, fc.constantFrom('x', 'y', 'width', 'height'), fc.constantFrom(NaN, Infinity, -Infinity))
      .map(([b, key, value]) => ({ ...b, [key]: value }));
    const empty = fc
      .tuple(box, fc.constantFrom('width', 'height'), fc.constantFrom(0, -0, -5))
      .map(([b, key, value]) => ({ ...b, [key]: value }));
    fc.assert(
      fc.property(box, fc.oneof(bad, empty), (a, b) => {
        expect(iou(a, b)).toBe(0);
        expect(iou(b, b)).toBe(0);
      }),
      runs,
    );
    expect(iou({ x: 0, y: 0, width: Infinity, height: 4 }, { x: 0, y: 0, width: Infinity, height: 4 })).toBe(0);
  });

  it('does not exceed 1 where x + width is rounded', () => {
    const far = { x: 1e16, y: 0, width: 1.5, height: 4 };
    expect(iou(far, far)).toBe(1);
  });
});

describe('boxArea', () => {
  it('is never negative or NaN', () => {
    fc.assert(
      fc.property(anyBox, (b) => {
        expect(boxArea(b)).toBeGreaterThanOrEqual(0);
      }),
      runs,
    );
    expect(boxArea({ x: 0, y: 0, width: -3, height: -4 })).toBe(0);
    expect(boxArea({ x: 0, y: 0, width: 3, height: 4 })).toBe(12);
  });
});

describe('clipBox', () => {
  it('returns finite numbers inside the image, for any box', () => {
    fc.assert(
      fc.property(anyBox, fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 5000 }), (b, width, height) => {
        const clipped = clipBox(b, width, height);
        expect(clipped.x >= 0 && clipped.y >= 0 && clipped.width >= 0 && clipped.height >= 0).toBe(true);
        expect(clipped.x + clipped.width).toBeLessThanOrEqual(width * (1 + 1e-12));
        expect(clipped.y + clipped.height).toBeLessThanOrEqual(height * (1 + 1e-12));
        if (!Object.values(b).every((v) => !Number.isNaN(v)) || b.width <= 0 || b.height <= 0)
          expect(boxArea(clipped)).toBe(0);
      }),
      runs,
    );
  });

  it('is the intersection with the image', () => {
    fc.assert(
      fc.property(box, fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (b, width, height) => {
        const clipped = clipBox(b, width, height);
        const right = Math.min(b.x + b.width, width) - Math.max(b.x, 0);
        const bottom = Math.min(b.y + b.height, height) - Math.max(b.y, 0);
        expect(clipped.width).toBeCloseTo(Math.max(right, 0), 9);
        expect(clipped.height).toBeCloseTo(Math.max(bottom, 0), 9);
      }),
      runs,
    );
  });

  it.each([
    [NaN, 4],
    [-1, 4],
    [4, Infinity],
    [4, undefined],
  ])('refuses an image of %s × %s', (width, height) => {
    expect(() => clipBox({ x: 0, y: 0, width: 1, height: 1 }, width as number, height as number)).toThrow(
      refusal(/image's width and height/),
    );
  });
});

describe('scaleBox', () => {
  it('keeps the center and scales both sides', () => {
    fc.assert(
      fc.property(box, fc.double({ min: 0, max: 10, noNaN: true }), (b, factor) => {
        const scaled = scaleBox(b, factor);
        expect(scaled.x + scaled.width / 2).toBeCloseTo(b.x + b.width / 2, 6);
        expect(scaled.y + scaled.height / 2).toBeCloseTo(b.y + b.height / 2, 6);
        expect(scaled.width).toBe(b.width * factor);
        expect(scaled.height).toBe(b.height * factor);
      }),
    );
    expect(scaleBox({ x: 1, y: 2, width: 3, height: 4 }, 1)).toEqual({ x: 1, y: 2, width: 3, height: 4 });
  });

  it.each([NaN, -1, Infinity, undefined, '2'])('refuses the factor %s', (factor) => {
    expect(() => scaleBox({ x: 0, y: 0, width: 1, height: 1 }, factor as number)).toThrow(refusal(/for factor/));
  });

  it.each(['x', 'y', 'width', 'height'])('refuses a box whose %s is not finite', (key) => {
    expect(() => scaleBox({ x: 0, y: 0, width: 1, height: 1, [key]: NaN }, 1.3)).toThrow(
      refusal(/a box of finite numbers/),
    );
  });
});
