import type { Box, Landmarks, PixelBuffer } from '@facedet/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTrails, drawPixels, drawPlanes, trackColor, type YuvPlanes } from './index.ts';

const black = (width: number, height: number): PixelBuffer => ({
  data: new Uint8Array(width * height * 3),
  width,
  height,
  format: 'rgb',
});
const box: fc.Arbitrary<Box> = fc.record({
  x: fc.double({ min: -40, max: 200, noNaN: true }),
  y: fc.double({ min: -40, max: 150, noNaN: true }),
  width: fc.double({ min: 0, max: 120, noNaN: true }),
  height: fc.double({ min: 0, max: 120, noNaN: true }),
});

function touched({ data, width, height }: PixelBuffer): { x: number; y: number }[] {
  const list = [];
  for (let i = 0; i < width * height; i++)
    if (data[3 * i]! | data[3 * i + 1]! | data[3 * i + 2]!) list.push({ x: i % width, y: Math.floor(i / width) });
  return list;
}

describe('drawPixels', () => {
  it('draws at the face and never farther from it than the face is high (or wide, for the label)', () => {
    fc.assert(
      fc.property(box, fc.option(fc.nat(20), { nil: undefined }), (b, id) => {
        const pixels = black(200, 150);
        drawPixels(pixels, [{ box: b, score: 0.91, ...(id === undefined ? {} : { id }) }]);
        // Within the picture, the label may be moved sideways or inside; it stays within its face's height.
        const left = Math.min(b.x, 200 - b.width - b.height) - 2;
        const right = Math.max(b.x, 0) + b.width + b.height + 1;
        const far = touched(pixels).filter(
          ({ x, y }) => x < left || x > right || y < b.y - b.height - 2 || y > Math.max(b.y, 0) + 2 * b.height + 2,
        );
        expect(far).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('frames the box: at least its outline changes, its middle does not', () => {
    const pixels = black(120, 90);
    drawPixels(pixels, [{ box: { x: 20, y: 30, width: 40, height: 50 } }], {
      labels: false,
      lineWidth: 1,
      color: () => [255, 0, 0],
    });
    const points = touched(pixels);
    expect(points).toHaveLength(2 * 40 + 2 * 48);
    expect(points.every(({ x, y }) => x === 20 || x === 59 || y === 30 || y === 79)).toBe(true);
  });

  it('writes labels that differ with their text, and the five landmarks', () => {
    const landmarks = [
      [40, 50],
      [60, 50],
      [50, 60],
      [42, 70],
      [58, 70],
    ].map(([x, y]) => ({ x: x!, y: y! })) as Landmarks;
    const face = { box: { x: 30, y: 40, width: 40, height: 45 }, landmarks };
    const draw = (text: string) => {
      const pixels = black(120, 90);
      drawPixels(pixels, [face], { labels: () => text, boxes: false });
      return pixels;
    };
    expect(draw('17').data).not.toEqual(draw('11').data);
    const dots = touched(draw(''));
    for (const { x, y } of landmarks) expect(dots.some((dot) => Math.hypot(dot.x - x, dot.y - y) < 2)).toBe(true);
    expect(dots.every((dot) => landmarks.some(({ x, y }) => Math.hypot(dot.x + 0.5 - x, dot.y + 0.5 - y) < 6))).toBe(
      true,
    );
  });

  it('draws the same into planes as into pixels', () => {
    const face = { box: { x: 13, y: 21, width: 40, height: 50 }, id: 3, score: 0.5 };
    const pixels = black(100, 80);
    drawPixels(pixels, [face]);
    const planes: YuvPlanes = {
      width: 100,
      height: 80,
      planes: [new Uint8Array(8000).fill(16), new Uint8Array(2000).fill(128), new Uint8Array(2000).fill(128)],
      strides: [100, 50, 50],
      subsampling: '420',
    };
    drawPlanes(planes, [face]);
    const luma = planes.planes[0]!;
    let off = 0;
    for (let i = 0; i < 8000; i++) {
      const [r, g, b] = [pixels.data[3 * i]!, pixels.data[3 * i + 1]!, pixels.data[3 * i + 2]!];
      off = Math.max(off, Math.abs(luma[i]! - (16 + (219 / 255) * (0.299 * r + 0.587 * g + 0.114 * b))));
    }
    expect(off).toBeLessThan(1.5);
    expect(planes.planes[1]!.some((v) => v !== 128)).toBe(true);
  });

  it('draws no part of a trail or landmark that is not finite, and nothing else in its place', () => {
    const pixels = { ...black(60, 60), data: new Uint8Array(60 * 60 * 3).fill(90) };
    const landmarks = Array.from({ length: 5 }, () => ({ x: NaN, y: 20 })) as Landmarks;
    drawPixels(pixels, [{ id: 1, box: { x: 0, y: 0, width: 10, height: 10 }, landmarks }], {
      boxes: false,
      labels: false,
      trails: new Map([
        [
          1,
          [
            { x: 5, y: 5 },
            { x: Infinity, y: 44 },
          ],
        ],
      ]),
    });
    expect(pixels.data.every((value) => value === 90)).toBe(true);
  });

  it('refuses a line that has no width', () => {
    for (const lineWidth of [0, -2, NaN, Infinity])
      expect(() => drawPixels(black(10, 10), [], { lineWidth })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    expect(() => createTrails({ duration: NaN })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses a box that is not finite', () => {
    expect(() => drawPixels(black(10, 10), [{ box: { x: 0, y: Infinity, width: 1, height: 1 } }])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('trackColor', () => {
  it('is stable, and far apart for any two of twelve consecutive IDs', () => {
    let nearest = Infinity;
    for (let first = 1; first < 400; first++) {
      for (let other = first + 1; other < first + 12; other++) {
        const [a, b] = [trackColor(first), trackColor(other)];
        nearest = Math.min(nearest, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
      }
    }
    expect(nearest).toBeGreaterThan(40);
    expect(trackColor(7)).toEqual(trackColor(7));
    expect(trackColor(null)).toEqual(trackColor(undefined));
  });
});

describe('createTrails', () => {
  it('keeps the last second of each track and removes tracks that ended', () => {
    const trails = createTrails({ duration: 1 });
    const at = (x: number, id: number | null) => ({ id, box: { x, y: 0, width: 2, height: 2 } });
    for (let frame = 0; frame <= 20; frame++)
      trails.update([at(frame, 1), ...(frame < 5 ? [at(9, 2)] : []), at(0, null)], frame / 10);
    const ways = trails.update([at(21, 1)], 2.1);
    expect([...ways.keys()]).toEqual([1]);
    expect(ways.get(1)!.map(({ x }) => x)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]);
  });

  it('is drawn from the oldest point to the newest', () => {
    const pixels = black(60, 60);
    drawPixels(pixels, [{ id: 1, box: { x: 40, y: 40, width: 8, height: 8 } }], {
      boxes: false,
      labels: false,
      trails: new Map([
        [
          1,
          [
            { x: 5, y: 5 },
            { x: 44, y: 44 },
          ],
        ],
      ]),
    });
    const points = touched(pixels);
    expect(points.length).toBeGreaterThan(30);
    expect(points.every(({ x, y }) => Math.abs(x - y) <= 3)).toBe(true);
  });
});
