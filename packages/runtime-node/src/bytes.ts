import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { filePath, oneLine, parseUrl, shownSource } from '@facedet/files';
import { readWhole } from '@facedet/http';

/** The codes under which a kind of input fails. */
export interface ByteErrors {
  /** What was expected, with its article: `a picture`. */
  readonly what: string;
  /** The file doesn't exist. */
  readonly missing: string;
  /** It exists and can't be read. */
  readonly unreadable: string;
  /** It has no bytes. */
  readonly empty: string;
  /** It has more than `maxBytes`. */
  readonly tooLarge: string;
}

/** Bytes at most, where it makes a difference of what a server sends. */
export type ByteLimit = number | { readonly local: number; readonly remote: number };

/** The whole of a file, of a `file:`, `http:`, `https:` or `data:` URL, or of bytes already at hand. */
export async function readBytes(
  source: string | URL | Uint8Array | ArrayBuffer,
  errors: ByteErrors,
  limit: ByteLimit,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  let bytes: Uint8Array;
  const at = locate(source);
  const isRemote = at.kind === 'url' && at.url.protocol !== 'data:';
  const maxBytes = typeof limit === 'number' ? limit : isRemote ? limit.remote : limit.local;
  if (at.kind === 'bytes') bytes = at.bytes;
  else if (at.kind === 'file') bytes = await readFile(at.path, errors, maxBytes, signal);
  else bytes = await download(at.url, errors, maxBytes, signal);
  if (bytes.length === 0)
    throw new FaceDetError(errors.empty, `Expected ${errors.what} but ${describe(source)} is empty (0 bytes).`);
  if (bytes.length > maxBytes) throw tooLarge(describe(source), bytes.length, errors, maxBytes);
  return bytes;
}

/** Where a source lies: a path stays a path, whatever its scheme-like start (`C:\…`). */
export type Location =
  { kind: 'bytes'; bytes: Uint8Array } | { kind: 'file'; path: string } | { kind: 'url'; url: URL };

/** Tells bytes, files and URLs apart. Throws `INVALID_ARGUMENT` for anything else. */
export function locate(source: string | URL | Uint8Array | ArrayBuffer): Location {
  if (source instanceof Uint8Array) return { kind: 'bytes', bytes: source };
  if (source instanceof ArrayBuffer) return { kind: 'bytes', bytes: new Uint8Array(source) };
  const url =
    source instanceof URL
      ? source
      : typeof source === 'string' && /^(https?|file|data):/i.test(source)
        ? parseUrl(source)
        : undefined;
  if (url?.protocol === 'file:') return { kind: 'file', path: filePath(url) };
  if (url && /^(https?|data):$/.test(url.protocol)) return { kind: 'url', url };
  if (url)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a file:, http:, https: or data: URL but received ${url.protocol}.`,
    );
  if (typeof source !== 'string' || source === '')
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a path, a URL or bytes but received ' +
        `${source === '' ? 'an empty string' : Object.prototype.toString.call(source)}.`,
    );
  return { kind: 'file', path: resolve(source) };
}

/**
 * A source in a message: its path or URL on one line, without credentials or the body of a data URL, its middle cut out
 * where it is long.
 */
export function describe(source: string | URL | Uint8Array | ArrayBuffer): string {
  return source instanceof Uint8Array || source instanceof ArrayBuffer ? 'the buffer' : shownSource(source);
}

/** What to do about a path that is not there. */
export function pathAdvice(path: string): string {
  const isBase64 = path.length > 100 && /^[\w+/=-]+$/.test(path.slice(-100).replaceAll(/\s/g, ''));
  return isBase64
    ? "check the path; for base64 text pass Buffer.from(text, 'base64') or a data: URL"
    : 'check the path';
}

async function readFile(path: string, errors: ByteErrors, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  const shown = describe(path);
  try {
    const file = await open(path, 'r');
    try {
      const stats = await file.stat();
      if (stats.isDirectory())
        throw new FaceDetError(
          errors.unreadable,
          `Expected ${errors.what} but ${shown} is a folder; give the files in it.`,
        );
      if (stats.size > maxBytes) throw tooLarge(shown, stats.size, errors, maxBytes);
      return await file.readFile({ signal });
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof FaceDetError) throw cause;
    signal?.throwIfAborted();
    const { code, message } = cause as NodeJS.ErrnoException;
    if (isMissing(code))
      throw new FaceDetError(
        errors.missing,
        `Expected ${errors.what} but ${shown} does not exist; ${pathAdvice(path)}.`,
        { cause },
      );
    const hint =
      code === 'EACCES' || code === 'EPERM'
        ? 'this user may not read it; change its permissions'
        : oneLine(message.slice(0, 300));
    throw new FaceDetError(errors.unreadable, `Expected ${errors.what} but ${shown} can't be read: ${hint}`, { cause });
  }
}

/** Whether an error of the system says that nothing has this path. */
export function isMissing(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

/** Attempts of a download: who waits for a picture waits for seconds. */
const ATTEMPTS = 3;

async function download(url: URL, errors: ByteErrors, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  if (url.protocol === 'data:') return dataOf(url, errors);
  const shown = describe(url);
  try {
    return await readWhole(url.href, { what: errors.what, attempts: ATTEMPTS, maxBytes, ...(signal && { signal }) });
  } catch (cause) {
    if (!(cause instanceof FaceDetError)) {
      signal?.throwIfAborted();
      throw new FaceDetError(
        errors.unreadable,
        `Expected ${errors.what} but ${shown} can't be fetched: ${oneLine((cause as Error).message)}`,
        { cause },
      );
    }
    // The client's codes are those of downloads; a caller asked for a picture or a model.
    const code =
      { DOWNLOAD_NOT_FOUND: errors.missing, DOWNLOAD_TOO_LARGE: errors.tooLarge }[cause.code] ?? errors.unreadable;
    throw new FaceDetError(code, cause.message, { cause });
  }
}

async function dataOf(url: URL, errors: ByteErrors): Promise<Uint8Array> {
  try {
    return new Uint8Array(await (await fetch(url)).arrayBuffer());
  } catch (cause) {
    throw new FaceDetError(
      errors.unreadable,
      `Expected ${errors.what} but the data: URL can't be decoded; check its base64 text.`,
      { cause },
    );
  }
}

function tooLarge(shown: string, size: number, errors: ByteErrors, maxBytes: number): FaceDetError {
  const mega = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
  return new FaceDetError(
    errors.tooLarge,
    `Expected ${errors.what} of at most ${mega(maxBytes)} but ${shown} has ${mega(size)}.`,
  );
}
