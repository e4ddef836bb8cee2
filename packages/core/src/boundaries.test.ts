import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InferenceBackend, Tensor } from './backend.ts';
import { createDetector } from './detector.ts';
import type { DetectionOptions, DetectOptions } from './options.ts';
import { planPasses } from './plan.ts';
import { detectionSettings, settingsForCall } from './settings.ts';
import { fakeBackend } from './testing/index.ts';
import type { Face, ImageSource, Landmarks, PixelBuffer } from './types.ts';

const model = new Uint8Array(1);
const gray = (width: number, height: number): PixelBuffer => ({
  width,
  height,
  format: 'gray',
  data: new Uint8Array(width * height),
});
const at = (x: number, y: number) => ({ x, y });
const face: Face = {
  score: 0.9,
  box: { x: 20, y: 20, width: 24, height: 30 },
  landmarks: [at(25, 28), at(38, 28), at(32, 35), at(27, 42), at(37, 42)] as Landmarks,
};

/** The fake backend, whose outputs are changed. */
function withChangedOutputs(
  change: (outputs: Record<string, Tensor & { data: Float32Array }>) => void,
): InferenceBackend {
  const inner = fakeBackend({ faces: [face] });
  return {
    name: 'changed',
    async createSession(bytes) {
      const session = await inner.createSession(bytes);
      return {
        ...session,
        async run(feeds, options) {
          const outputs = await session.run(feeds, options);
          change(outputs as never);
          return outputs;
        },
      };
    },
  };
}

describe('rasterized pixels', () => {
  const detectRasterized = async (pixels: unknown) => {
    const detector = await createDetector({
      backend: fakeBackend({ faces: [] }),
      model,
      inputSize: { width: 320, height: 192 },
    });
    const source = { width: 640, height: 384, rasterize: () => pixels } as unknown as ImageSource;
    return detector.detect(source);
  };

  it.each([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['another size', gray(1, 1), '1 × 1'],
    ["the source's own size", gray(640, 384), '640 × 384'],
    ['a short buffer', { ...gray(320, 192), data: new Uint8Array(3) }, 'received 3'],
    ['no buffer', { width: 320, height: 192, format: 'gray' }, 'data'],
    ['floats', { width: 320, height: 192, format: 'gray', data: new Float32Array(320 * 192) }, 'Float32Array'],
    ['an unknown format', { ...gray(320, 192), format: 'yuv420' }, 'yuv420'],
    ['too small a stride', { ...gray(320, 192), stride: 100 }, 'stride'],
    ['another source', { width: 320, height: 192, rasterize: () => gray(320, 192) }, 'raster source'],
    ['a promise of a wrong size', Promise.resolve(gray(320, 190)), '320 × 190'],
  ])('are refused if they are %s', async (_, pixels, words) => {
    await expect(detectRasterized(pixels)).rejects.toMatchObject({
      code: 'INVALID_IMAGE',
      message: expect.stringContaining(words),
    });
    await expect(detectRasterized(pixels)).rejects.toThrow(/rasterize\(320, 192\)|Expected/);
  });

  it('are refused if later pixels of a call are written over earlier ones', async () => {
    const memory = new Uint8Array(640 * 640 * 3);
    const source = (ownsMemory: boolean): ImageSource => ({
      width: 640,
      height: 384,
      rasterize: (width, height) => ({
        width,
        height,
        format: 'rgb',
        data: (ownsMemory ? new Uint8Array(memory) : memory).subarray(0, width * height * 3),
      }),
    });
    for (const options of [
      { inputSize: [320, 640] },
      { inputSize: 320, tiles: { size: 320 } },
    ] satisfies DetectionOptions[]) {
      const detector = await createDetector({ backend: fakeBackend({ faces: [] }), model, ...options });
      await expect(detector.detect(source(false))).rejects.toMatchObject({
        code: 'INVALID_IMAGE',
        message: expect.stringContaining('memory of their own'),
      });
      await expect(detector.detect(source(true))).resolves.toEqual([]);
    }
    // One pass after another in the same memory is harmless.
    const detector = await createDetector({ backend: fakeBackend({ faces: [] }), model });
    for (let i = 0; i < 2; i++) await expect(detector.detect(source(false))).resolves.toEqual([]);
  });

  it('are accepted in every format', async () => {
    for (const format of ['rgb', 'rgba', 'bgr', 'bgra', 'gray'] as const) {
      await expect(
        detectRasterized({ width: 320, height: 192, format, data: new Uint8ClampedArray(320 * 192 * 4) }),
      ).resolves.toEqual([]);
    }
  });
});

