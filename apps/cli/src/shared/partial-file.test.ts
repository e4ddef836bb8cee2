import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPartial, partialPathOf, writeWhole } from './partial-file.ts';

describe('a file in the making', () => {
  let dir = '';
  beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'facedet-partial-'))));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it("keeps the extension where a player needs it", () => {
    expect(partialPathOf(join('a', 'rows.jsonl'))).toBe(join('a', 'rows.jsonl.partial'));
    expect(partialPathOf(join('a', 'film.mp4'), { media: true })).toBe(join('a', 'film.partial.mp4'));
    expect(partialPathOf('film', { media: true })).toBe('film.partial');
  });

  it('has its final name only when it is complete', () => {
    const path = join(dir, 'new', 'rows.txt');
    const file = openPartial(path);
    file.write('one\n');
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(file.partialPath, 'utf8')).toBe('one\n');
    file.commit();
    expect(readFileSync(path, 'utf8')).toBe('one\n');
    expect(existsSync(file.partialPath)).toBe(false);
  });

  it('can be left and gone on from', () => {
    const path = join(dir, 'resumed.txt');
    const first = openPartial(path);
    first.write('one\n');
    first.leave();
    const second = openPartial(path, { append: true });
    expect(second.size).toBe(4);
    second.write(Buffer.from('two\n'));
    second.commit();
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    openPartial(path).leave();
    expect(openPartial(path).size).toBe(0);
  });

  it('of known content is written at once', () => {
    const path = join(dir, 'whole.txt');
    writeWhole(path, 'all');
    expect(readFileSync(path, 'utf8')).toBe('all');
  });
});
