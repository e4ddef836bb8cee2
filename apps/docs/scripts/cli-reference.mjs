import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { root, site } from './places.mjs';

/** Writes reference/cli.md: every command, argument and option as the command itself declares them. */
export async function cliReference() {
  const program = await loadProgram();
  const text = [
    '# Command line reference',
    '',
    'Generated from the declarations of the `facedet` command. Standard output carries data, standard error everything',
    'else. Exit codes: 0 all done, 1 some input failed, 2 wrong usage or no model, 130 after Ctrl-C.',
    '',
    ...leaves(program).flatMap(section),
  ];
  mkdirSync(join(site, 'reference'), { recursive: true });
  writeFileSync(join(site, 'reference', 'cli.md'), `${text.join('\n').trimEnd()}\n`);
}

/** The command tree, built from the sources; actions are loaded lazily and never run here. */
async function loadProgram() {
  const outdir = join(root, 'apps', 'cli', '.cache', 'reference');
  await build({
    entryPoints: [join(root, 'apps', 'cli', 'src', 'program.ts')],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Private packages export their sources only.
    alias: Object.fromEntries(
      ['checks', 'files'].map((name) => [`@facedet/${name}`, join(root, 'packages', name, 'src', 'index.ts')]),
    ),
    conditions: ['@facedet/source'],
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  });
  try {
    const { createProgram } = await import(pathToFileURL(join(outdir, 'program.mjs')).href);
    return createProgram();
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function leaves(command, prefix = '') {
  const name = `${prefix}${command.name()}`;
  const children = command.commands.filter((child) => !child._hidden);
  return children.length ? children.flatMap((child) => leaves(child, `${name} `)) : [{ name, command }];
}

function section({ name, command }) {
  const options = command.options.filter(({ hidden }) => !hidden);
  return [
    `## ${name}`,
    '',
    sentence(command.description()),
    '',
    '```text',
    `${name} ${command.usage()}`,
    '```',
    '',
    ...table(
      ['argument', 'description'],
      command.registeredArguments.map((each) => [
        code(`<${each.name()}${each.variadic ? '...' : ''}>`),
        each.description,
      ]),
    ),
    ...table(
      ['option', 'description'],
      options.map((each) => [code(each.flags), describe(each)]),
    ),
  ];
}

function describe({ description, argChoices, defaultValue, mandatory }) {
  const extra = [
    mandatory && 'required',
    argChoices && !description.includes(argChoices[0]) && `one of ${argChoices.join(', ')}`,
    defaultValue !== undefined &&
      typeof defaultValue !== 'object' &&
      defaultValue !== true &&
      `default: ${defaultValue}`,
  ].filter(Boolean);
  return extra.length ? `${description} (${extra.join('; ')})` : description;
}

function table(head, rows) {
  if (rows.length === 0) return [];
  const line = (cells) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line), ''];
}

const code = (text) => `\`${text}\``;
// Inside code Markdown takes < as it is; outside it would begin an element.
const escaped = (cell) => {
  const text = cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('');
};
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
