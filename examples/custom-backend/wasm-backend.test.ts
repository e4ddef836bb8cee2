import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { backendConformance } from '@facedet/core/testing';
import wasmBackend from './wasm-backend.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const model = join(here, '../../packages/models/weights/scrfd_0.5g_kps.onnx');

describe('the backend on onnxruntime-web conforms', () => {
  for (const { name, run } of backendConformance({ create: () => wasmBackend() })) it(name, run);
});

it('the example finds the same faces in the calling thread and in a pool', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(here, 'main.mjs'), join(here, '../sample.png'), model],
    { timeout: 180_000 },
  );
  const [, inThread, pool] = stdout.match(
    /^in this thread: (\d+ faces[^]*)in 2 threads, onnxruntime-web\/wasm: ([^]*)$/,
  )!;
  expect(inThread).toMatch(/^[2-9] faces/);
  expect(pool).toBe(inThread);
}, 200_000);
