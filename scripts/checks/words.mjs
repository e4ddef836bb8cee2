// Fails on words and constructions of words-list.mjs in tracked text: code, comments, messages, documents.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowed, words } from './words-list.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TEXT = /\.(ts|mts|js|mjs|cjs|jsx|tsx|vue|md|json|html|css|ya?ml|py|toml|txt|sh)$|(^|\/)(LICENSE|run)$/;
const SKIPPED = /^pnpm-lock\.yaml$|\/weights\/.*\.json$|\/fixtures\/|scripts\/checks\/words|\.lock$/;

/** Every hit in the repository: where, which word, what to say instead. */
export function wordHits(files = tracked()) {
  const hits = [];
  for (const file of files) {
    if (!TEXT.test(file) || SKIPPED.test(file)) continue;
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    lines.forEach((line, index) => {
      for (const { name, pattern, say, ignore } of words) {
        const found = new RegExp(pattern, 'i').exec(line);
        if (!found || ignore?.test(line)) continue;
        if (allowed.some((each) => each.word === name && each.file.test(file) && (!each.line || each.line.test(line))))
          continue;
        hits.push({ file, line: index + 1, name, found: found[0], say, text: line.trim() });
      }
    });
  }
  return hits;
}

function tracked() {
  return execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
}

/** The check: no hit in the repository. */
export async function wordsCheck() {
  const hits = wordHits();
  const output = hits
    .map((hit) => `${hit.file}:${hit.line}: "${hit.found.trim()}" (${hit.name}); say: ${hit.say}`)
    .join('\n');
  return { code: hits.length ? 1 : 0, output };
}
