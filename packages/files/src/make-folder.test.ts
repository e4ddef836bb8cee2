import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'facedet-folders-'));
afterAll(() => rmSync(root, { recursive: true }));
const hasProc = existsSync('/proc/self');
if (!hasProc) console.log('A test of folders below /proc is skipped: this system has none.');

describe('makeFolder', () => {
  it('creates all that is missing, and may be repeated', () => {
    const path = join(root, 'a', 'b', 'c');
    makeFolder(path);
    makeFolder(path);
    makeFolder(join(root, 'a', 'b', 'd'));
    expect(statSync(path).isDirectory()).toBe(true);
    expect(statSync(join(root, 'a', 'b', 'd')).isDirectory()).toBe(true);
  });

  it('follows links to folders', () => {
    symlinkSync(join(root), join(root, 'link'));
    makeFolder(join(root, 'link', 'e', 'f'));
    expect(statSync(join(root, 'e', 'f')).isDirectory()).toBe(true);
  });

  it('throws where a file is in its way', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => makeFolder(join(root, 'file'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    expect(() => makeFolder(join(root, 'file', 'g'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
    symlinkSync(join(root, 'nowhere'), join(root, 'dead'));
    expect(() => makeFolder(join(root, 'dead', 'h'))).toThrow(expect.objectContaining({ syscall: expect.any(String) }));
  });

  it.skipIf(!hasProc)('ends where the system takes no folder', () => {
    expect(() => makeFolder('/proc/facedet/output')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
