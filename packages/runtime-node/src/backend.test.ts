import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { backendConformance, encodeOnnx } from '@facedet/core/testing';
import { availableProviders, onnxBackend } from './backend.ts';

const shared = fileURLToPath(new URL('../../../../shared', import.meta.url));
const hasModels = existsSync(join(shared, 'models'));
if (!hasModels) console.warn('skipped: the official models are read from ../shared/models, which is not here');

const folder = mkdtempSync(join(tmpdir(), 'facedet-backend-'));
afterAll(() => rmSync(folder, { recursive: true }));

const double = encodeOnnx({
  inputs: [{ name: 'x', shape: [1, 3, 'h', 'w'] }],
  outputs: [{ name: 'y', shape: [1, 3, 'h', 'w'] }],
  nodes: [{ op: 'Mul', inputs: ['x', 'two'], outputs: ['y'] }],
  constants: [{ name: 'two', shape: [1], data: [2] }],
});
const input = () => ({ type: 'float32', data: new Float32Array(12).fill(3), dims: [1, 3, 2, 2] });

describe('onnxBackend keeps the contract', () => {
  for (const { name, run } of backendConformance({ create: () => onnxBackend() })) it(name, run);
});

describe('onnxBackend', () => {
  it('takes a path, a file: URL, a data: URL and bytes', async () => {
    const path = join(folder, 'double.onnx');
    writeFileSync(path, double);
    for (const model of [
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
      `data:application/octet-stream;base64,${Buffer.from(double).toString('base64')}`,
      double,
    ]) {
      const session = await onnxBackend().createSession(model);
      expect((await session.run({ x: input() }))['y']!.data[0]).toBe(6);
      expect(session.provider).toBe('cpu');
      expect(session.fallbacks).toEqual([]);
      await session.dispose();
    }
  });

  it('frees a session at the end of its `await using`, however often', async () => {
    const session = await onnxBackend().createSession(double);
    const running = session.run({ x: input() });
    await Promise.all([session[Symbol.asyncDispose](), session.dispose(), session[Symbol.asyncDispose]()]);
    expect((await running)['y']!.data[0]).toBe(6);
    await expect(session.run({ x: input() })).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('says what is wrong with a model that is missing, a folder, empty, text or cut off', async () => {
    const at = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    mkdirSync(join(folder, 'model.onnx'));
    const cases: [string, string, RegExp][] = [
      [join(folder, 'none.onnx'), 'MODEL_NOT_FOUND', /none\.onnx does not exist/],
      [join(folder, 'model.onnx'), 'MODEL_UNUSABLE', /folder/],
      [at('empty.onnx', ''), 'MODEL_UNUSABLE', /empty \(0 bytes\)/],
      [at('text.onnx', 'no model '.repeat(50)), 'MODEL_UNUSABLE', /text\.onnx/],
      [at('half.onnx', double.subarray(0, double.length >> 1)), 'MODEL_UNUSABLE', /half\.onnx/],
    ];
    for (const [path, code, message] of cases) {
      await expect(onnxBackend().createSession(path)).rejects.toMatchObject({
        name: 'FaceDetError',
        code,
        message: expect.stringMatching(message),
      });
    }
  });

  it('falls back to the CPU and says why', async () => {
    const { providers } = await availableProviders();
    for (const provider of ['cuda', 'dml', 'coreml'] as const) {
      const session = await onnxBackend({ providers: provider }).createSession(double);
      if (session.provider === provider) continue; // this machine has it
      expect(session.provider).toBe('cpu');
      expect(session.fallbacks).toHaveLength(1);
      expect(session.fallbacks[0]!.provider).toBe(provider);
      if (!providers.some(({ name }) => name === provider))
        expect(session.fallbacks[0]!.reason).toContain(`${process.platform}-${process.arch}`);
      expect(session.fallbacks[0]!.reason.length).toBeGreaterThan(10);
      await session.dispose();
    }
  });

  it('refuses options out of range', () => {
    const refused = { code: 'INVALID_ARGUMENT' };
    expect(() => onnxBackend({ threads: 0 })).toThrow(expect.objectContaining(refused));
    expect(() => onnxBackend({ threads: 1.5 })).toThrow(expect.objectContaining(refused));
    expect(() => onnxBackend({ providers: 'gpu' as 'cuda' })).toThrow(expect.objectContaining(refused));
    expect(() => onnxBackend({ graphOptimization: 'most' as 'all' })).toThrow(expect.objectContaining(refused));
    expect(() => onnxBackend({ logLevel: 'loud' as 'info' })).toThrow(expect.objectContaining(refused));
  });

  it(
    'gives the actual shapes where an export declares those of one canvas [needs ../shared]',
    { skip: !hasModels },
    async () => {
      const session = await onnxBackend().createSession(readFileSync(join(shared, 'models', 'det_500m.onnx')));
      const x = { type: 'float32', data: new Float32Array(3 * 320 * 320), dims: [1, 3, 320, 320] };
      const outputs = await session.run({ [session.inputs[0]!.name]: x });
      expect(session.outputs[0]!.shape).toEqual([12800, 1]);
      expect(outputs[session.outputs[0]!.name]!.dims).toEqual([3200, 1]);
      await session.dispose();
    },
  );
});
