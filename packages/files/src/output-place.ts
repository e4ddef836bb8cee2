import { accessSync, constants, lstatSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { FaceDetError } from '@facedet/checks';
import { outputError } from './output-error.ts';
import { printable } from './printable.ts';

/** Where an output goes. */
export type OutputPlace =
  /** A regular file, there or not: written to `partialPath` and renamed to `target`, which is behind all links. */
  | { readonly kind: 'file'; readonly target: string; readonly partialPath: string }
  /** A pipe, a device or a file that is open already: written to directly. `fd` where it is open. */
  | { readonly kind: 'stream'; readonly target: string; readonly fd?: number };

/**
 * The name of a file in progress: `rows.jsonl.partial`; for a file that must be recognized by its extension (`media`)
 * `film.partial.mp4`.
 */
export function partialPathOf(path: string, { media = false }: { readonly media?: boolean } = {}): string {
  const extension = extname(path);
  if (!media || extension === '') return `${path}.partial`;
  return join(dirname(path), `${basename(path, extension)}.partial${extension}`);
}

/**
 * Finds out where an output goes: `-`, `/dev/stdout` and `/dev/fd/N` are open already; pipes and devices are streams;
 * of a link to a regular file the target is written, and the link stays. Throws `OUTPUT_UNWRITABLE` for folders and for
 * paths that lead nowhere.
 */
export function outputPlace(path: string, options: { readonly media?: boolean } = {}): OutputPlace {
  const fd = openDescriptor(path);
  if (fd !== undefined) return { kind: 'stream', target: path, fd };
  const target = behindLinks(path);
  const found = kindOf(path, target);
  if (found?.isDirectory()) {
    throw new FaceDetError(
      'OUTPUT_UNWRITABLE',
      `${printable(path, 200)}: expected a file that can be written but received a folder; give the name of a file.`,
    );
  }
  if (found && !found.isFile()) return { kind: 'stream', target };
  return { kind: 'file', target, partialPath: partialPathOf(target, options) };
}

/**
 * Throws `OUTPUT_UNWRITABLE` where an output can't be written, before any work and without writing: a folder in place
 * of a file, a file in place of a folder of its path, no permission, a read-only disk. Folders that are missing are
 * made later. `isFolder` means an output that is a folder itself.
 */
export function requireWritable(
  path: string,
  { media = false, isFolder = false }: { readonly media?: boolean; readonly isFolder?: boolean } = {},
): void {
  try {
    if (isFolder) return requireFolder(resolve(path));
    const place = outputPlace(path, { media });
    if (place.kind === 'stream') {
      if (place.fd === undefined) accessSync(place.target, constants.W_OK);
      return;
    }
    const partial = lstatSync(place.partialPath, { throwIfNoEntry: false });
    if (partial) requireRegular(place.partialPath, partial);
    // Renaming would replace a file that its owner has protected.
    if (statSync(place.target, { throwIfNoEntry: false })) accessSync(place.target, constants.W_OK);
    requireFolder(dirname(resolve(place.target)));
  } catch (error) {
    throw outputError(path, error);
  }
}

/** The folder, or the nearest one above it that exists, must take new files. */
function requireFolder(path: string): void {
  let folder = path;
  for (;;) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    if (found || dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  accessSync(folder, constants.W_OK | constants.X_OK);
}

/** Throws `OUTPUT_UNWRITABLE` for a link, a folder or a special file in the place of a file in progress. */
export function requireRegular(
  path: string,
  found: { isFile(): boolean; isSymbolicLink(): boolean; isDirectory(): boolean },
): void {
  if (found.isFile()) return;
  const kind = found.isSymbolicLink() ? 'a symbolic link' : found.isDirectory() ? 'a folder' : 'a special file';
  throw new FaceDetError(
    'OUTPUT_UNWRITABLE',
    `${printable(path, 200)}: expected a free name for the file in progress but received ${kind}; remove it, ` +
      'or write elsewhere.',
  );
}

function kindOf(path: string, target: string): Stats | undefined {
  try {
    return statSync(target, { throwIfNoEntry: false });
  } catch (error) {
    throw outputError(path, error);
  }
}

function openDescriptor(path: string): number | undefined {
  if (path === '-' || path === '/dev/stdout' || path === '/proc/self/fd/1') return 1;
  if (path === '/dev/stderr') return 2;
  const numbered = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/.exec(path);
  return numbered ? Number(numbered[1]) : undefined;
}

/** The target of a link, also where it doesn't exist yet; any other path is returned as given. */
function behindLinks(path: string): string {
  if (!isLink(path)) return path;
  let target = resolve(path);
  for (let hops = 0; hops < 40; hops++) {
    if (!isLink(target)) return target;
    target = resolve(realFolder(target), readlinkSync(target));
  }
  throw new FaceDetError(
    'OUTPUT_UNWRITABLE',
    `${printable(path, 200)}: expected a file that can be written but received links that lead in a circle; ` +
      'remove them.',
  );
}

/** A relative link is relative to the real folder it is in. */
function realFolder(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    return dirname(path);
  }
}

function isLink(path: string): boolean {
  // An error of the path (a file in place of a folder) shows when it is opened.
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}
