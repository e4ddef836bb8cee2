import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetCanvas, letterbox } from './geometry.ts';
import { detectionSettings } from './settings.ts';

/** Every canvas, as the definition says. */
function slowBudget(width: number, height: number, pixels: number): [number, number] {
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

describe('budgetCanvas', () => {
  it('is the best of all canvases', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1024, max: 300_000 }),
        (w, h, pixels) => {
          expect(budgetCanvas(w, h, pixels)).toEqual(slowBudget(w, h, pixels));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the shapes that the plan names', () => {
    expect(budgetCanvas(1920, 1080, 409_600)).toEqual([832, 480]);
    expect(budgetCanvas(2048, 1150, 409_600)).toEqual([832, 480]);
    expect(budgetCanvas(500, 500, 409_600)).toEqual([640, 640]);
  });
});

describe('letterbox', () => {
  it('keeps the picture inside the canvas, at the largest scale, within a pixel of its aspect', () => {
    const size = fc.oneof(
      fc.integer({ min: 32, max: 1000 }),
      fc
        .tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }))
        .map(([w, h]) => [32 * w, 32 * h] as [number, number]),
      fc.integer({ min: 1024, max: 600_000 }).map((pixels) => ({ pixels })),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8000 }),
        fc.integer({ min: 1, max: 8000 }),
        size,
        fc.constantFrom('paper' as const, 'runtime' as const),
        (w, h, s, preset) => {
          const l = letterbox(w, h, s, preset);
          expect(l.canvasWidth % 32 || l.canvasHeight % 32).toBe(0);
          expect(l.width).toBeGreaterThanOrEqual(1);
          expect(l.height).toBeGreaterThanOrEqual(1);
          expect(l.width).toBeLessThanOrEqual(l.canvasWidth);
          expect(l.height).toBeLessThanOrEqual(l.canvasHeight);
          const [cw, ch] = typeof s === 'number' ? [s, s] : [l.canvasWidth, l.canvasHeight];
          const scale = Math.min(cw / w, ch / h);
          expect(Math.abs(l.width - Math.max(w * scale, 1))).toBeLessThanOrEqual(1);
          expect(Math.abs(l.height - Math.max(h * scale, 1))).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('pads the shorter side to the next multiple of 32 for a longer side', () => {
    expect(letterbox(1920, 1080, 640, 'runtime')).toMatchObject({
      canvasWidth: 640,
      canvasHeight: 384,
      width: 640,
      height: 360,
    });
  });

  it('rounds for paper and cuts for runtime', () => {
    expect(letterbox(1024, 683, [640, 640], 'paper')).toMatchObject({
      width: 640,
      height: 427,
      scaleX: 640 / 1024,
      scaleY: 427 / 683,
    });
    expect(letterbox(1024, 683, [640, 640], 'runtime')).toMatchObject({
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
      sizes: [[640, 640]],
      scoreThreshold: 0.02,
      iouThreshold: 0.45,
    });
  });

  it('reads two numbers as a canvas and anything else in brackets as a list', () => {
    expect(detectionSettings({ inputSize: [320, 640] }).sizes).toEqual([[320, 640]]);
    expect(detectionSettings({ inputSize: [[320, 320], 640] }).sizes).toEqual([[320, 320], 640]);
    expect(detectionSettings({ inputSize: [{ longSide: 320 }, { longSide: 640 }] }).sizes).toHaveLength(2);
  });

  it.each([
    [{ scoreThreshold: 1.5 }, 'scoreThreshold'],
    [{ iouThreshold: NaN }, 'iouThreshold'],
    [{ inputSize: [630, 640] as [number, number] }, 'multiples of 32'],
    [{ inputSize: 8 }, 'at least 32'],
    [{ inputSize: { pixels: 5 } }, 'pixel budget'],
    [{ inputSize: [] }, 'empty list'],
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
