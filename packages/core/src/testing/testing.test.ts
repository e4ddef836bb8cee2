import { describe, expect, it } from 'vitest';
import type { InferenceBackend, Tensor } from '../backend.ts';
import { FaceDetError } from '@facedet/checks';
import { backendConformance, encodeOnnx } from './index.ts';

/** A correct backend for the suite's two models, in a few lines, and ways to break it. */
function testBackend(broken: string): InferenceBackend {
  return {
    name: broken === 'name' ? '' : 'test',
    async createSession(model) {
      const text = new TextDecoder('latin1').decode(model as Uint8Array);
      if (broken !== 'garbage' && !(text.includes('facedet-test') && text.endsWith('\x42\x04\x0a\x00\x10\x11')))
        throw new FaceDetError('MODEL_UNUSABLE', 'not a model');
      const fixed = !text.includes('batch');
      const shape = fixed ? [1, 3, 4, 4] : ['batch', 3, 'height', 'width'];
      const names = fixed ? ['y'] : ['y', 'z'];
      let disposed = false;
      let first: Tensor | null = null;
      return {
        inputs: [{ name: 'x', type: 'float32', shape }],
        outputs: names.map((name) => ({ name, type: 'float32', shape })),
        async run({ x }, { signal } = {}) {
          if (broken !== 'abort') signal?.throwIfAborted();
          if (disposed && broken !== 'dispose') throw new FaceDetError('DISPOSED', 'gone');
          if (!x) throw new Error('no x');
          if (broken === 'stale') first ??= { ...x, data: Float32Array.from(x.data as Float32Array) };
          const from = broken === 'stale' ? first! : x;
          if (broken === 'detach') queueMicrotask(() => (x.data as Float32Array).fill(0));
          const times = (k: number, plus: number): Tensor => ({
            type: 'float32',
            dims: broken === 'dims' ? [x.data.length] : from.dims,
            data: Float32Array.from(from.data as Float32Array, (v) => k * v + plus),
          });
          return { y: times(2, 0), z: times(2, broken === 'values' ? 0 : 1) };
        },
        async dispose() {
          disposed = true;
        },
      };
    },
  };
}

const failures = async (broken: string) => {
  const names: string[] = [];
  for (const { name, run } of backendConformance({ create: () => testBackend(broken) }))
    await run().catch(() => names.push(name));
  return names;
};

describe('backendConformance', () => {
  it('passes a correct backend', async () => {
    expect(await failures('')).toEqual([]);
  });

  it.each(['name', 'garbage', 'abort', 'dispose', 'stale', 'detach', 'dims', 'values'])(
    'fails a backend whose %s is broken',
    async (broken) => {
      expect((await failures(broken)).length).toBeGreaterThan(0);
    },
  );
});

it('encodes long lengths', () => {
  const bytes = encodeOnnx({ inputs: [{ name: 'x'.repeat(300), shape: [70000] }], outputs: [], nodes: [] });
  expect(bytes.length).toBeGreaterThan(300);
});
