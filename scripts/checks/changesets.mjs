import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { published, root } from '../lib/workspace.mjs';

/** Every changeset names published packages and says something; a package that was never released has one. */
export async function changesets() {
  const folder = join(root, '.changeset');
  const problems = [];
  const announced = new Set();
  const names = new Set(published().map(({ name }) => name));
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md')) {
    const text = readFileSync(join(folder, file), 'utf8');
    const [, front, body] = text.match(/^---\r?\n([\s\S]*?)\r?\n?---\r?\n([\s\S]*)$/) ?? [];
    if (front === undefined || body.trim() === '')
      problems.push(`.changeset/${file}: expected front matter and a sentence`);
    for (const line of (front ?? '').split('\n').filter((each) => each.trim())) {
      const [, name, bump] = line.match(/^\s*["']?([^"':]+(?:\/[^"':]+)?)["']?\s*:\s*(\w+)\s*$/) ?? [];
      if (!names.has(name)) problems.push(`.changeset/${file}: no published package is named ${name ?? line}`);
      if (!['major', 'minor', 'patch'].includes(bump))
        problems.push(`.changeset/${file}: expected major, minor or patch, found ${bump}`);
      announced.add(name);
    }
  }
  for (const { name, folder: home, manifest } of published()) {
    if (manifest.version === '0.0.0' && !announced.has(name) && !existsSync(join(home, 'CHANGELOG.md')))
      problems.push(`${name}: expected a changeset for a package that was never released`);
  }
  return { code: problems.length ? 1 : 0, output: problems.join('\n') };
}
