import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

it('has ten lines of code', () => {
  const lines = readFileSync(join(here, 'detect.mjs'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() && !line.startsWith('//'));
  expect(lines.length).toBeLessThanOrEqual(10);
});

it('prints a line for each face of the sample, found by the default weights', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(here, 'detect.mjs'), join(here, '..', 'sample.png')],
    { timeout: 180_000 },
  );
  const lines = stdout.trim().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(/^0\.\d\d at \d+,\d+, \d+ × \d+ pixels$/);
}, 200_000);
