// The code blocks of READMEs, and how each kind is run.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transform } from 'esbuild';
import { execute, packages, root } from './workspace.mjs';

/** Lines that install or fetch the software itself: checked, not run. */
const INSTALLS = [
  /^npm install( -g| --global| -D)?( @?[\w./-]+)+$/,
  /^pnpm add( -D)?( @?[\w./-]+)+$/,
  /^git clone \S+( && cd \S+)?$/,
];

/** Every fenced block in sh, js or ts of one README: { file, line, language, code }. */
export function blocksOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const blocks = [];
  for (let i = 0; i < lines.length; i++) {
    const [, fence, language] = lines[i].match(/^(`{3,})(\w*)/) ?? [];
    if (!fence) continue;
    const begin = ++i;
    while (i < lines.length && lines[i] !== fence) i++;
    if (['sh', 'js', 'ts'].includes(language))
      blocks.push({ file: relative(root, file), line: begin, language, code: lines.slice(begin, i).join('\n') });
  }
  return blocks;
}

/** A block without its install lines; those that name a package of ours must name one that exists. */
export function withoutInstalls({ file, line, language, code }) {
  if (language !== 'sh') return code;
  const names = new Set(packages().map(({ name }) => name));
  return code
    .split('\n')
    .filter((text, i) => {
      if (!INSTALLS.some((install) => install.test(text.trim()))) return true;
      const unknown = text.match(/@facedet\/[\w-]+/g)?.filter((name) => !names.has(name)) ?? [];
      if (unknown.length) throw new Error(`${file}:${line + i + 1}: no package is named ${unknown.join(', ')}`);
      return false;
    })
    .join('\n')
    .trim();
}

/** Runs a block in a folder: { code, output }. */
export async function runBlock(block, { cwd, env = {}, seconds = 300 }) {
  const code = withoutInstalls(block);
  if (code === '') return { code: 0, output: '' };
  if (block.language === 'sh') return execute('bash', ['-euo', 'pipefail', '-c', code], { cwd, env, seconds });
  const file = join(cwd, `block-${block.file.replaceAll(/\W/g, '-')}-${block.line}.mjs`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    block.language === 'ts' ? (await transform(code, { loader: 'ts', format: 'esm', target: 'es2022' })).code : code,
  );
  return execute(process.execPath, [file], { cwd, env, seconds });
}
