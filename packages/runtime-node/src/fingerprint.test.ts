import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { modelHash, moduleHash } from './fingerprint.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-fingerprint-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a model has one hash as bytes, by path and by URL, and another for other bytes', async () => {
  const file = join(folder, 'model.onnx');
  const bytes = new Uint8Array(100_000).map((_, i) => i * 7);
  writeFileSync(file, bytes);
  const hashes = await Promise.all([
    modelHash(bytes),
    modelHash({ text: file, url: false }),
    modelHash({ text: pathToFileURL(file).href, url: true }),
  ]);
  expect(new Set(hashes).size).toBe(1);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(await modelHash(bytes.map((byte, i) => (i === 99_999 ? byte + 1 : byte)))).not.toBe(hashes[0]);
});

it('a model without a file is identified by its text', async () => {
  const [a, b] = await Promise.all(['one', 'two'].map((text) => modelHash({ text, url: false })));
  expect(a).not.toBe(b);
  const module = new URL('./fixtures/fake-backend.mjs', import.meta.url);
  expect(readFileSync(fileURLToPath(module)).length).toBeGreaterThan(0);
  expect(await moduleHash(module.href)).toMatch(/^[0-9a-f]{64}$/);
  expect(await moduleHash('some-package')).not.toBe(await moduleHash(module.href));
});
