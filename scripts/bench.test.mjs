import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { root } from './lib/workspace.mjs';

const names = readdirSync(join(root, 'apps/bench/src'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3));
const bench = (...args) =>
  promisify(execFile)(process.execPath, ['apps/bench/run.mjs', ...args], { cwd: root }).then(
    (out) => ({ code: 0, ...out }),
    (error) => error,
  );

describe('the benchmarks', () => {
  it('are listed, each with what it measures', async () => {
    const { code, stdout } = await bench('--help');
    expect(code).toBe(0);
    for (const name of names) expect(stdout).toMatch(new RegExp(`^${name}\\n {4}\\S.{20,}$`, 'm'));
  });

  it('tell how each is called', async () => {
    for (const name of names) {
      const { code, stdout } = await bench(name, '--help');
      expect([name, code, stdout.includes(`node apps/bench/run.mjs ${name}`)]).toEqual([name, 0, true]);
    }
  });

  it('refuse what they do not know in a line', async () => {
    const unknown = await bench('no-such-one');
    expect([unknown.code, unknown.stderr.trim().split('\n').length]).toEqual([2, 1]);
    const option = await bench('tracker', '--frame', '5');
    expect([option.code, option.stderr.trim()]).toEqual([
      2,
      "Unknown option '--frame'. node apps/bench/run.mjs tracker --help lists the options.",
    ]);
  });
});
