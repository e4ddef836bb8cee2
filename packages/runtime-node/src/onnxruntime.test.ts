import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const dist = new URL('../dist/index.js', import.meta.url);
if (!existsSync(dist))
  console.warn('skipped: what the engine leaves behind is seen from the built package; run "pnpm build" first');

describe.skipIf(!existsSync(dist))('ONNX Runtime [needs the built package]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-telemetry-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /**
   * What a program leaves in a home of its own. The bare environment is part of it: in a CI system the engine is silent
   * anyway.
   */
  async function leftBy(code: string, prints = 'MODEL_UNUSABLE'): Promise<string[]> {
    const home = mkdtempSync(join(folder, 'home-'));
    const file = join(folder, 'main.mjs');
    writeFileSync(
      file,
      `import { createDetector, onnxBackend, availableProviders } from ${JSON.stringify(dist.href)};\nconst ` +
        `broken = new Uint8Array(9);\n${code}`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: join(home, 'cache') },
      timeout: 60_000,
    });
    expect(stdout.trim()).toBe(prints);
    return readdirSync(home, { recursive: true }) as string[];
  }

  it('keeps no device id and no queue of events: in the calling thread', async () => {
    expect(await leftBy('await onnxBackend().createSession(broken).catch(({ code }) => console.log(code));')).toEqual(
      [],
    );
  }, 60_000);

  it('keeps no device id and no queue of events: in a pool', async () => {
    expect(await leftBy('await createDetector({ model: broken }).catch(({ code }) => console.log(code));')).toEqual([]);
  }, 60_000);

  it('leaves the variable as somebody set it', async () => {
    const code =
      "process.env.ORT_DISABLE_TELEMETRY = 'true'; await availableProviders(); " +
      'console.log(process.env.ORT_DISABLE_TELEMETRY);';
    expect(await leftBy(code, 'true')).toEqual([]);
  }, 60_000);
});
