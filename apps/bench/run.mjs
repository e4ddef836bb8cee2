#!/usr/bin/env node
// Runs a benchmark from its source, with the workspace's packages from theirs: node apps/bench/run.mjs NAME [ARGUMENTS…]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(join(here, 'src')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2);
if (!name || !existsSync(join(here, 'src', `${name}.ts`))) {
  console.error(`Expected the name of a benchmark (${names.join(', ')}) but received ${name ?? 'none'}`);
  process.exit(2);
}

mkdirSync(join(here, '.cache'), { recursive: true });
const outfile = join(here, '.cache', `${name}.mjs`);
await build({
  entryPoints: [join(here, 'src', `${name}.ts`)],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'inline',
  conditions: ['@facedet/source'],
  plugins: [{
    name: 'only the workspace is bundled',
    setup({ onResolve }) {
      onResolve({ filter: /^[^./]/ }, ({ path, kind }) => (kind === 'entry-point' || path.startsWith('@facedet/') ? undefined : { path, external: true }));
    },
  }],
});
const { status, signal } = spawnSync(process.execPath, ['--expose-gc', '--enable-source-maps', outfile, ...args], { stdio: 'inherit' });
process.exit(status ?? (signal ? 1 : 0));
