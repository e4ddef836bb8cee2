import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fileStamp } from './file-stamp.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-stamp-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'a');
const write = (bytes: string | Uint8Array, time: number) => {
  writeFileSync(path, bytes);
  utimesSync(path, time, time);
  return fileStamp(path);
};

it('is the same for the same content and time, and another for each change', () => {
  const long = new Uint8Array(200_000).fill(7);
  const stamps = [
    write('', 1),
    write('a', 1),
    write('b', 1),
    write('b', 2),
    write(long, 2),
    write(long.subarray(1), 2),
  ];
  expect(new Set(stamps).size).toBe(stamps.length);
  expect(write('b', 2)).toBe(stamps[3]);
});

it('is undefined for a missing file', () => {
  mkdirSync(join(folder, 'b'));
  for (const name of ['b', 'c', 'a/c', '\0']) expect(fileStamp(join(folder, name))).toBeUndefined();
});
