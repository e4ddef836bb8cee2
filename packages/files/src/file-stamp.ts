import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Bytes that are hashed. */
const HEAD = 1 << 16;

/**
 * Size, modification time and the hash of a file's first bytes: a file with the same stamp as before was not changed.
 * Undefined where there is no regular file, or none that can be read.
 */
export function fileStamp(path: string): string | undefined {
  try {
    const found = statSync(path);
    // Opening a pipe would block.
    if (!found.isFile()) return undefined;
    const head = Buffer.alloc(Math.min(HEAD, found.size));
    const file = openSync(path, 'r');
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
    return `${found.size} ${found.mtimeMs} ${createHash('sha256').update(head).digest('hex')}`;
  } catch {
    return undefined;
  }
}
