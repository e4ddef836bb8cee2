import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { letterbox, sizeForBudget } from './letterbox.ts';
import { detectionSettings } from './settings.ts';

/** The definition: the best of all sizes. */
function bestOfAllSizes(width: number, height: number, pixels: number): [number, number] {
  let best: [number, number] = [32, 32];
  let bestScale = 0;
  for (let w = 32; w <= pixels / 32; w += 32) {
    for (let h = 32; h <= pixels / w; h += 32) {
      const scale = Math.min(w / width, h / height);
      if (scale > bestScale || (scale === bestScale && w * h < best[0] * best[1])) [best, bestScale] = [[w, h], scale];
    }
  }
  return best;
}

describe('sizeForBudget', () => {
  it('is the best of all sizes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1024, max: 300_000 }),
        (w, h, pixels) => {
          const [width, height] = bestOfAllSizes(w, h, pixels);
          expect(sizeForBudget({ width: w, height: h }, pixels)).toEqual({ width, height });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the documented sizes', () => {
    expect(sizeForBudget({ width: 1920, height: 1080 }, 409_600)).toEqual({ width: 832, height: 480 });
    expect(sizeForBudget({ width: 2048, height: 1150 }, 409_600)).toEqual({ width: 832, height: 480 });
    expect(sizeForBudget({ width: 500, height: 500 }, 409_600)).toEqual({ width: 640, height: 640 });
  });
});

describe('letterbox', () => {
  it('keeps the image inside the input, at the largest scale, within a pixel of its aspect ratio', () => {
    const size = fc.oneof(
      fc.integer({ min: 32, max: 1000 }),
      fc
        .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }))
        .map(([w, h]) => ({ width: 32 * w, height: 32 * h })),
      fc.integer({ min: 1024, max: 600_000 }).map((pixels) => ({ pixels })),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8000 }),
        fc.integer({ min: 1, max: 8000 }),
        size,
        fc.constantFrom('paper' as const, 'runtime' as const),
        (w, h, s, preset) => {
          const l = letterbox({ width: w, height: h }, s, preset);
          expect(l.inputWidth % 32 || l.inputHeight % 32).toBe(0);
          expect(l.width).toBeGreaterThanOrEqual(1);
          expect(l.height).toBeGreaterThanOrEqual(1);
          expect(l.width).toBeLessThanOrEqual(l.inputWidth);
          expect(l.height).toBeLessThanOrEqual(l.inputHeight);
          const [inputWidth, inputHeight] = typeof s === 'number' ? [s, s] : [l.inputWidth, l.inputHeight];
          const scale = Math.min(inputWidth / w, inputHeight / h);
          expect(Math.abs(l.width - Math.max(w * scale, 1))).toBeLessThanOrEqual(1);
          expect(Math.abs(l.height - Math.max(h * scale, 1))).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('pads the shorter side to the next multiple of 32 if the size is the longer side', () => {
    expect(letterbox({ width: 1920, height: 1080 }, 640)).toMatchObject({
      inputWidth: 640,
      inputHeight: 384,
      width: 640,
      height: 360,
    });
  });

  it('rounds for paper and truncates for runtime', () => {
    const image = { width: 1024, height: 683 };
    const inputSize = { width: 640, height: 640 };
    expect(letterbox(image, inputSize, 'paper')).toMatchObject({
      width: 640,
      height: 427,
      scaleX: 640 / 1024,
      scaleY: 427 / 683,
    });
    expect(letterbox(image, inputSize, 'runtime')).toMatchObject({
      width: 640,
      height: 426,
      scaleX: 640 / 1024,
      scaleY: 426 / 683,
    });
  });
});

describe('detectionSettings', () => {
  it('fills in the published defaults', () => {
    expect(detectionSettings()).toMatchObject({
      preset: 'runtime',
      sizes: [{ pixels: 409_600 }],
      scoreThreshold: 0.5,
      iouThreshold: 0.4,
    });
    expect(detectionSettings({ preset: 'paper' })).toMatchObject({
      sizes: [{ width: 640, height: 640 }],
      scoreThreshold: 0.02,
      iouThreshold: 0.45,
    });
  });

  it('reads a list as one pass per size, also of two numbers', () => {
    const size = { width: 320, height: 640 };
    expect(detectionSettings({ inputSize: 640 }).sizes).toEqual([640]);
    expect(detectionSettings({ inputSize: size }).sizes).toEqual([size]);
    expect(detectionSettings({ inputSize: [size, 640] }).sizes).toEqual([size, 640]);
    expect(detectionSettings({ inputSize: [320, 640] }).sizes).toEqual([320, 640]);
  });

  it.each([
    [{ scoreThreshold: 1.5 }, 'scoreThreshold'],
    [{ iouThreshold: NaN }, 'iouThreshold'],
    [{ inputSize: { width: 630, height: 640 } }, 'multiples of 32'],
    [{ inputSize: 8 }, 'at least 32'],
    [{ inputSize: { pixels: 5 } }, 'pixel budget'],
    [{ inputSize: [] }, 'empty list'],
    [{ inputSize: { longSide: 640 } as unknown as number }, 'a number is the longer side'],
    [{ inputSize: [[640, 640]] as unknown as number[] }, '{ width, height }'],
    [{ inputSize: { width: 640 } as { width: number; height: number } }, 'height'],
    [{ maxFaces: 0 }, 'maxFaces'],
    [{ preset: 'best' as 'paper' }, 'preset'],
    [{ tiles: { overlap: 1 } }, 'overlap'],
    [{ clahe: { grid: 0 } }, 'clahe'],
  ])('refuses %j', (options, words) => {
    expect(() => detectionSettings(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(words) }),
    );
  });
});
