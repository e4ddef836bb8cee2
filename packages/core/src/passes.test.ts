import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector } from './detector.ts';
import { fakeBackend } from './testing/index.ts';
import { pictureOf, seeingBackend, type SeenCanvas } from './testing/seeing-backend.fixture.ts';
import type { Box, Face, ImageSource, PixelBuffer } from './types.ts';

const model = new Uint8Array(1);
const gray = (width: number, height: number): PixelBuffer => ({
  width,
  height,
  format: 'gray',
  data: new Uint8Array(width * height),
});

function expectBox(face: Face | undefined, box: Box, tolerance: number): void {
  expect(face).toBeDefined();
  for (const key of ['x', 'y', 'width', 'height'] as const)
    expect(Math.abs(face!.box[key] - box[key])).toBeLessThanOrEqual(tolerance);
}

describe('boxes on the way back', () => {
  it('are right to 0.01 px along both axes, for any size of picture and canvas, in both presets', async () => {
    const size = fc.oneof(
      fc.constant(undefined),
      fc.integer({ min: 32, max: 900 }),
      fc
        .tuple(fc.integer({ min: 2, max: 25 }), fc.integer({ min: 2, max: 25 }))
        .map(([w, h]) => [32 * w, 32 * h] as [number, number]),
      fc.integer({ min: 40_000, max: 500_000 }).map((pixels) => ({ pixels })),
    );
    const sides = fc.record({ width: fc.integer({ min: 40, max: 6000 }), height: fc.integer({ min: 40, max: 6000 }) });
    await fc.assert(
      fc.asyncProperty(
        sides,
        size,
        fc.constantFrom('paper' as const, 'runtime' as const),
        fc.constantFrom(0.05, 0.5, 0.9),
        async ({ width, height }, inputSize, preset, place) => {
          const asked: [number, number][] = [];
          const source: ImageSource = { width, height, rasterize: (w, h) => (asked.push([w, h]), gray(w, h)) };
          const box = { x: place * width * 0.9, y: place * height * 0.8, width: width * 0.1, height: height * 0.15 };
          // The model finds what lies at the box's place of the picture it was given.
          const backend = fakeBackend({
            landmarks: false,
            faces() {
              const [w, h] = asked[0]!;
              return [
                {
                  score: 0.9,
                  box: {
                    x: (box.x * w) / width,
                    y: (box.y * h) / height,
                    width: (box.width * w) / width,
                    height: (box.height * h) / height,
                  },
                },
              ];
            },
          });
          const options = inputSize === undefined ? { inputSize: { pixels: 409_600 } } : { inputSize };
          const detector = await createDetector({ backend, model, preset, rotate: 0, ...options });
          const [found] = await detector.detect(source);
          // Float32 holds distances in strides to about 1e-7 of their size.
          expectBox(found, box, Math.max(0.01, 1e-6 * Math.max(width, height)));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('faces that fill the picture', () => {
  /** The model sees no face that is larger than 320 canvas pixels. */
  const nearSighted = (seen: SeenCanvas[] = []) => seeingBackend({ largest: 320 }, seen);

  it.each([
    [1280, 720],
    [720, 1280],
    [900, 900],
    [224, 224],
  ])('are found by default in %i × %i', async (width, height) => {
    for (const part of [0.8, 0.95, 1]) {
      const side = part * Math.min(width, height);
      const box = { x: (width - side * 0.8) / 2, y: (height - side) / 2, width: side * 0.8, height: side };
      const detector = await createDetector({ backend: nearSighted(), model });
      const faces = await detector.detect(pictureOf(width, height, box));
      expect(faces).toHaveLength(1);
      expectBox(faces[0], box, 0.05 * side);
    }
  });

  it('cost one small run more; explicit sizes mean exactly those', async () => {
    const runs = async (options: object) => {
      const seen: SeenCanvas[] = [];
      const detector = await createDetector({ backend: nearSighted(seen), model, rotate: 0, ...options });
      await detector.detect(gray(1920, 1080));
      return seen.map(({ width, height }) => `${width}x${height}`);
    };
    expect(await runs({})).toEqual(['832x480', '160x96']);
    expect(await runs({ inputSize: { pixels: 409_600 } })).toEqual(['832x480']);
    expect(await runs({ inputSize: [{ longSide: 320 }, { longSide: 640 }] })).toEqual(['320x192', '640x384']);
    expect(await runs({ preset: 'paper' })).toEqual(['640x640']);
  });

  it('take their pixels from the first pass: the source scales once', async () => {
    let calls = 0;
    const picture = pictureOf(1920, 1080, { x: 500, y: 10, width: 900, height: 1060 });
    const source: ImageSource = {
      width: 1920,
      height: 1080,
      rasterize: async (w, h) => (calls++, (await import('./resize.ts')).resizeBilinear(picture, w, h)),
    };
    const detector = await createDetector({ backend: nearSighted(), model, rotate: 0 });
    expect(await detector.detect(source)).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('are found by a model with a fixed shape', async () => {
    const box = { x: 100, y: 20, width: 520, height: 680 };
    const backend = seeingBackend({ largest: 320, inputShape: [1, 3, 640, 640], layout: 'flat' });
    const detector = await createDetector({ backend, model, rotate: 0 });
    const faces = await detector.detect(pictureOf(720, 720, box));
    expectBox(faces[0], box, 20);
  });
});

describe('parts of faces', () => {
  const large: Face = { score: 0.9, box: { x: 100, y: 100, width: 400, height: 400 } };
  const part: Face = { score: 0.6, box: { x: 150, y: 150, width: 100, height: 90 } };
  const scaled = ({ score, box }: Face, k: number): Face => ({
    score,
    box: { x: box.x * k, y: box.y * k, width: box.width * k, height: box.height * k },
  });
  const facesAt = (at: Record<number, Face[]>) =>
    fakeBackend({
      landmarks: false,
      faces: (input) => (at[input.dims[3]!] ?? []).map((face) => scaled(face, input.dims[3]! / 640)),
    });
  const detect = async (at: Record<number, Face[]>) => {
    const detector = await createDetector({
      backend: facesAt(at),
      model,
      rotate: 0,
      inputSize: [{ longSide: 640 }, { longSide: 320 }],
    });
    return (await detector.detect(gray(640, 640))).map(({ score }) => Number(score.toFixed(3)));
  };

  it('that one pass takes for a face are left out where another pass sees the face around them', async () => {
    expect(await detect({ 640: [part], 320: [large] })).toEqual([0.9]);
    expect(await detect({ 640: [large], 320: [part] })).toEqual([0.9]);
  });

  it('stay where no other view finds a face around them, or where their own pass sees both', async () => {
    expect(await detect({ 640: [part], 320: [] })).toEqual([0.6]);
    expect(await detect({ 640: [large, part], 320: [large] })).toEqual([0.9, 0.6]);
    const beside: Face = { score: 0.6, box: { x: 460, y: 150, width: 100, height: 90 } };
    expect(await detect({ 640: [beside], 320: [large] })).toEqual([0.9, 0.6]);
    const surer: Face = { ...part, score: 0.95 };
    expect(await detect({ 640: [surer], 320: [large] })).toEqual([0.95, 0.9]);
  });
});

describe('models that fix one side', () => {
  it.each([
    [[1, 3, 'height', 640], 1920, 1080, {}, '640x384'],
    [[1, 3, 384, 'width'], 1920, 1080, {}, '704x384'],
    [[1, 3, 'height', 640], 500, 3000, {}, '640x640'],
    [[1, 3, 'height', 640], 1000, 500, { inputSize: { longSide: 320 } }, '640x320'],
    [[1, 3, 'height', 640], 1000, 500, { inputSize: [320, 256] }, '640x256'],
  ])('%j with %i × %i and %j run on %s', async (inputShape, width, height, options, canvas) => {
    const seen: SeenCanvas[] = [];
    const box = {
      x: width * 0.4,
      y: height * 0.4,
      width: Math.min(width, height) * 0.2,
      height: Math.min(width, height) * 0.25,
    };
    const backend = seeingBackend({ inputShape: inputShape as (number | string)[], layout: 'flat' }, seen);
    const detector = await createDetector({ backend, model, rotate: 0, ...options });
    const [face] = await detector.detect(pictureOf(width, height, box));
    expect(`${seen[0]!.width}x${seen[0]!.height}`).toBe(canvas);
    expectBox(face, box, Math.max(width, height) / 50);
  });

  it('and those whose input declares no shape work', async () => {
    const box = { x: 300, y: 200, width: 100, height: 130 };
    const detector = await createDetector({ backend: seeingBackend({ inputShape: [] }), model });
    expectBox((await detector.detect(pictureOf(800, 600, box)))[0], box, 5);
  });
});
