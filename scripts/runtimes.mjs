#!/usr/bin/env node
// Runs the ground packages' built output under the newest Node, Bun and Deno. Their binaries come from the registry;
// where one can't be had, this says so and goes on. Exit 1 where one was had and the program fails in it.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, root } from './lib/workspace.mjs';

const machine = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const runtimes = [
  { name: 'Node', packages: [`node-${machine}`], binary: `node-${machine}/bin/node`, args: [] },
  { name: 'Bun', packages: ['bun'], binary: '@oven/bun-*/bin/bun', args: ['run'] },
  { name: 'Deno', packages: ['deno'], binary: '@deno/*/deno', args: ['run', '--no-prompt', '--allow-read'] },
];

let failed = 0;
for (const { name, packages, binary, args } of runtimes) {
  const dir = mkdtempSync(join(tmpdir(), 'facedet-runtime-'));
  try {
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n');
    // Their install scripts only link files of this platform's package, so they stay off.
    const install = await execute(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages.map((each) => `${each}@latest`)],
      { cwd: dir, seconds: 180 },
    );
    const found = findBinary(join(dir, 'node_modules'), binary);
    const version = found && (await execute(found, ['--version'], { cwd: dir, seconds: 60 }));
    if (!found || version.code !== 0) {
      const reason =
        (found ? version.output : install.output).trim().split('\n').at(-1) || `no ${binary} in its package`;
      console.log(`skip ${name}: it can't be had here (${reason})`);
      continue;
    }
    const { code, output } = await execute(found, [...args, join(root, 'scripts', 'runtimes', 'ground.mjs')], {
      cwd: dir,
      env: { NO_COLOR: '1' },
      seconds: 120,
    });
    if (code !== 0) failed++;
    console.log(
      `${code === 0 ? 'ok  ' : 'FAIL'} ${name} ${version.output.match(/\d+\.\d+\.\d+\S*/)?.[0] ?? ''}: ` +
        `${output.trim()}`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
process.exit(failed ? 1 : 0);

/** `*` matches one folder, which names the platform. */
function findBinary(modules, pattern) {
  const [before, after] = pattern.split('*');
  if (after === undefined) return [join(modules, pattern)].find((path) => existsSync(path));
  const scope = join(modules, before.slice(0, before.lastIndexOf('/')));
  const names = existsSync(scope) ? readdirSync(scope) : [];
  return names.map((name) => join(scope, name, after.slice(after.indexOf('/')))).find((path) => existsSync(path));
}
