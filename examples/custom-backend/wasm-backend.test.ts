import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { backendConformance } from '@facedet/core/testing';
import wasmBackend from './wasm-backend.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const shared = join(here, '../../../shared');
const hasShared = existsSync(join(shared, 'models'));
if (!hasShared) console.warn('skipped: the example runs on a photograph and a model of ../shared, which is not here');

describe('a backend on onnxruntime-web keeps the contract', () => {
  for (const { name, run } of backendConformance({ create: () => wasmBackend() })) it(name, run);
});

it.skipIf(!hasShared)('the example finds six faces, in its thread and in a pool [needs ../shared]', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(here, 'main.mjs'), join(shared, 'images', 'six_people.jpg'), join(shared, 'models', 'scrfd_500m.onnx')], { timeout: 60_000 });
  expect(stdout).toContain('in this thread: 6 faces');
  expect(stdout).toContain('in 2 threads, onnxruntime-web/wasm: 6 faces');
});
