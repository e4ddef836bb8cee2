import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkOutputs, createFolder, type AskedOutput } from './check-outputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-check-outputs-'));
const at = (name: string) => join(folder, name);
const isRoot = process.getuid?.() === 0;
if (isRoot) process.stderr.write('A test of missing permissions is skipped: root has all of them.\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  for (const name of ['film.mp4', 'film.partial.mp4', 'rows.csv.partial', 'file']) writeFileSync(at(name), 'x');
  for (const name of ['folder', 'inner']) mkdirSync(at(name));
  symlinkSync(at('film.mp4'), at('link.mp4'));
  symlinkSync(folder, at('inner/up'));
  symlinkSync(at('loop-b'), at('loop-a'));
  symlinkSync(at('loop-a'), at('loop-b'));
});

const codeOf = (outputs: AskedOutput[], inputs: string[] = []) => {
  try {
    checkOutputs(outputs, inputs);
    return 'ok';
  } catch (error) {
    const { code, exitCode } = error as { code: string; exitCode: number };
    expect(exitCode).toBe(2);
    return code;
  }
};

it('takes what can be written, also where folders are missing, and writes nothing', () => {
  const before = readdirSync(folder);
  expect(
    codeOf(
      [
        { path: at('new/deeper/a.mp4'), media: true },
        { path: at('rows.jsonl') },
        { path: at('who'), isFolder: true },
        { path: '-' },
      ],
      [at('film.mp4')],
    ),
  ).toBe('ok');
  expect(codeOf([{ path: '/dev/null' }])).toBe('ok');
  expect(readdirSync(folder)).toEqual(before);
});

it.each<[string, AskedOutput]>([
  ['a folder', { path: at('folder') }],
  ['below a file', { path: at('file/a.csv') }],
  ['deeper below a file', { path: at('file/deeper/a.csv') }],
  ['links in a circle', { path: at('loop-a') }],
  ['a folder that is a file', { path: at('file'), isFolder: true }],
  ['a folder below a file', { path: at('file/a'), isFolder: true }],
])('refuses what can not be written: %s', (_, output) => {
  expect(codeOf([output])).toBe('OUTPUT_UNWRITABLE');
});

it.skipIf(isRoot || process.platform === 'win32')('refuses folders and files without permission', () => {
  mkdirSync(at('closed'));
  writeFileSync(at('protected.csv'), 'x', { mode: 0o444 });
  chmodSync(at('closed'), 0o555);
  for (const path of [at('closed/a.csv'), at('closed/new/a.csv'), at('protected.csv')])
    expect(codeOf([{ path }]), path).toBe('OUTPUT_UNWRITABLE');
  expect(codeOf([{ path: at('closed/faces'), isFolder: true }])).toBe('OUTPUT_UNWRITABLE');
});

it.each<[string, AskedOutput, string]>([
  ['itself', { path: at('film.mp4'), media: true }, at('film.mp4')],
  ['by another way', { path: at('inner/up/film.mp4'), media: true }, at('film.mp4')],
  ['through a link', { path: at('link.mp4'), media: true }, at('film.mp4')],
  ['of a link', { path: at('film.mp4'), media: true }, at('link.mp4')],
  ['the name of a film in progress', { path: at('film.mp4'), media: true }, at('film.partial.mp4')],
  ['the name of a text in progress', { path: at('rows.csv') }, at('rows.csv.partial')],
])('refuses to write over an input: %s', (_, output, input) => {
  expect(codeOf([output], [input])).toBe('OUTPUT_IS_INPUT');
});

it.each<[string, AskedOutput, AskedOutput]>([
  ['the same name', { path: at('a') }, { path: at('a') }],
  ['by another way', { path: at('a') }, { path: at('inner/up/a') }],
  ['through a link', { path: at('film.mp4') }, { path: at('link.mp4') }],
  ['in progress', { path: at('a') }, { path: at('a.partial') }],
  ['the manifest', { path: at('a') }, { path: at('a.partial.json') }],
  ['standard output', { path: '-' }, { path: '/dev/stdout' }],
])('refuses two outputs in one file: %s', (_, one, other) => {
  expect(codeOf([one, other])).toBe('USAGE');
  expect(codeOf([other, one])).toBe('USAGE');
});

it('takes two hard links of one file for two outputs, as renaming parts them', () => {
  linkSync(at('file'), at('file-2'));
  expect(codeOf([{ path: at('file') }, { path: at('file-2') }])).toBe('ok');
});

it('says what failed where a folder can not be created', () => {
  createFolder(at('made/deeper'));
  createFolder(at('made/deeper'));
  expect(readdirSync(at('made'))).toEqual(['deeper']);
  const error = {
    code: 'OUTPUT_UNWRITABLE',
    exitCode: 2,
    message: expect.stringMatching(/write elsewhere|another path/) as string,
  };
  expect(() => createFolder(at('file/deeper'))).toThrow(expect.objectContaining(error));
  if (process.platform === 'linux') expect(() => createFolder('/proc/facedet')).toThrow(expect.objectContaining(error));
});
