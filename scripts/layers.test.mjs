// The lint rules of the dependency layers: each must report an import that breaks its layer.
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { root } from './lib/workspace.mjs';

const eslint = new ESLint({ cwd: root });

async function messages(file, code) {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  return result.messages.filter(({ ruleId }) => ruleId?.startsWith('no-restricted')).map(({ message }) => message);
}

const importing = (name) => `import * as it from '${name}';\nexport const used = it;\n`;

describe('dependency layers', () => {
  it.each([
    ['packages/core/src/a.ts', '@facedet/tracker'],
    ['packages/core/src/testing/a.ts', 'node:fs'],
    ['packages/checks/src/a.ts', '@facedet/core'],
    ['packages/tracker/src/a.ts', '@facedet/core'],
    ['packages/temporal/src/a.ts', '@facedet/core'],
    ['packages/temporal/src/a.ts', 'onnxruntime-node'],
    ['packages/pipeline/src/a.ts', '@facedet/draw'],
    ['packages/pipeline/src/a.ts', 'node:worker_threads'],
    ['packages/draw/src/a.ts', '@facedet/tracker'],
    ['packages/draw/src/a.ts', '@facedet/core/engine'],
    ['packages/eval/src/a.ts', '@facedet/core/engine'],
    ['packages/models/src/node/a.ts', '@facedet/core/engine'],
    ['packages/video-node/src/a.ts', '@facedet/core/engine'],
    ['packages/tracker/src/a.ts', '@facedet/core/engine'],
    ['packages/core/src/a.ts', '@facedet/core/engine'],
    ['apps/demo/src/a.ts', '@facedet/core/engine'],
    ['examples/custom-backend/a.mjs', '@facedet/core/engine'],
    ['packages/eval/src/a.ts', '@facedet/runtime-node'],
    ['packages/models/src/a.ts', 'node:fs'],
    ['packages/models/src/web.ts', 'node:fs'],
    ['packages/runtime-node/src/a.ts', 'onnxruntime-web'],
    ['packages/runtime-node/src/a.ts', 'node-av/lib'],
    ['packages/video-node/src/a.ts', '@facedet/runtime-node'],
    ['packages/video-node/src/a.ts', 'sharp'],
    ['packages/files/src/a.ts', '@facedet/core'],
    ['packages/files/src/a.ts', '@facedet/http'],
    ['packages/http/src/a.ts', '@facedet/core'],
    ['packages/models/src/node/a.ts', '@facedet/runtime-node'],
    ['packages/models/src/a.ts', '@facedet/http'],
    ['packages/runtime-web/src/a.ts', 'onnxruntime-node'],
    ['packages/runtime-web/src/a.ts', 'node:path'],
    ['apps/cli/src/a.ts', '@facedet/core/src/nms.ts'],
    ['packages/draw/src/a.ts', '../../../core/src/index.ts'],
  ])('%s must not import %s', async (file, name) => {
    expect(await messages(file, importing(name))).toHaveLength(1);
  });

  it.each([
    ['packages/tracker/src/a.ts', '@facedet/checks'],
    ['packages/pipeline/src/a.ts', '@facedet/core'],
    ['packages/pipeline/src/a.ts', '@facedet/core/engine'],
    ['packages/runtime-node/src/a.ts', '@facedet/core/engine'],
    ['packages/runtime-web/src/a.ts', '@facedet/core/engine'],
    ['apps/cli/src/a.ts', '@facedet/core/engine'],
    ['packages/draw/src/a.ts', '@facedet/core'],
    ['packages/models/src/node/a.ts', 'node:fs'],
    ['packages/runtime-node/src/a.ts', 'onnxruntime-node'],
    ['packages/video-node/src/a.ts', 'node-av/lib'],
    ['packages/models/src/node/a.ts', '@facedet/http'],
    ['packages/files/src/a.ts', 'node:fs'],
    ['packages/http/src/a.ts', '@facedet/files'],
    ['packages/video-node/src/a.ts', '@facedet/http'],
    ['apps/cli/src/a.ts', '@facedet/runtime-node'],
  ])('%s may import %s', async (file, name) => {
    expect(await messages(file, importing(name))).toEqual([]);
  });

  it.each(['/\\s*\\n\\s*/', '/\\/+$/', '/^(a+)+$/', '/\\d+\\.?\\d*x/'])(
    'no expression that takes quadratic time: %s',
    async (expression) => {
      const [result] = await eslint.lintText(`export const expression = ${expression};\n`, {
        filePath: join(root, 'apps/cli/src/a.ts'),
      });
      expect(result.messages.map(({ ruleId }) => ruleId)).toContainEqual(
        expect.stringMatching(/^regexp\/no-super-linear/),
      );
    },
  );

  it.each(['process.cwd()', 'document.title', 'Buffer.alloc(1)'])('no %s on the ground', async (code) => {
    expect(await messages('packages/core/src/a.ts', `export const value = ${code};\n`)).toHaveLength(1);
  });
});
