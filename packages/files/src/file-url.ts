import { fileURLToPath } from 'node:url';
import { FaceDetError } from '@facedet/checks';
import { shownSource } from './shown-source.ts';

/**
 * The path that a `file:` URL names. Throws `INVALID_ARGUMENT` for one that names none (another host, `%2F`, a broken
 * escape).
 */
export function filePath(url: string | URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a file: URL that names a path on this machine but received ${shownSource(url)}; correct it, ` +
        'or give the path.',
      { cause },
    );
  }
}

/** Parses a URL. Throws `INVALID_ARGUMENT` for an invalid one. */
export function parseUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new FaceDetError('INVALID_ARGUMENT', `Expected a URL but received ${shownSource(text)}; correct it.`);
}
