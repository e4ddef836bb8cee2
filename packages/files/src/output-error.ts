import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { FaceDetError } from '@facedet/checks';
import { oneLine } from './optional.ts';
import { printable } from './printable.ts';

/**
 * What the system said about an output, as `DISK_FULL` or `OUTPUT_UNWRITABLE`; a FaceDetError is returned as it is.
 * `partialPath` names the file that keeps what was written so far.
 */
export function outputError(path: string, cause: unknown, partialPath?: string): FaceDetError {
  if (cause instanceof FaceDetError) return cause;
  const { code, message, syscall, path: refused } = (cause ?? {}) as NodeJS.ErrnoException;
  const kept = partialPath === undefined ? '' : ` What was written so far is kept in ${printable(partialPath, 200)}.`;
  const shown = printable(path, 200);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FaceDetError(
      'DISK_FULL',
      `${shown}: expected space on the disk but no space is left; free some, or write elsewhere.${kept}`,
      { cause },
    );
  }
  if (syscall === 'mkdir' && typeof refused === 'string') {
    const reason = FOLDER_REASONS[code ?? ''] ?? REASONS[code ?? ''] ?? oneLine(message);
    const which = refused === path ? '' : ` for ${printable(refused, 200)}`;
    return new FaceDetError(
      'OUTPUT_UNWRITABLE',
      `${shown}: expected a folder that can be created but received${which}: ${reason}${kept}`,
      { cause },
    );
  }
  // Creating a file in a folder that exists fails so where the file system takes no files, as that of /proc.
  const isOpening = code === 'ENOENT' && syscall === 'open' && typeof refused === 'string';
  const isRefused = isOpening && existsSync(dirname(refused));
  const reason = isRefused ? NO_FILES : typeof code === 'string' ? REASONS[code] : undefined;
  return new FaceDetError(
    'OUTPUT_UNWRITABLE',
    `${shown}: expected a file that can be written but received: ${reason ?? oneLine(message ?? cause)}${kept}`,
    { cause },
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; change the permissions, or write elsewhere.',
  EPERM: 'operation not permitted; change the permissions, or write elsewhere.',
  EROFS: 'a read-only disk; write elsewhere.',
  EISDIR: 'it is a folder; give the name of a file.',
  ENOTDIR: 'a file where a folder of its path is expected; give another path.',
  ENOENT: 'a folder of its path does not exist; create it.',
  ELOOP: 'a symbolic link in its way; remove the link, or write elsewhere.',
  ENAMETOOLONG: 'its name is too long; give a shorter one.',
  ENXIO: 'a pipe without a reader; start its reader first.',
  EPIPE: 'the program that read it has ended.',
  EIO: 'an input/output error of the disk; check the disk.',
};

const NO_FILES = 'a file system that takes no new files there; write elsewhere.';

/** Reasons why a folder can't be created, where they are others than those of a file. */
const FOLDER_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'a file system that takes no new folders there; write elsewhere.',
  EEXIST: 'a link that leads nowhere; remove the link, or write elsewhere.',
};
