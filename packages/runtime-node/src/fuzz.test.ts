import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createDetector, isFaceDetError, type Detector } from '@facedet/core';
import { encodeOnnx, type OnnxValue } from '@facedet/core/testing';
import { onnxBackend } from './backend.ts';
import { readImage } from './read-image.ts';

/** Seconds for each of the two runs; FACEDET_FUZZ_SECONDS makes them longer. */
const SECONDS = Number(process.env['FACEDET_FUZZ_SECONDS'] ?? 10);
const SEED = Number(process.env['FACEDET_FUZZ_SEED'] ?? 1);

const shared = fileURLToPath(new URL('../../../../shared', import.meta.url));
const weights = join(shared, 'models', 'scrfd_500m.onnx');
if (!existsSync(weights))
  console.warn(
    'the model fuzz run has only generated models: the official ones are read from ../shared/models, which is not here',
  );

/** A seeded generator of integers below `limit` (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

/** One of the ways in which a file goes bad; more often near its start, where its headers are. */
function mutate(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  const out = Uint8Array.from(bytes);
  const at = () => (random(2) ? random(Math.min(bytes.length, 200)) : random(bytes.length));
  switch (random(6)) {
    case 0:
      return out.subarray(0, random(bytes.length + 1));
    case 1:
      for (let n = 1 + random(8); n > 0; n--) out[at()]! ^= 1 << random(8);
      return out;
    case 2:
      for (let n = 1 + random(4); n > 0; n--) out[at()] = [0, 1, 127, 128, 255][random(5)]!;
      return out;
    case 3: {
      const [from, to, length] = [at(), at(), random(64)];
      out.copyWithin(to, from, from + length);
      return out;
    }
    case 4: {
      const [from, length] = [at(), random(64)];
      return Buffer.concat([out.subarray(0, from), out.subarray(from + length)]);
    }
    default: {
      const from = at();
      return Buffer.concat([
        out.subarray(0, from),
        Uint8Array.from({ length: 1 + random(16) }, () => random(256)),
        out.subarray(from),
      ]);
    }
  }
}

/** Runs `attempt` on mutated samples until time is up; every failure has to be a FaceDetError with a code. */
async function fuzz(
  samples: Record<string, Uint8Array>,
  attempt: (bytes: Uint8Array) => Promise<void>,
): Promise<{ count: number; accepted: number; codes: Map<string, number> }> {
  const random = generator(SEED);
  const names = Object.keys(samples);
  const codes = new Map<string, number>();
  let [count, accepted] = [0, 0];
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end; count++) {
    const name = names[count % names.length]!;
    const bytes = mutate(samples[name]!, random);
    try {
      await attempt(bytes);
      accepted++;
    } catch (error) {
      if (!isFaceDetError(error))
        throw new Error(`${name}, mutation ${count} of seed ${SEED}: ${String(error)}`, { cause: error });
      expect(error.code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      expect(error.message).not.toMatch(/[\r\n]/);
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    }
  }
  return { count, accepted, codes };
}

const report = (what: string, { count, accepted, codes }: Awaited<ReturnType<typeof fuzz>>) =>
  console.info(
    `${count} mutated ${what} (seed ${SEED}): ${accepted} accepted, ` +
      `${[...codes].map(([code, n]) => `${n} ${code}`).join(', ')}`,
  );

describe('bad input is an error with a code, never a crash', () => {
  it('mutated pictures', async () => {
    const noise = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 26);
    const picture = sharp(noise, { raw: { width: 40, height: 30, channels: 3 } });
    const samples: Record<string, Uint8Array> = {};
    for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)
      samples[format] = await picture.clone().withMetadata({ orientation: 6 }).toFormat(format).toBuffer();
    samples['progressive jpeg'] = await picture.clone().jpeg({ progressive: true }).toBuffer();
    samples['16-bit png'] = await picture.clone().toColourspace('rgb16').png().toBuffer();
    samples['cmyk jpeg'] = await picture.clone().toColourspace('cmyk').jpeg().toBuffer();
    const result = await fuzz(samples, async (bytes) => {
      const image = await readImage(bytes, { pixelLimit: 4e6 });
      const { data, width, height } = await image.rasterize(16, 16);
      expect([width, height, data.length]).toEqual([16, 16, 768]);
      image.close();
    });
    report('pictures', result);
    expect(result.codes.get('IMAGE_UNREADABLE')).toBeGreaterThan(0);
  }, 600_000);

  it('mutated models', async () => {
    const samples: Record<string, Uint8Array> = {
      'generated heads': generatedModel(),
      ...(existsSync(weights) ? { scrfd_500m: readFileSync(weights) } : {}),
    };
    const pixels = { data: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64, format: 'rgb' } as const;
    const result = await fuzz(samples, async (model) => {
      let detector: Detector | undefined;
      try {
        detector = await createDetector({ backend: onnxBackend(), model, inputSize: { width: 64, height: 64 } });
        const faces = await detector.detect(pixels);
        for (const { box, score } of faces)
          expect([box.x, box.y, box.width, box.height, score].every(Number.isFinite)).toBe(true);
      } finally {
        await detector?.dispose();
      }
    });
    report('models', result);
    expect(result.codes.size).toBeGreaterThan(0);
  }, 600_000);
});

/** A model with the outputs of a detector at 64 × 64, whatever it is shown. */
function generatedModel(): Uint8Array {
  const outputs: OnnxValue[] = [];
  const nodes = [];
  const constants = [];
  for (const kind of [1, 4]) {
    for (const stride of [8, 16, 32]) {
      const shape = [1, 2 * (64 / stride) ** 2, kind];
      const size = shape.reduce((a, b) => a * b);
      const name = `${kind}_${stride}`;
      outputs.push({ name, shape });
      constants.push({
        name: `c${name}`,
        shape,
        data: Array.from({ length: size }, (_, i) => (kind === 1 ? (i % 97) / 100 : 1 + (i % 3))),
      });
      nodes.push({ op: 'Add', inputs: [`c${name}`, `c${name}`], outputs: [name] });
    }
  }
  return encodeOnnx({ inputs: [{ name: 'input', shape: [1, 3, 64, 64] }], outputs, nodes, constants });
}
