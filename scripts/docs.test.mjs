// The blocks of docs/untrusted-input.md and docs/custom-backend.md, the latter run beside an engine of one's own: the
// example's. (docs/tensorrt.md needs a GPU.)
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFile } from './lib/model.mjs';
import { blocksOf, runBlock } from './lib/readme.mjs';
import { root, tool } from './lib/workspace.mjs';

// Inside the example's folder, where its packages are found.
const example = join(root, 'examples', 'custom-backend');
const folder = join(example, '.cache', 'docs');
const [contract, ...blocks] = blocksOf(join(root, 'docs', 'custom-backend.md'));

describe('docs/custom-backend.md', () => {
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(example, 'wasm-backend.mjs'), join(folder, 'my-backend.mjs'));
    copyFileSync(modelFile(), join(folder, 'model.onnx'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('states the contract that core has', async () => {
    const file = join(folder, 'contract.ts');
    writeFileSync(
      file,
      `import type * as core from '@facedet/core';
type Tensor = core.Tensor;
type TensorInfo = core.TensorInfo;
${contract.code}
export const stated = (backend: core.InferenceBackend): InferenceBackend => backend;
export const meant = (backend: InferenceBackend): core.InferenceBackend => backend;
`,
    );
    const { code, output } = await tool('tsc', [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
      file,
    ]);
    expect(code, output).toBe(0);
  });

  it.each(blocks.map((block) => [`${block.file}:${block.line}`, block]))('%s runs', async (_, block) => {
    // Any test runner will do: Node's own needs no process around it.
    const { code, output } = await runBlock(
      { ...block, code: block.code.replace("'vitest'", "'node:test'") },
      { cwd: folder },
    );
    expect(code, output).toBe(0);
    if (block.code.includes('vitest')) expect(output).toMatch(/pass [1-9]\d\b/);
  });
});

describe('docs/untrusted-input.md', () => {
  // Inside the command's folder, where its packages are found.
  const input = join(root, 'apps', 'cli', '.cache', 'docs');
  beforeAll(() => mkdirSync(input, { recursive: true }));
  afterAll(() => rmSync(input, { recursive: true, force: true }));

  it.each(blocksOf(join(root, 'docs', 'untrusted-input.md')).map((block) => [`${block.file}:${block.line}`, block]))(
    '%s runs',
    async (_, block) => {
      const { code, output } = await runBlock(block, { cwd: input });
      expect(code, output).toBe(0);
    },
  );
});
