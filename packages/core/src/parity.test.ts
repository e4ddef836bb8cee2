/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDetector, type InferenceBackend, type InputSize, type PixelBuffer, type Tensor } from './index.ts';
import type { DetectionPreset } from './options.ts';

/** Sizes, synthetic network outputs, and the faces that the reference decodes from them. */
interface Case {
  readonly width: number;
  readonly height: number;
  readonly preset: DetectionPreset;
  readonly inputSize: InputSize;
  readonly strides: 3 | 5;
  readonly landmarks: boolean;
  readonly canvas: readonly [width: number, height: number];
  /** stride, row, score, 4 distances, 10 offsets; all other outputs are 0. */
  readonly outputs: readonly (readonly number[])[];
  /** x, y, width, height, score, 10 coordinates */
  readonly faces: readonly string[];
}

/** The network's input for a small image. */
interface TensorCase {
  readonly width: number;
  readonly height: number;
  readonly preset: DetectionPreset;
  readonly canvas: readonly [width: number, height: number];
  readonly scaled: readonly [width: number, height: number];
  /** The level of the padding. */
  readonly padding: number;
  /** The scaled image's levels, 0 to 255, plane by plane, in base64. */
  readonly levels: string;
}

// tools/training/parity/scrfd.py makes this file with a plain reference in NumPy and OpenCV.
const { cases, tensors } = JSON.parse(readFileSync(new URL('fixtures/parity-scrfd.json', import.meta.url), 'utf8')) as {
  cases: Case[];
  tensors: TensorCase[];
};

/** The image that the script makes by the same formula. */
function picture(width: number, height: number): PixelBuffer {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) data[3 * (y * width + x) + c] = (x * 37 + y * 61 + c * 101 + x * y * 7) % 256;
    }
  }
  return { width, height, format: 'rgb', data };
}

/** A network that returns `outputs` for any input; `fed` receives its inputs. */
function fakeBackend(
  { strides, landmarks, outputs }: Pick<Case, 'strides' | 'landmarks' | 'outputs'>,
  fed: Tensor[],
): InferenceBackend {
  const levels = strides === 3 ? [8, 16, 32] : [8, 16, 32, 64, 128];
  const heads = [
    { kind: 'score', numbers: 1, begin: 2 },
    { kind: 'box', numbers: 4, begin: 3 },
    ...(landmarks ? [{ kind: 'points', numbers: 10, begin: 7 }] : []),
  ];
  const names = heads.flatMap(({ kind, numbers }) => levels.map((stride) => ({ name: `${kind}_${stride}`, numbers })));
  return {
    name: 'fake',
    createSession: async () => ({
      inputs: [{ name: 'input', type: 'float32', dims: [null, 3, null, null] }],
      outputs: names.map(({ name, numbers }) => ({ name, type: 'float32', dims: [null, null, numbers] })),
      async run({ input }) {
        fed.push(input!);
        const [, , height, width] = input!.dims as [number, number, number, number];
        const tensors: Record<string, Tensor> = {};
        for (const { kind, numbers, begin } of heads) {
          for (const stride of levels) {
            const rows = (width / stride) * (height / stride) * (strides === 3 ? 2 : 1);
            const data = new Float32Array(rows * numbers);
            for (const row of outputs)
              if (row[0] === stride) data.set(row.slice(begin, begin + numbers), row[1]! * numbers);
            tensors[`${kind}_${stride}`] = { type: 'float32', dims: [1, rows, numbers], data };
          }
        }
        return tensors;
      },
      async dispose() {},
    }),
  };
}

const model = new Uint8Array(1);

describe('createDetector', () => {
  it.each(
    cases.map(
      (each) =>
        [
          `${each.width} × ${each.height}, ${each.preset}, ${JSON.stringify(each.inputSize)}, ${each.strides} strides` +
            (each.landmarks ? '' : ' without landmarks'),
          each,
        ] as const,
    ),
  )("maps back the reference's faces: %s", async (_, each) => {
    const fed: Tensor[] = [];
    const { width, height, preset, inputSize } = each;
    const detector = await createDetector({ backend: fakeBackend(each, fed), model, preset, inputSize, rotate: 0 });
    const faces = await detector.detect(picture(width, height));
    await detector.dispose();
    expect(fed.map(({ dims }) => dims)).toEqual([[1, 3, each.canvas[1], each.canvas[0]]]);
    const actual = faces.map(({ box, score, landmarks }) => [
      box.x,
      box.y,
      box.width,
      box.height,
      score,
      ...(landmarks ?? []).flatMap(({ x, y }) => [x, y]),
    ]);
    const expected = each.faces.map((face) => face.split(',').map(Number));
    expect(expected.length).toBeGreaterThan(3);
    expect(actual.map((face) => face.length)).toEqual(expected.map((face) => face.length));
    const furthest = Math.max(
      ...expected.flatMap((face, i) => face.map((value, k) => Math.abs(value - actual[i]![k]!))),
    );
    expect(furthest).toBeLessThan(5e-4);
  });

  it.each(
    tensors.map(
      (each) => [`${each.width} × ${each.height} on ${each.canvas.join(' × ')}, ${each.preset}`, each] as const,
    ),
  )(
    'feeds the network what OpenCV scales and the reference normalizes: %s',
    async (_, { width, height, preset, canvas, scaled, padding, levels }) => {
      const fed: Tensor[] = [];
      const backend = fakeBackend({ strides: 3, landmarks: false, outputs: [] }, fed);
      const detector = await createDetector({
        backend,
        model,
        preset,
        inputSize: { width: canvas[0], height: canvas[1] },
        rotate: 0,
      });
      await detector.detect(picture(width, height));
      await detector.dispose();
      const expected = Buffer.from(levels, 'base64');
      const off = { picture: 0, padding: 0 };
      (fed[0]!.data as Float32Array).forEach((value, i) => {
        const x = i % canvas[0];
        const y = Math.floor(i / canvas[0]) % canvas[1];
        const plane = Math.floor(i / (canvas[0] * canvas[1]));
        const inside = x < scaled[0] && y < scaled[1];
        const level = inside ? expected[(plane * scaled[1] + y) * scaled[0] + x]! : padding;
        const part = inside ? 'picture' : 'padding';
        off[part] = Math.max(off[part], Math.abs(value * 128 + 127.5 - level));
      });
      expect(expected).toHaveLength(3 * scaled[0] * scaled[1]);
      expect(off.padding).toBeLessThan(1e-4);
      // OpenCV rounds to whole levels, with weights in whole 2048ths; the detector does neither.
      expect(off.picture).toBeLessThan(0.8);
    },
  );
});
