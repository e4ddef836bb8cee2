import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandInputs, isUrl, passedOverText, type PassedOver } from './inputs.ts';

describe('inputs', () => {
  let dir = '';
  const at = (...names: string[]) => join(dir, ...names);

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'facedet-inputs-'));
    for (const folder of ['many', 'none', 'many/deep', 'many/folder.jpg']) mkdirSync(at(folder));
    for (const name of [
      'many/10.jpg',
      'many/9.JPG',
      'many/notes.txt',
      'many/b.webp',
      'many/deep/c.png',
      'none/notes.txt',
      'odd[1].jpg',
    ])
      writeFileSync(at(name), '');
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const sources = async (...args: string[]) =>
    (await expandInputs(args)).map(({ source, error }) => (error ? `${source} ${error.code}` : source));

  it('of a folder are its pictures in natural order', async () => {
    expect(await sources(at('many'))).toEqual([at('many/9.JPG'), at('many/10.jpg'), at('many/b.webp')]);
  });

  it('of a folder are not those of folders that links lead to', async () => {
    mkdirSync(at('links'));
    for (const [name, target] of [
      ['to-folder', at('many')],
      ['up', '..'],
      ['picture.jpg', at('many/10.jpg')],
      ['nowhere.jpg', 'gone'],
    ] as const)
      symlinkSync(target, at('links', name));
    const passed: PassedOver[] = [];
    expect(
      (await expandInputs([at('links')], { onPassedOver: (over) => passed.push(over) })).map(({ source }) =>
        basename(source),
      ),
    ).toEqual(['nowhere.jpg', 'picture.jpg']);
    expect(passed.map(passedOverText)).toEqual(['2 folders in it not searched']);
  });

  it('of a folder are detected by content, and skipped files are counted', async () => {
    const passed: PassedOver[] = [];
    const jpeg = Buffer.from('ffd8ffe0', 'hex');
    for (const folder of ['mixed', 'mixed/deeper', 'mixed/.hidden']) mkdirSync(at(folder));
    for (const [name, content] of [
      ['1', jpeg],
      ['2.dat', jpeg],
      ['3.heic', 'broken'],
      ['4.mp4', jpeg],
      ['film', Buffer.from('1a45dfa3', 'hex')],
      ['film.avi', 'broken'],
      ['a.txt', 'text'],
      ['b', 'text'],
      ['c.pdf', '%PDF-1.7'],
      ['d', ''],
      ['.DS_Store', 'x'],
      ['Thumbs.db', 'x'],
    ] as const)
      writeFileSync(at('mixed', name), content);
    const list = async (videos: boolean) =>
      (await expandInputs([at('mixed')], { videos, onPassedOver: (over) => passed.push(over) })).map(({ source }) =>
        basename(source),
      );
    expect(await list(false)).toEqual(['1', '2.dat', '3.heic', '4.mp4']);
    expect(await list(true)).toEqual(['1', '2.dat', '3.heic', '4.mp4', 'film', 'film.avi']);
    expect(passed.map(passedOverText)).toEqual([
      '6 files passed over: 3 text, 1 PDF, 1 empty, 1 video; 1 folder in it not searched',
      '4 files passed over: 2 text, 1 PDF, 1 empty; 1 folder in it not searched',
    ]);
    passed.length = 0;
    expect((await expandInputs([at('mixed/**')], { onPassedOver: (over) => passed.push(over) })).length).toBe(4);
    expect(passed).toEqual([{ source: at('mixed/**'), counts: { text: 3, PDF: 1, empty: 1, video: 1 } }]);
  });

  it.skipIf(process.platform === 'win32')('that are pipes are not read before their turn', async () => {
    execFileSync('mkfifo', [at('pipe.jpg')]);
    expect(await expandInputs([at('pipe.jpg')])).toEqual([{ source: at('pipe.jpg'), kind: 'file' }]);
    // One that is in a folder by chance has perhaps no writer.
    mkdirSync(at('with-pipe'));
    execFileSync('mkfifo', [at('with-pipe/pipe.jpg')]);
    const passed: PassedOver[] = [];
    const only = await expandInputs([at('with-pipe')], { onPassedOver: (over) => passed.push(over) });
    expect([only.map(({ error }) => error?.code), passed.map(({ counts }) => counts)]).toEqual([
      ['NO_INPUT'],
      [{ special: 1 }],
    ]);
  });

  it('of a glob are the files that fit', async () => {
    expect(await sources(at('many/*.jpg'))).toEqual([at('many/10.jpg')]);
    expect(await sources(at('many/**'))).toEqual([
      at('many/9.JPG'),
      at('many/10.jpg'),
      at('many/b.webp'),
      at('many/deep/c.png'),
    ]);
  });

  it('keep the order of the arguments, each as it was given', async () => {
    expect(await sources('-', 'https://example.org/a.jpg?b=[1]', at('odd[1].jpg'))).toEqual([
      '-',
      'https://example.org/a.jpg?b=[1]',
      at('odd[1].jpg'),
    ]);
  });

  it('that are not there are inputs with an error', async () => {
    expect(await sources(at('none'), at('none/*.jpg'), at('missing.jpg'), at('many/10.jpg/x.jpg'))).toEqual([
      `${at('none')} NO_INPUT`,
      `${at('none/*.jpg')} NO_INPUT`,
      `${at('missing.jpg')} NOT_FOUND`,
      `${at('many/10.jpg/x.jpg')} NOT_FOLDER`,
    ]);
  });

  it('may be URLs', () => {
    expect(['https://a/b', 'rtsp://a', 'file:///a'].every(isUrl)).toBe(true);
    expect(['C:\\a.jpg', 'a/b', 'c:a', './https:'].some(isUrl)).toBe(false);
  });
});

it('reports a folder without pictures and what it holds in one error', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-no-pictures-'));
  writeFileSync(join(folder, 'notes.txt'), 'a text');
  const passed: PassedOver[] = [];
  const [input] = await expandInputs([folder], { onPassedOver: (over) => passed.push(over) });
  rmSync(folder, { recursive: true });
  expect(input!.error?.message).toContain('(1 file passed over: 1 text)');
  expect(passed).toEqual([{ source: folder, counts: { text: 1 }, isReported: true }]);
});
