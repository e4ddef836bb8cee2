import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const shared = join(here, '../../../shared');
const hasShared = existsSync(join(shared, 'models'));
if (!hasShared) console.warn('skipped: the example runs on a photograph and a model of ../shared, which is not here');

it('has ten lines of code', () => {
  const lines = readFileSync(join(here, 'detect.mjs'), 'utf8').split('\n').filter((line) => line.trim() && !line.startsWith('//'));
  expect(lines.length).toBeLessThanOrEqual(10);
});

it.skipIf(!hasShared)('prints a line for each face [needs ../shared]', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(here, 'detect.mjs'), join(shared, 'images', 'six_people.jpg'), join(shared, 'models', 'scrfd_500m.onnx')], { timeout: 60_000 });
  expect(stdout.trim().split('\n')).toHaveLength(6);
  expect(stdout).toMatch(/^0\.\d\d at \d+,\d+, \d+ × \d+ pixels$/m);
});
