#!/usr/bin/env node
// The checks besides the tests. All of them run, also after one fails; the last lines sum up.
// `node scripts/check.mjs NAME…` runs only those. With `--update`, "api reports" and "format" write what they compare.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiReports } from './checks/api-reports.mjs';
import { changesets } from './checks/changesets.mjs';
import { docComments } from './checks/doc-comments.mjs';
import { lockfile } from './checks/lockfile.mjs';
import { sizes } from './checks/sizes.mjs';
import { structure } from './checks/structure.mjs';
import { wordsCheck } from './checks/words.mjs';
import { packAll, pnpm, published, tool } from './lib/workspace.mjs';

const ATTW = ['--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii'];
/** What the formatter is run on; .prettierignore names the rest. */
const FORMATTED = ['{packages,apps,scripts,examples}/**/*.{ts,tsx,mjs,js,css,json}', '*.{ts,js,json}'];

const wanted = process.argv.slice(2).filter((argument) => argument !== '--update');
const update = process.argv.includes('--update');
const temp = mkdtempSync(join(tmpdir(), 'facedet-check-'));
let packed;
const tarballs = () => (packed ??= packAll(temp));

/** Runs a tool on every packed package and joins what it says of those that fail. */
async function onTarballs(check) {
  const failures = [];
  for (const [name, file] of await tarballs()) {
    const result = await check(file, published().find((each) => each.name === name).manifest);
    if (result && result.code !== 0) failures.push(`${name}:\n${result.output}`);
  }
  return { code: failures.length ? 1 : 0, output: failures.join('\n') };
}

const checks = {
  build: () => pnpm(['-s', 'build']),
  types: () => pnpm(['-s', 'typecheck']),
  lint: () => tool('eslint', ['.', '--max-warnings', '0']),
  format: () => tool('prettier', [update ? '--write' : '--check', '--log-level', 'warn', ...FORMATTED]),
  knip: () => tool('knip', ['--no-progress']),
  publint: () => onTarballs((file) => tool('publint', ['run', file, '--strict'])),
  attw: () => onTarballs((file, manifest) => manifest.exports && tool('attw', [file, ...ATTW])),
  'api reports': () => apiReports({ update }),
  sizes,
  'doc comments': docComments,
  structure,
  words: wordsCheck,
  changesets,
  lockfile,
};

const unknown = wanted.filter((name) => !(name in checks));
if (unknown.length) {
  console.error(`no check named ${unknown.join(', ')}; there are: ${Object.keys(checks).join(', ')}`);
  process.exit(2);
}
const failed = [];
for (const name of wanted.length ? wanted : Object.keys(checks)) {
  const begin = performance.now();
  const { code, output } = await checks[name]().catch((error) => ({ code: 1, output: error.stack }));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  if (code !== 0) failed.push(name);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (code !== 0 || name === 'sizes') console.log(output.trimEnd().replace(/^/gm, '     '));
}
rmSync(temp, { recursive: true, force: true });
console.log(failed.length ? `${failed.length} checks failed: ${failed.join(', ')}` : 'all checks hold');
process.exit(failed.length ? 1 : 0);