describe('model outputs', () => {
  const detect = async (change: Parameters<typeof withChangedOutputs>[0]) => {
    const detector = await createDetector({
      backend: withChangedOutputs(change),
      model,
      inputSize: { width: 64, height: 64 },
    });
    return detector.detect(gray(64, 64));
  };

  it('are refused if scores are not probabilities: a model without its sigmoid', async () => {
    const logit = (p: number) => Math.log(Math.max(p, 1e-6) / (1 - Math.min(p, 1 - 1e-6)));
    const logits = detect((outputs) => {
      for (const [name, { data }] of Object.entries(outputs))
        if (name.startsWith('score')) data.forEach((p, i) => (data[i] = logit(p)));
    });
    await expect(logits).rejects.toMatchObject({
      code: 'MODEL_OUTPUTS_UNSUPPORTED',
      message: expect.stringContaining('sigmoid'),
    });
    for (const value of [-0.5, 1.5, 30]) {
      await expect(detect(({ score_16: scores }) => scores!.data.fill(value, 3, 4))).rejects.toMatchObject({
        code: 'MODEL_OUTPUTS_UNSUPPORTED',
      });
    }
  });

  it('are accepted if an approximate sigmoid exceeds [0, 1] slightly', async () => {
    const faces = await detect(({ score_8: scores }) =>
      scores!.data.forEach((p, i) => (scores!.data[i] = p > 0.5 ? 1.0005 : -0.0005)),
    );
    expect(faces[0]!.score).toBe(1);
  });

  it('are not a face if the box has a negative size', async () => {
    const faces = await detect(({ bbox_8: boxes }) =>
      boxes!.data.forEach((_, i) => (boxes!.data[i] = i % 4 < 2 ? -3 : 1)),
    );
    expect(faces).toEqual([]);
  });

  it('are refused if a landmark of a face is not finite', async () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      const broken = detect((outputs) => {
        for (const [name, { data }] of Object.entries(outputs)) if (name.startsWith('kps')) data.fill(value);
      });
      await expect(broken).rejects.toMatchObject({
        code: 'MODEL_OUTPUT_NOT_FINITE',
        message: expect.stringContaining('landmark'),
      });
    }
  });
});

describe('options', () => {
  it('that are undefined have their default, at every depth', () => {
    const plain = detectionSettings({ tiles: true, clahe: true });
    const explicit = detectionSettings({
      preset: undefined,
      inputSize: undefined,
      rotate: undefined,
      scoreThreshold: undefined,
      iouThreshold: undefined,
      maxFaces: undefined,
      tiles: { size: undefined, overlap: undefined },
      clahe: { clipLimit: undefined, grid: undefined, belowLuma: undefined },
    } as unknown as DetectionOptions);
    expect(explicit).toEqual(plain);
    expect(
      settingsForCall(plain, {
        inputSize: undefined,
        scoreThreshold: undefined,
        rotate: undefined,
        signal: undefined,
      } as unknown as DetectOptions),
    ).toBe(plain);
  });

  it.each([
    [{ scoreTreshold: 0.3 }, 'scoreThreshold'],
    [{ score: 0.3 }, 'scoreThreshold'],
    [{ rotation: 90 }, 'rotate'],
    [{ tiles: { sizes: 640 } }, 'tiles.size'],
    [{ clahe: { clip: 2 } }, 'clahe.clipLimit'],
  ])('with an unknown name are refused: %j', async (options, suggestion) => {
    const backend = fakeBackend({ faces: [] });
    await expect(createDetector({ backend, model, ...(options as object) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`did you mean ${suggestion}?`),
    });
  });

  it('of one call with an unknown name are refused, too', async () => {
    const detector = await createDetector({ backend: fakeBackend({ faces: [] }), model });
    await expect(detector.detect(gray(64, 64), { treshold: 0.1 } as DetectOptions)).rejects.toThrow(
      'did you mean scoreThreshold?',
    );
    await expect(detector.detectBatch([gray(64, 64)], { size: 640 } as DetectOptions)).rejects.toThrow(
      'did you mean inputSize?',
    );
  });

  it('limit the number of tiles before any is created', () => {
    for (const size of [0, -5, 4, 31, NaN, Infinity])
      expect(() => detectionSettings({ tiles: { size } })).toThrow('tiles.size');
    const settings = detectionSettings({ tiles: { size: 32, overlap: 0.89 } });
    expect(() => planPasses(20_000, 20_000, settings, { width: null, height: null })).toThrow(
      /at most 4096 tiles.*raise tiles.size/,
    );
  });

  it('override the threshold for one call', async () => {
    const faces: Face[] = [0.9, 0.4, 0.15].map((score, i) => ({
      score,
      box: { x: 10 + 150 * i, y: 20, width: 60, height: 70 },
    }));
    const detector = await createDetector({
      backend: fakeBackend({ faces, landmarks: false }),
      model,
      inputSize: { width: 640, height: 640 },
      rotate: 0,
    });
    const scores = async (options?: DetectOptions) =>
      (await detector.detect(gray(640, 640), options)).map(({ score }) => Number(score.toFixed(2)));
    expect(await scores()).toEqual([0.9]);
    expect(await scores({ scoreThreshold: 0.1 })).toEqual([0.9, 0.4, 0.15]);
    expect(await scores({ scoreThreshold: 0.3 })).toEqual([0.9, 0.4]);
    expect(await scores()).toEqual([0.9]);
    await expect(scores({ scoreThreshold: 1.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('are not converted to strings', () => {
    for (const preset of [['paper'], { toString: 0 }, { toString: () => 'paper' }, Object('paper')] as unknown[])
      expect(() => detectionSettings({ preset } as DetectionOptions)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
  });

  it('of any kind are accepted or refused with INVALID_ARGUMENT', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.constantFrom(0, 0.5, 1, 640, 'auto', [0, 90], [640, 640], { pixels: 409_600 }, true),
    );
    const names = ['preset', 'inputSize', 'rotate', 'scoreThreshold', 'iouThreshold', 'maxFaces', 'tiles', 'clahe'];
    fc.assert(
      fc.property(fc.constantFrom(...names), anything, (name, value) => {
        try {
          detectionSettings({ [name]: value } as DetectionOptions);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
          expect((error as Error).message.length).toBeLessThanOrEqual(1000);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
