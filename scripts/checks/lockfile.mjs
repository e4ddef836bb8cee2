import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/workspace.mjs';

/** The lockfile names versions and hashes; a registry's address in it would bind every clone to that registry. */
export async function lockfile() {
  const lines = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8').split('\n');
  const hosts = lines.flatMap((line, i) =>
    /https?:\/\/|tarball:/.test(line) ? [`pnpm-lock.yaml:${i + 1}: ${line.trim()}`] : [],
  );
  return { code: hosts.length ? 1 : 0, output: hosts.join('\n') };
}
