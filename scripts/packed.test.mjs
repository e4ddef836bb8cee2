// Every package and the command, packed as they would go to the registry and installed with npm outside the workspace:
// each README's examples run there. Blocks find photo.jpg, video.mp4 and model.onnx beside them.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, runBlock, withoutInstalls } from './lib/readme.mjs';
import { modelFile } from './lib/model.mjs';
import { execute, packAll, published, root } from './lib/workspace.mjs';

const photo = join(root, 'examples', 'sample.png');

const readmes = published()
  .map(({ name, folder }) => ({ name, file: join(folder, 'README.md') }))
  .filter(({ file }) => existsSync(file));
const blocks = readmes.flatMap(({ name, file }) =>
  blocksOf(file).map((block) => ({ ...block, name, browser: name.endsWith('-web') && block.language !== 'sh' })),
);

describe('packed and installed outside the workspace', () => {
  let dir = '';

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'facedet-packed-'));
    const tarballs = await packAll(join(dir, 'tarballs'));
    const project = join(dir, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
    const { code, output } = await execute(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs.values()],
      { cwd: project, seconds: 540 },
    );
    if (code !== 0) throw new Error(`npm install of the packed packages ended with ${code}:\n${output}`);
    const picture = await execute(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      const { readImage, writeImage } = await import('@facedet/runtime-node');
      await writeImage('photo.jpg', await (await readImage(${JSON.stringify(photo)})).pixels());`,
      ],
      { cwd: project },
    );
    if (picture.code !== 0) throw new Error(`photo.jpg could not be made of examples/sample.png:\n${picture.output}`);
    copyFileSync(modelFile(), join(project, 'model.onnx'));
    const film = await execute(
      'npx',
      ['--no-install', 'facedet', 'synth', '-o', 'video.mp4', '--duration', '2', '--width', '320', '--height', '180'],
      { cwd: project },
    );
    if (film.code !== 0) throw new Error(`video.mp4 could not be made by facedet synth:\n${film.output}`);
  }, 600_000);

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('every published package has a README', () => {
    expect(readmes.map(({ name }) => name)).toEqual(published().map(({ name }) => name));
  });

  it('npx facedet detect finds the six faces of the sample', async () => {
    // Standard output alone is data; the counts are on standard error.
    const { code, output } = await execute('npx --no-install facedet detect photo.jpg --json 2>/dev/null', [], {
      cwd: join(dir, 'project'),
      shell: true,
    });
    expect(code, output).toBe(0);
    expect(JSON.parse(output)[0].faces).toHaveLength(6);
  });

  for (const block of blocks) {
    const title = `${block.file}:${block.line} (${block.language})`;
    if (block.browser) {
      it(`${title} bundles for the browser, where its tests run it`, async () => {
        const { errors } = await build({
          stdin: { contents: withoutInstalls(block), resolveDir: join(dir, 'project'), loader: block.language },
          bundle: true,
          write: false,
          format: 'esm',
          platform: 'browser',
          target: 'es2022',
          logLevel: 'silent',
        });
        expect(errors).toEqual([]);
      });
    } else {
      it(`${title} runs`, async () => {
        const { code, output } = await runBlock(block, { cwd: join(dir, 'project') });
        expect(code, output).toBe(0);
      });
    }
  }
});
