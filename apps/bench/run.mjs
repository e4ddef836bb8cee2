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
// The pool looks for its threads' code beside its own.
const worker = join(here, '../../packages/runtime-node/src/worker.ts');
await Promise.all([[join(here, 'src', `${name}.ts`), outfile], [worker, join(here, '.cache', 'worker.js')]].map(([from, to]) => build({
  entryPoints: [from],
  outfile: to,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: 'inline',
  conditions: ['@facedet/source'],
  plugins: [{
    name: 'only the workspace is bundled',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (pluginData === 'inner' || kind === 'entry-point' || path.startsWith('@facedet/')) return undefined;
        if (path.startsWith('node:')) return { path, external: true };
        // By its file: a package's dependencies can't be seen from this folder.
        const found = await resolve(path, { kind, resolveDir, pluginData: 'inner' });
        return { path: found.errors.length > 0 ? path : found.path, external: true };
      });
    },
  }],
})));
const { status, signal } = spawnSync(process.execPath, ['--expose-gc', '--enable-source-maps', outfile, ...args], { stdio: 'inherit' });
process.exit(status ?? (signal ? 1 : 0));
