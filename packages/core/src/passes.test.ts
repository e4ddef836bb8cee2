import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDetector } from './detector.ts';
import { fakeBackend } from './testing/index.ts';
import { imageOfFace, brightBoxBackend, type InputSeen } from './testing/bright-box-backend.fixture.ts';
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

describe('boxes mapped back to the source', () => {
  it('are exact to 0.01 px along both axes, for any image and input size, in both presets', async () => {
    const size = fc.oneof(
      fc.constant(undefined),
      fc.integer({ min: 32, max: 900 }),
      fc
        .tuple(fc.integer({ min: 2, max: 25 }), fc.integer({ min: 2, max: 25 }))
        .map(([w, h]) => ({ width: 32 * w, height: 32 * h })),
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
          // The model finds a face at the box's position in the scaled image.
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
          // Float32 stores distances in strides to about 1e-7 of their size.
          expectBox(found, box, Math.max(0.01, 1e-6 * Math.max(width, height)));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('faces that fill the image', () => {
  /** The model finds no face that is larger than 320 input pixels. */
  const smallFacesOnly = (seen: InputSeen[] = []) => brightBoxBackend({ largest: 320 }, seen);

  it.each([
    [1280, 720],
    [720, 1280],
    [900, 900],
    [224, 224],
  ])('are found by default in %i × %i', async (width, height) => {
    for (const part of [0.8, 0.95, 1]) {
      const side = part * Math.min(width, height);
      const box = { x: (width - side * 0.8) / 2, y: (height - side) / 2, width: side * 0.8, height: side };
      const detector = await createDetector({ backend: smallFacesOnly(), model });
      const faces = await detector.detect(imageOfFace(width, height, box));
      expect(faces).toHaveLength(1);
      expectBox(faces[0], box, 0.05 * side);
    }
  });

  it('cost one more small run; explicit sizes mean exactly these passes', async () => {
    const runs = async (options: object) => {
      const seen: InputSeen[] = [];
      const detector = await createDetector({ backend: smallFacesOnly(seen), model, rotate: 0, ...options });
      await detector.detect(gray(1920, 1080));
      return seen.map(({ width, height }) => `${width}x${height}`);
    };
    expect(await runs({})).toEqual(['832x480', '160x96']);
    expect(await runs({ inputSize: { pixels: 409_600 } })).toEqual(['832x480']);
    expect(await runs({ inputSize: [320, 640] })).toEqual(['320x192', '640x384']);
    expect(await runs({ preset: 'paper' })).toEqual(['640x640']);
  });

  it('use the pixels of the first pass: the source scales once', async () => {
    let calls = 0;
    const picture = imageOfFace(1920, 1080, { x: 500, y: 10, width: 900, height: 1060 });
    const source: ImageSource = {
      width: 1920,
      height: 1080,
      rasterize: async (w, h) => (calls++, (await import('./resize.ts')).resizeBilinear(picture, w, h)),
    };
    const detector = await createDetector({ backend: smallFacesOnly(), model, rotate: 0 });
    expect(await detector.detect(source)).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('are found by a model with a fixed shape', async () => {
    const box = { x: 100, y: 20, width: 520, height: 680 };
    const backend = brightBoxBackend({ largest: 320, inputShape: [1, 3, 640, 640], layout: 'flat' });
    const detector = await createDetector({ backend, model, rotate: 0 });
    const faces = await detector.detect(imageOfFace(720, 720, box));
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
      inputSize: [640, 320],
    });
    return (await detector.detect(gray(640, 640))).map(({ score }) => Number(score.toFixed(3)));
  };

  it('that one pass detects as a face are dropped if another pass detects the face around them', async () => {
    expect(await detect({ 640: [part], 320: [large] })).toEqual([0.9]);
    expect(await detect({ 640: [large], 320: [part] })).toEqual([0.9]);
  });

  it('are kept if no other pass detects a face around them, or if their own pass detects both', async () => {
    expect(await detect({ 640: [part], 320: [] })).toEqual([0.6]);
    expect(await detect({ 640: [large, part], 320: [large] })).toEqual([0.9, 0.6]);
    const beside: Face = { score: 0.6, box: { x: 460, y: 150, width: 100, height: 90 } };
    expect(await detect({ 640: [beside], 320: [large] })).toEqual([0.9, 0.6]);
    const moreConfident: Face = { ...part, score: 0.95 };
    expect(await detect({ 640: [moreConfident], 320: [large] })).toEqual([0.95, 0.9]);
  });
});

describe('models that fix one side', () => {
  it.each([
    [[1, 3, 'height', 640], 1920, 1080, {}, '640x384'],
    [[1, 3, 384, 'width'], 1920, 1080, {}, '704x384'],
    [[1, 3, 'height', 640], 500, 3000, {}, '640x640'],
    [[1, 3, 'height', 640], 1000, 500, { inputSize: 320 }, '640x320'],
    [[1, 3, 'height', 640], 1000, 500, { inputSize: { width: 320, height: 256 } }, '640x256'],
  ])('%j with %i × %i and %j have the input size %s', async (inputShape, width, height, options, inputSize) => {
    const seen: InputSeen[] = [];
    const box = {
      x: width * 0.4,
      y: height * 0.4,
      width: Math.min(width, height) * 0.2,
      height: Math.min(width, height) * 0.25,
    };
    const backend = brightBoxBackend({ inputShape: inputShape as (number | string)[], layout: 'flat' }, seen);
    const detector = await createDetector({ backend, model, rotate: 0, ...options });
    const [face] = await detector.detect(imageOfFace(width, height, box));
    expect(`${seen[0]!.width}x${seen[0]!.height}`).toBe(inputSize);
    expectBox(face, box, Math.max(width, height) / 50);
  });

  it('or declare no shape work, too', async () => {
    const box = { x: 300, y: 200, width: 100, height: 130 };
    const detector = await createDetector({ backend: brightBoxBackend({ inputShape: [] }), model });
    expectBox((await detector.detect(imageOfFace(800, 600, box)))[0], box, 5);
  });
});
