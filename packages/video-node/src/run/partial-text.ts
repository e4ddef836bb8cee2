import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { FaceDetError } from '@facedet/core';

/** A text of lines in the making; it lies under `NAME.partial` until it is complete. */
export interface PartialText {
  readonly path: string;
  /** Writes whole lines at once: after a kill the file ends with the last ones. Throws `DISK_FULL` and `OUTPUT_UNWRITABLE`. */
  write(lines: string): void;
  /** Flushes the file to the disk; nothing can be written any more. */
  complete(): void;
  /** Completes the file and gives it its final name. */
  commit(): void;
  /** Leaves the file under its partial name. */
  leave(): void;
}

/** The lines of a text that an interrupted run left, whole ones only; undefined where there is no such file. */
export function linesLeft(path: string): string[] | undefined {
  const partial = `${path}.partial`;
  return existsSync(partial) ? readFileSync(partial, 'utf8').split('\n').slice(0, -1) : undefined;
}

/** Opens a text for writing: anew, or behind the first `keep` lines of what an interrupted run left. Throws `OUTPUT_UNWRITABLE`. */
export function openPartialText(path: string, keep: readonly string[] = []): PartialText {
  const partial = `${path}.partial`;
  const file = guard(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a folder.');
    return openSync(partial, existsSync(partial) && keep.length > 0 ? 'r+' : 'w');
  });
  let at = keep.reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0);
  if (at > 0) guard(path, () => ftruncateSync(file, at));
  let open = true;
  const leave = () => {
    if (open) closeSync(file);
    open = false;
  };
  const complete = () => {
    if (!open) return;
    guard(path, () => fsyncSync(file));
    leave();
  };
  return {
    path,
    write(lines) {
      const bytes = Buffer.from(lines);
      guard(path, () => {
        for (let done = 0; done < bytes.length; ) {
          const written = writeSync(file, bytes, done, bytes.length - done, at);
          done += written;
          at += written;
        }
      });
    },
    complete,
    commit() {
      complete();
      guard(path, () => renameSync(partial, path));
    },
    leave,
  };
}

function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new FaceDetError('DISK_FULL', `${path}: no space is left on the disk. What was written up to here is kept in ${path}.partial.`, { cause });
    throw new FaceDetError('OUTPUT_UNWRITABLE', `${path}: expected a file that can be written: ${message}`, { cause });
  }
}
