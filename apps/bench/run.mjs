#!/usr/bin/env node
// Runs a benchmark from its source, with the workspace's packages from theirs: node apps/bench/run.mjs NAME
// [ARGUMENTS…] --help lists them; NAME --help prints what one measures and its options, from the head of its file.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const names = readdirSync(join(here, 'src'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2);

/** The comment at the head of a benchmark's file. */
function about(benchmark) {
  const lines = readFileSync(join(here, 'src', `${benchmark}.ts`), 'utf8').split('\n');
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .map((line) => line.slice(3));
}

if (name === '--help' || name === '-h') {
  console.log('node apps/bench/run.mjs NAME [ARGUMENTS…]   (NAME --help: its options)\n');
  for (const benchmark of names) console.log(`${benchmark}\n    ${about(benchmark)[0]}`);
  process.exit(0);
}
if (!names.includes(name)) {
  console.error(
    `Expected the name of a benchmark (${names.join(', ')}) but received ${name ?? 'none'}. --help lists what ` +
      'each measures.',
  );
  process.exit(2);
}
if (args.includes('--help') || args.includes('-h')) {
  console.log(about(name).join('\n'));
  process.exit(0);
}

mkdirSync(join(here, '.cache'), { recursive: true });
const outfile = join(here, '.cache', `${name}.mjs`);
// The pool looks for its threads' code beside its own.
const worker = join(here, '../../packages/runtime-node/src/worker.ts');
await Promise.all(
  [
    [join(here, 'src', `${name}.ts`), outfile],
    [worker, join(here, '.cache', 'worker.js')],
  ].map(([from, to]) =>
    build({
      entryPoints: [from],
      outfile: to,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      sourcemap: 'inline',
      conditions: ['@facedet/source'],
      // Ahead of the benchmark's own code, which reads its options first of all. Not in the pool's threads: they report
      // their errors themselves.
      banner:
        from === worker
          ? {}
          : {
              js: `process.on('uncaughtException', (error) => {
  const usage = String(error?.code).startsWith('ERR_PARSE_ARGS');
  console.error(usage ? error.message + '. node apps/bench/run.mjs ${name} --help lists the options.' : error);
  process.exit(usage ? 2 : 1);
});`,
            },
      plugins: [
        {
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
        },
      ],
    }),
  ),
);
const { status, signal } = spawnSync(process.execPath, ['--expose-gc', '--enable-source-maps', outfile, ...args], {
  stdio: 'inherit',
});
process.exit(status ?? (signal ? 1 : 0));
