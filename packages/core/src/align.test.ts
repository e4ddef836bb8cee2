import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignFace } from './align.ts';
import { resizeBilinear } from './resize.ts';
import type { ImageSource, Landmarks, PixelBuffer } from './types.ts';

const TEMPLATE = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
] as const;

/** An image with a bright dot of radius `r` at each landmark. */
function dots(landmarks: Landmarks, side: number, r: number): PixelBuffer {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      if (landmarks.some((p) => Math.hypot(x + 0.5 - p.x, y + 0.5 - p.y) < r))
        data.fill(255, 3 * (y * side + x), 3 * (y * side + x) + 3);
  return { data, width: side, height: side, format: 'rgb' };
}

/** A rotated, scaled and moved template. */
const moved = (angle: number, scale: number, dx: number, dy: number) =>
  TEMPLATE.map(([x, y]) => ({
    x: scale * (Math.cos(angle) * x - Math.sin(angle) * y) + dx,
    y: scale * (Math.sin(angle) * x + Math.cos(angle) * y) + dy,
  })) as Landmarks;

it.each([
  [0, 1, 20, 30],
  [0.5, 2, 150, 20],
  [-2, 1.4, 100, 260],
  [Math.PI, 0.9, 250, 250],
])('maps landmarks rotated by %d and scaled by %d to the template', async (angle, scale, dx, dy) => {
  const landmarks = moved(angle, scale, dx, dy);
  const picture = dots(landmarks, 420, 3 * scale);
  const source: ImageSource = {
    width: 420,
    height: 420,
    rasterize: (w, h, o) => resizeBilinear(picture, w, h, o?.region),
  };
  for (const image of [picture, source]) {
    const crop = await alignFace(image, landmarks);
    expect([crop.width, crop.height]).toEqual([112, 112]);
    for (const [x, y] of TEMPLATE) expect(crop.data[3 * (Math.floor(y) * 112 + Math.floor(x))]).toBeGreaterThan(200);
    expect(crop.data[3 * (20 * 112 + 20)]).toBe(0);
  }
});

const gray: PixelBuffer = { width: 8, height: 8, format: 'gray', data: new Uint8Array(64).fill(9) };
const refusal = (code: string, message: RegExp) => ({
  name: 'FaceDetError',
  code,
  message: expect.stringMatching(message),
});

it('gives the same crop of plain pixels and of a raster source', async () => {
  const [width, height] = [60, 50];
  const data = Uint8Array.from({ length: width * height }, (_, i) => 20 + 3 * (i % width) + Math.floor(i / width));
  const picture: PixelBuffer = { data, width, height, format: 'gray' };
  const source: ImageSource = { width, height, rasterize: (w, h, o) => resizeBilinear(picture, w, h, o?.region) };
  const placement = fc.tuple(
    fc.double({ min: -4, max: 4, noNaN: true }),
    fc.double({ min: 0.05, max: 1.4, noNaN: true }),
    fc.double({ min: -60, max: 90, noNaN: true }),
    fc.double({ min: -60, max: 90, noNaN: true }),
  );
  await fc.assert(
    fc.asyncProperty(placement, fc.constantFrom(16, 112), async ([angle, scale, dx, dy], size) => {
      const landmarks = moved(angle, scale, dx, dy);
      // Below 1.5 source pixels per pixel of the crop, the source does not scale the region down.
      fc.pre((scale * 112) / size < 1.5);
      const [plain, scaled] = await Promise.all([
        alignFace(picture, landmarks, { size }),
        alignFace(source, landmarks, { size }),
      ]);
      const off = Array.from(plain.data, (v, i) => Math.abs(v - scaled.data[i]!));
      expect(Math.max(...off)).toBeLessThanOrEqual(1);
    }),
  );
});

describe('refused', () => {
  const good = moved(0, 0.05, 1, 1);
  const replaced = (i: number, point: unknown) => good.map((p, k) => (k === i ? point : p)) as unknown as Landmarks;

  it.each<[string, unknown]>([
    ['that coincide', Array.from({ length: 5 }, () => ({ x: 4, y: 4 }))],
    ['with NaN', replaced(2, { x: NaN, y: 4 })],
    ['with Infinity', replaced(4, { x: 1, y: -Infinity })],
    ['with a text', replaced(0, { x: '1', y: 4 })],
    ['as pairs of numbers', good.map(({ x, y }) => [x, y])],
    ['with a hole', replaced(3, undefined)],
    ['that are four', good.slice(1)],
    ['that are six', [...good, { x: 1, y: 1 }]],
    ['astronomically far apart', good.map(({ x, y }) => ({ x: x * 1e300, y: y * 1e300 }))],
    ['missing', undefined],
  ])('are landmarks %s', async (_, landmarks) => {
    await expect(alignFace(gray, landmarks as Landmarks)).rejects.toMatchObject(
      refusal('INVALID_ARGUMENT', /landmarks/),
    );
  });

  it.each([
    [{ size: 0 }, /for size but received 0/],
    [{ size: 12.5 }, /12\.5/],
    [{ size: NaN }, /NaN/],
    [{ size: 1e6 }, /from 1 to 8192/],
    [{ sise: 64 }, /did you mean size\?/],
    [null, /an object/],
  ])('are options %j', async (options, message) => {
    await expect(alignFace(gray, good, options as object)).rejects.toMatchObject(refusal('INVALID_ARGUMENT', message));
  });

  it.each<[string, unknown]>([
    ['of another size than requested', { ...gray, width: 4 }],
    ['with too few bytes', null],
    ['that are missing', undefined],
  ])('are pixels of a source %s', async (label, pixels) => {
    const rasterize = (width: number, height: number) =>
      label.includes('bytes') ? { width, height, format: 'rgb', data: new Uint8Array(3) } : pixels;
    await expect(alignFace({ width: 8, height: 8, rasterize } as ImageSource, good)).rejects.toMatchObject(
      refusal('INVALID_IMAGE', /rasterize|at least/),
    );
  });

  it('are plain pixels with too few bytes', async () => {
    await expect(alignFace({ ...gray, data: new Uint8Array(63) }, good)).rejects.toMatchObject(
      refusal('INVALID_IMAGE', /at least 64 bytes/),
    );
  });
});

it('treats an undefined size as the default, and rejects with the reason of an aborted signal', async () => {
  expect((await alignFace(gray, moved(0, 0.05, 1, 1), { size: undefined } as object)).width).toBe(112);
  const reason = new Error('enough');
  await expect(alignFace(gray, moved(0, 0.05, 1, 1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
