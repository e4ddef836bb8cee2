import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { filePath, PICTURE_EXTENSIONS, printable, redactUrl } from '@facedet/files';
import { wildcard } from './wildcard.ts';

/**
 * A video source: the path of a file or a named pipe; `-` for standard input; a folder or glob of pictures; a camera's
 * index (a number, or its digits); an `rtsp(s)://` or `http(s)://` address; or a filter graph of FFmpeg as an object
 * (`{ lavfi: 'testsrc2=size=640x360:rate=25' }`). A graph can read and write any file: never build one from user input.
 */
export type VideoSource = string | number | URL | { readonly lavfi: string };

/** A source by kind. `name` is its name in messages. */
export type ResolvedSource =
  | { readonly kind: 'file'; readonly name: string; readonly path: string; readonly picture?: boolean }
  | { readonly kind: 'pictures'; readonly name: string; readonly paths: readonly string[] }
  | { readonly kind: 'pipe'; readonly name: string; readonly path: string | null }
  | { readonly kind: 'camera'; readonly name: string; readonly format: string; readonly device: string }
  | { readonly kind: 'stream'; readonly name: string; readonly url: string }
  | { readonly kind: 'lavfi'; readonly name: string; readonly graph: string };

/** A source that is one container; a folder of pictures has one per picture. */
export type Container = Exclude<ResolvedSource, { kind: 'pictures' }>;

// A GIF in a folder is a video among pictures.
const PICTURES = new Set(PICTURE_EXTENSIONS.filter((extension) => extension !== '.gif'));
// A single letter before a colon is a Windows drive.
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const NETWORK = ['rtsp', 'rtsps', 'http', 'https'];
const CAMERAS: Partial<Record<NodeJS.Platform, [format: string, device: (index: string) => string]>> = {
  linux: ['v4l2', (index) => `/dev/video${index}`],
  darwin: ['avfoundation', (index) => `${index}:none`],
  win32: ['dshow', (index) => `video=${index}`],
};

/**
 * Determines the kind of a source; reads the file system if it is a path. `protocols` are URL schemes allowed besides
 * `rtsp(s)` and `http(s)`. Throws `SOURCE_REFUSED` for other schemes, `NOT_FOUND`, `VIDEO_EMPTY` for an empty file,
 * `NO_PICTURES` for a folder or glob without any, and `INVALID_ARGUMENT` for anything else.
 */
export async function resolveSource(source: VideoSource, protocols: readonly string[] = []): Promise<ResolvedSource> {
  if (source instanceof URL) {
    return source.protocol === 'file:' ? fileOrFolder(filePath(source)) : address(source.href, protocols);
  }
  if (typeof source === 'number') {
    if (!Number.isInteger(source) || source < 0)
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected a camera's index as an integer of at least 0 but received ${source}; number cameras from 0.`,
      );
    return camera(String(source));
  }
  if (typeof source === 'object' && source !== null && typeof source.lavfi === 'string' && source.lavfi !== '') {
    return { kind: 'lavfi', name: printable(`lavfi:${source.lavfi}`), graph: source.lavfi };
  }
  if (typeof source !== 'string' || source === '')
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a path, URL, camera index or { lavfi } as video source but received ' +
        `${source === '' ? 'an empty string' : typeof source}; pass a file's path, for example.`,
    );
  if (source.includes('\0'))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a path or URL without NUL characters as video source but received one with them; remove them.',
    );
  if (source === '-') return { kind: 'pipe', name: 'standard input', path: null };
  if (/^\d+$/.test(source) && !(await exists(source))) return camera(source);
  if (/^file:\/\//i.test(source)) return fileOrFolder(filePath(source));
  if (SCHEME.test(source) && !(await exists(source))) return address(source, protocols);
  if (process.platform === 'linux' && /^\/dev\/video\d+$/.test(source))
    return { kind: 'camera', name: source, format: 'v4l2', device: source };
  if (/^video=/.test(source) && process.platform === 'win32')
    return { kind: 'camera', name: source, format: 'dshow', device: source };
  if (/[*?[]/.test(source) && !(await exists(source))) return glob(source);
  return fileOrFolder(source);
}

/** A URL of an allowed scheme; other schemes of FFmpeg (`concat:`, `subfile:`, `pipe:`, …) reach files and hosts. */
function address(url: string, protocols: readonly string[]): ResolvedSource {
  const scheme = SCHEME.exec(url)![1]!.toLowerCase();
  if (NETWORK.includes(scheme) && /^[a-z]+:\/\//i.test(url)) return stream(url);
  if (protocols.includes(scheme)) return stream(url);
  const option =
    scheme === 'lavfi'
      ? "pass a filter graph as { lavfi: '…' }"
      : `allow it by protocols: ['${scheme.slice(0, 40)}'] if you trust the source`;
  throw new FaceDetError(
    'SOURCE_REFUSED',
    'Expected a path, rtsp(s):// or http(s):// as video source but received the scheme ' +
      `${scheme.slice(0, 40)}:; ${option}.`,
  );
}

/** Natural sort order: `2.jpg` before `10.jpg`. */
export function naturalOrder(names: readonly string[]): string[] {
  const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  return [...names].sort((a, b) => compare(a, b) || (a < b ? -1 : a > b ? 1 : 0));
}

function stream(url: string): ResolvedSource {
  // Messages never show credentials or control characters.
  return { kind: 'stream', name: printable(redactUrl(url)), url };
}

function camera(index: string): ResolvedSource {
  const found = CAMERAS[process.platform];
  if (!found)
    throw new FaceDetError(
      'CAMERA_UNSUPPORTED',
      `Expected Linux, macOS or Windows for a camera but received ${process.platform}; use a stream's URL instead.`,
    );
  return { kind: 'camera', name: `camera ${index}`, format: found[0], device: found[1](index) };
}

async function fileOrFolder(path: string): Promise<ResolvedSource> {
  const name = printable(path);
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EACCES')
      throw new FaceDetError(
        'NO_ACCESS',
        `Expected a readable file but ${name} may not be read; change its permissions.`,
        { cause },
      );
    throw new FaceDetError('NOT_FOUND', `Expected a file or folder but ${name} does not exist; check the path.`, {
      cause,
    });
  });
  if (found.isDirectory()) return pictures(name, path, await readdir(path));
  if (found.isFile() && found.size === 0)
    throw new FaceDetError('VIDEO_EMPTY', `Expected a video but ${name} is an empty file; use another one.`);
  if (found.isFIFO() || found.isCharacterDevice()) return { kind: 'pipe', name, path };
  return { kind: 'file', name, path };
}

async function glob(pattern: string): Promise<ResolvedSource> {
  const folder = dirname(pattern);
  if (/[*?[]/.test(folder))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected wildcards only in the last part of a path but received ${printable(pattern)}; use one folder of ` +
        'pictures.',
    );
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new FaceDetError('NOT_FOUND', `Expected a folder but ${printable(folder)} does not exist; check the path.`, {
      cause,
    });
  });
  return pictures(printable(pattern), folder, names.filter(wildcard(basename(pattern))));
}

function pictures(name: string, folder: string, names: readonly string[]): ResolvedSource {
  const chosen = names.filter((entry) => PICTURES.has(extname(entry).toLowerCase()) && !entry.startsWith('.'));
  if (chosen.length === 0)
    throw new FaceDetError(
      'NO_PICTURES',
      `Expected pictures (${[...PICTURES].join(' ')}) in ${name} but received none among ${names.length} names; ` +
        'use another folder or pattern.',
    );
  return { kind: 'pictures', name, paths: naturalOrder(chosen).map((entry) => join(folder, entry)) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
