import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandInputs, isUrl } from './inputs.ts';

describe('inputs', () => {
  let dir = '';
  const at = (...names: string[]) => join(dir, ...names);

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'facedet-inputs-'));
    for (const folder of ['many', 'none', 'many/deep', 'many/folder.jpg']) mkdirSync(at(folder));
    for (const name of ['many/10.jpg', 'many/9.JPG', 'many/notes.txt', 'many/b.webp', 'many/deep/c.png', 'none/notes.txt', 'odd[1].jpg']) writeFileSync(at(name), '');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const sources = async (...args: string[]) => (await expandInputs(args)).map(({ source, error }) => (error ? `${source} ${error.code}` : source));

  it('of a folder are its pictures in natural order', async () => {
    expect(await sources(at('many'))).toEqual([at('many/9.JPG'), at('many/10.jpg'), at('many/b.webp')]);
  });

  it('of a glob are the files that fit', async () => {
    expect(await sources(at('many/*.jpg'))).toEqual([at('many/10.jpg')]);
    expect(await sources(at('many/**'))).toEqual([at('many/9.JPG'), at('many/10.jpg'), at('many/b.webp'), at('many/deep/c.png')]);
  });

  it('keep the order of the arguments, each as it was given', async () => {
    expect(await sources('-', 'https://example.org/a.jpg?b=[1]', at('odd[1].jpg'))).toEqual(['-', 'https://example.org/a.jpg?b=[1]', at('odd[1].jpg')]);
  });

  it('that are not there are inputs with an error', async () => {
    expect(await sources(at('none'), at('none/*.jpg'), at('missing.jpg'), at('many/10.jpg/x.jpg'))).toEqual([
      `${at('none')} NO_INPUT`, `${at('none/*.jpg')} NO_INPUT`, `${at('missing.jpg')} NOT_FOUND`, `${at('many/10.jpg/x.jpg')} NOT_FOLDER`,
    ]);
  });

  it('may be URLs', () => {
    expect(['https://a/b', 'rtsp://a', 'file:///a'].every(isUrl)).toBe(true);
    expect(['C:\\a.jpg', 'a/b', 'c:a', './https:'].some(isUrl)).toBe(false);
  });
});
