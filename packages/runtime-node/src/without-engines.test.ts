import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, cpSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

describe('an installation without engines', () => {
  const here = fileURLToPath(new URL('..', import.meta.url));
  let folder: string;

  /** The built package and core, as npm would lay them out, and stand-ins for the engines. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'facedet-bare-'));
    const scope = join(folder, 'node_modules', '@facedet');
    mkdirSync(join(scope, 'runtime-node'), { recursive: true });
    for (const name of ['core']) symlinkSync(realpathSync(join(here, '..', name)), join(scope, name));
    cpSync(join(here, 'dist'), join(scope, 'runtime-node', 'dist'), { recursive: true });
    cpSync(join(here, 'package.json'), join(scope, 'runtime-node', 'package.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function codes(): Promise<string[]> {
    const file = join(folder, 'main.mjs');
    writeFileSync(
      file,
      `
      import { createDetector, onnxBackend, readImage, encodeImage } from '@facedet/runtime-node';
      const pixels = { data: new Uint8Array(12), width: 2, height: 2, format: 'rgb' };
      for (const attempt of [
        () => createDetector({ model: new Uint8Array(9) }),
        () => onnxBackend().createSession(new Uint8Array(9)),
        () => readImage(new Uint8Array(9)),
        () => encodeImage(pixels, { format: 'png' }),
      ]) {
        await attempt().then(() => console.log('no error'), (error) => console.log(error.code));
      }`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    return stdout.trim().split('\n');
  }

  it('is reported wherever an engine is needed, in a pool too', async () => {
    expect(await codes()).toEqual(Array(4).fill('DEPENDENCY_MISSING'));
  });

  it('distinguishes broken engines from missing ones', async () => {
    for (const name of ['onnxruntime-node', 'sharp']) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true });
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), "require('./bin/binding.node')");
    }
    expect(await codes()).toEqual(Array(4).fill('DEPENDENCY_BROKEN'));
  });
});
