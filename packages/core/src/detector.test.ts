import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InferenceBackend } from './backend.ts';
import { createDetector } from './detector.ts';
import { letterbox } from './letterbox.ts';
import { fakeBackend } from './testing/index.ts';
import type { Face, ImageSource, Landmarks, PixelBuffer, RasterizeOptions } from './types.ts';

const model = new Uint8Array(1);
const gray = (width: number, height: number): PixelBuffer => ({
  width,
  height,
  format: 'gray',
  data: new Uint8Array(width * height).fill(128),
});

function face(x: number, y: number, side: number, score: number): Face {
  const at = (u: number, v: number) => ({ x: x + u * side, y: y + v * side });
  return {
    box: { x, y, width: side, height: side * 1.25 },
    score,
    landmarks: [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.9), at(0.65, 0.9)] as Landmarks,
  };
}

const near = (actual: Face, wanted: Face, tolerance = 1e-3) => {
  for (const key of ['x', 'y', 'width', 'height'] as const)
    expect(Math.abs(actual.box[key] - wanted.box[key])).toBeLessThan(tolerance);
  expect(actual.score).toBeCloseTo(wanted.score, 5);
};

describe('createDetector', () => {
  const faces = [face(40, 60, 30, 0.9), face(300, 200, 90, 0.8), face(420, 30, 200, 0.7)];

  for (const layout of ['flat', 'batched', 'heads'] as const) {
    for (const strides of [3, 5] as const) {
      for (const landmarks of [true, false]) {
        it(`reads ${strides} strides, ${layout}, ${landmarks ? 'with' : 'without'} landmarks`, async () => {
          const detector = await createDetector({
            backend: fakeBackend({ faces, layout, strides, landmarks }),
            model,
            inputSize: { width: 640, height: 640 },
          });
          const found = await detector.detect(gray(640, 640));
          expect(found).toHaveLength(3);
          found.forEach((f, i) => near(f, faces[i]!));
          if (landmarks)
            found.forEach((f, i) =>
              f.landmarks!.forEach((p, k) =>
                expect(Math.hypot(p.x - faces[i]!.landmarks![k]!.x, p.y - faces[i]!.landmarks![k]!.y)).toBeLessThan(
                  1e-3,
                ),
              ),
            );
          else expect(found.every((f) => !('landmarks' in f))).toBe(true);
        });
      }
    }
  }

  it('maps boxes back to the source, whatever its size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 64, max: 3000 }),
        fc.integer({ min: 64, max: 3000 }),
        fc.constantFrom('paper' as const, 'runtime' as const),
        async (width, height, preset) => {
          const side = Math.min(width, height) / 3;
          const wanted = face(width / 3, height / 4, side, 0.9);
          const { scaleX, scaleY } = letterbox({ width, height }, { width: 640, height: 640 }, preset);
          const inInput: Face = {
            score: 0.9,
            box: {
              x: wanted.box.x * scaleX,
              y: wanted.box.y * scaleY,
              width: wanted.box.width * scaleX,
              height: wanted.box.height * scaleY,
            },
          };
          const detector = await createDetector({
            backend: fakeBackend({ faces: [inInput], landmarks: false }),
            model,
            preset,
            inputSize: { width: 640, height: 640 },
          });
          const source: ImageSource = { width, height, rasterize: (w, h) => gray(w, h) };
          const [found] = await detector.detect(source);
          near(found!, wanted, 0.01);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('asks a raster source for the scaled size only, and for regions if there are tiles', async () => {
    const asked: [number, number, RasterizeOptions | undefined][] = [];
    const source: ImageSource = {
      width: 1920,
      height: 1080,
      rasterize: (w, h, o) => (asked.push([w, h, o]), gray(w, h)),
    };
    const detector = await createDetector({ backend: fakeBackend({ faces: [] }), model, inputSize: 640 });
    await detector.detect(source);
    expect(asked).toEqual([[640, 360, { signal: expect.any(AbortSignal) }]]);
    asked.length = 0;
    const tiled = await createDetector({
      backend: fakeBackend({ faces: [] }),
      model,
      inputSize: { width: 640, height: 640 },
      tiles: true,
    });
    await tiled.detect(source);
    expect(asked.length).toBe(1 + 4 * 2);
    expect(asked.slice(1).every(([w, h, o]) => w === 640 && h === 640 && o?.region?.width === 640)).toBe(true);
  });

  it('merges tiles and drops faces that their inner edges cut', async () => {
    // One face at 700, 100 of the source; the model finds it where the pixels are bright.
    const [width, height] = [1280, 640];
    const pixels = gray(width, height);
    (pixels.data as Uint8Array).fill(0);
    for (let y = 100; y < 140; y++) (pixels.data as Uint8Array).fill(255, y * width + 700, y * width + 740);
    const backend = fakeBackend({
      faces(input, image) {
        const [, , h, w] = input.dims as [number, number, number, number];
        const data = (input.data as Float32Array).subarray(image * 3 * h * w);
        let [x0, y0, x1, y1] = [Infinity, Infinity, -1, -1];
        for (let y = 0; y < h; y++)
          for (let x = 0; x < w; x++)
            if (data[y * w + x]! > 0.5)
              [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
        return x1 < 0 ? [] : [{ score: 0.9, box: { x: x0, y: y0, width: x1 - x0, height: y1 - y0 } }];
      },
    });
    const detector = await createDetector({
      backend,
      model,
      inputSize: { width: 640, height: 640 },
      tiles: { size: 640, overlap: 0.25 },
    });
    const found = await detector.detect(pixels);
    expect(found).toHaveLength(1);
    near(found[0]!, { score: 0.9, box: { x: 700, y: 100, width: 40, height: 40 } }, 2.1);
  });

  it('runs batches if the model accepts them, and finds the same faces one by one', async () => {
    const batches: number[] = [];
    const found = (input: { dims: readonly number[] }, image: number) => (
      image === 0 && batches.push(input.dims[0]!),
      faces
    );
    const images = [gray(640, 640), gray(320, 640), gray(640, 640)];
    const free = await createDetector({
      backend: fakeBackend({ faces: found }),
      model,
      inputSize: { width: 640, height: 640 },
    });
    const together = await free.detectBatch(images);
    expect(batches).toEqual([3]);
    batches.length = 0;
    const single = await createDetector({
      backend: fakeBackend({ faces: found, layout: 'flat' }),
      model,
      inputSize: { width: 640, height: 640 },
    });
    expect(await single.detectBatch(images)).toEqual(together);
    expect(batches).toEqual([1, 1, 1]);
  });

  it('accepts another input size for one call', async () => {
    const shapes: string[] = [];
    const detector = await createDetector({
      backend: fakeBackend({ faces: (input) => (shapes.push(input.dims.join()), []) }),
      model,
      inputSize: 640,
      tiles: true,
      rotate: 0,
    });
    await detector.detectBatch([gray(64, 64), gray(80, 80)], { inputSize: { width: 128, height: 128 } });
    await detector.detect(gray(640, 384));
    expect(shapes).toEqual(['2,3,128,128', '2,3,128,128', '1,3,384,640']);
    await expect(detector.detect(gray(64, 64), { inputSize: { width: 100, height: 100 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('uses the input size of a model with a fixed shape', async () => {
    const shapes: string[] = [];
    const backend = fakeBackend({
      faces: (input) => (shapes.push(input.dims.join()), []),
      inputShape: [1, 3, 384, 640],
      layout: 'flat',
    });
    await (
      await createDetector({
        backend,
        model,
        inputSize: [
          { width: 320, height: 320 },
          { width: 960, height: 960 },
        ],
        rotate: 0,
      })
    ).detect(gray(100, 100));
    expect(shapes).toEqual(['1,3,384,640']);
  });

  it('clips boxes and excludes the threshold in paper, not in runtime', async () => {
    const outside = [{ box: { x: -20, y: -20, width: 100, height: 100 }, score: 0.5 }];
    for (const preset of ['paper', 'runtime'] as const) {
      const detector = await createDetector({
        backend: fakeBackend({ faces: outside, landmarks: false }),
        model,
        preset,
        inputSize: { width: 640, height: 640 },
        scoreThreshold: 0.4,
      });
      const [found] = await detector.detect(gray(640, 640));
      expect(found!.box.x).toBeCloseTo(preset === 'paper' ? 0 : -20, 4);
      const exact = await createDetector({
        backend: fakeBackend({ faces: outside }),
        model,
        preset,
        inputSize: { width: 640, height: 640 },
        scoreThreshold: 0.5,
      });
      expect(await exact.detect(gray(640, 640))).toHaveLength(preset === 'paper' ? 0 : 1);
    }
  });

  it('runs one call at a time and stays usable after a failure', async () => {
    let fail = true;
    const backend = fakeBackend({
      faces,
      async onRun() {
        await new Promise((done) => setTimeout(done, 1));
        if (fail) throw new Error('the engine failed');
      },
    });
    const detector = await createDetector({ backend, model, inputSize: { width: 640, height: 640 } });
    await expect(detector.detect(gray(64, 64))).rejects.toThrow('failed');
    fail = false;
    const all = await Promise.all(Array.from({ length: 5 }, () => detector.detect(gray(640, 640))));
    expect(all.every((f) => f.length === 3)).toBe(true);
    await detector.warmup();
    await detector.dispose();
    await expect(detector.detect(gray(64, 64))).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it("rejects an aborted call with the signal's reason", async () => {
    const detector = await createDetector({ backend: fakeBackend({ faces }), model });
    const reason = new Error('no longer needed');
    await expect(detector.detect(gray(64, 64), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.each([
    [{ width: 0, height: 4, format: 'gray', data: new Uint8Array(4) }, 'width'],
    [{ width: 4, height: 4, format: 'gray', data: new Uint8Array(15) }, '16 bytes'],
    [{ width: 4, height: 4, format: 'yuv', data: new Uint8Array(99) }, 'yuv'],
    [{ width: 4, height: 4, format: 'rgb', data: new Uint8Array(99), stride: 4 }, 'stride'],
    [null, 'null'],
    ['photo.jpg', 'string'],
  ])('refuses the image %j', async (image, words) => {
    const detector = await createDetector({ backend: fakeBackend({ faces }), model });
    await expect(detector.detect(image as unknown as ImageSource)).rejects.toMatchObject({
      code: 'INVALID_IMAGE',
      message: expect.stringContaining(words),
    });
  });
});

describe('unsupported models', () => {
  const session = (inputs: object[], count = 9) =>
    ({
      name: 'x',
      createSession: async () => ({
        inputs,
        outputs: Array.from({ length: count }, (_, i) => ({ name: `o${i}`, type: 'float32' })),
        run: async () => ({}),
        dispose: async () => {},
      }),
    }) as unknown as InferenceBackend;
  const image = { name: 'in', type: 'float32', shape: [1, 3, 640, 640] };

  it.each([
    [[], 9, 'MODEL_INPUT_UNSUPPORTED', 'no input'],
    [[image, image], 9, 'MODEL_INPUT_UNSUPPORTED', 'one input'],
    [[{ ...image, type: 'uint8' }], 9, 'MODEL_INPUT_UNSUPPORTED', 'uint8'],
    [[{ ...image, shape: [3, 640, 640] }], 9, 'MODEL_INPUT_UNSUPPORTED', '[3, 640, 640]'],
    [[{ ...image, shape: [1, 1, 640, 640] }], 9, 'MODEL_INPUT_UNSUPPORTED', '3 channels'],
    [[{ ...image, shape: [1, 3, 100, 100] }], 9, 'MODEL_INPUT_UNSUPPORTED', 'multiples of 32'],
    [[image], 1, 'MODEL_OUTPUTS_UNSUPPORTED', 'o0'],
  ])('%j with %i outputs is %s', async (inputs, count, code, words) => {
    await expect(createDetector({ backend: session(inputs, count), model })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });

  const withChangedOutputs = (
    change: (outputs: Record<string, { dims: number[]; data: Float32Array }>) => void,
  ): InferenceBackend => {
    const inner = fakeBackend({ faces: [face(40, 60, 30, 0.9)] });
    return {
      name: 'changed',
      async createSession(m) {
        const s = await inner.createSession(m);
        return {
          ...s,
          run: async (feeds, options) => {
            const out = await s.run(feeds, options);
            change(out as never);
            return out;
          },
        };
      },
    };
  };

  it('lists the outputs if a shape fits none', async () => {
    const detector = await createDetector({
      backend: withChangedOutputs((o) => {
        o['bbox_16']!.dims = [1, 3, 1, 1];
      }),
      model,
      inputSize: { width: 64, height: 64 },
    });
    await expect(detector.detect(gray(64, 64))).rejects.toMatchObject({
      code: 'MODEL_OUTPUTS_UNSUPPORTED',
      message: expect.stringMatching(/bbox_16 float32 \[1, 3, 1, 1\].*N = 128, 32, 8/),
    });
  });

  it.each([
    ['score_8', NaN],
    ['score_8', Infinity],
    ['bbox_8', NaN],
    ['bbox_8', -Infinity],
  ])('reports %s = %d', async (name, value) => {
    const detector = await createDetector({
      backend: withChangedOutputs((o) => {
        o[name]!.data.fill(value);
      }),
      model,
      inputSize: { width: 640, height: 640 },
    });
    await expect(detector.detect(gray(640, 640))).rejects.toMatchObject({ code: 'MODEL_OUTPUT_NOT_FINITE' });
  });
});
