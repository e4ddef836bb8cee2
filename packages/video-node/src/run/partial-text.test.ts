import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { linesLeft, openPartialText } from './partial-text.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a text in the making', () => {
  it('has its name only when it is complete, and can be gone on from', () => {
    const first = openPartialText(at('new/rows.txt'));
    first.write('a\nb\n');
    first.write('torn');
    first.leave();
    expect(existsSync(at('new/rows.txt'))).toBe(false);
    expect(linesLeft(at('new/rows.txt'))).toEqual(['a', 'b']);
    const second = openPartialText(at('new/rows.txt'), ['a']);
    second.write('c\n');
    second.commit();
    expect(readFileSync(at('new/rows.txt'), 'utf8')).toBe('a\nc\n');
    expect(linesLeft(at('new/rows.txt'))).toBeUndefined();
  });

  it.skipIf(!existsSync('/dev/full'))('tells of a full disk and gets no name [needs /dev/full]', () => {
    symlinkSync('/dev/full', at('rows.txt.partial'));
    const text = openPartialText(at('rows.txt'));
    expect(() => text.write('a\n')).toThrow(expect.objectContaining({ code: 'DISK_FULL', message: expect.stringContaining('rows.txt.partial') as string }));
    text.leave();
    expect(existsSync(at('rows.txt'))).toBe(false);
  });

  it('is refused at once where nothing can be written, not when the work is done', () => {
    mkdirSync(at('folder'));
    writeFileSync(at('file'), '');
    for (const path of [at('folder'), at('file/rows.txt')]) expect(() => openPartialText(path), path).toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' }));
    expect(existsSync(at('folder.partial'))).toBe(false);
  });
});
