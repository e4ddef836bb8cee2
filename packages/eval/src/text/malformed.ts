import { FaceDetError } from '@facedet/checks';

/**
 * `MALFORMED_FILE`: a file that breaks its format, with the line (from 1) where it does.
 *
 * @param received as it shall be shown: what comes out of the file goes through `received` of `@facedet/checks` first.
 */
export function malformed(
  file: string,
  line: number,
  expected: string,
  received: string,
  cause?: unknown,
): FaceDetError {
  return malformedAt(`${shortPath(file)}, line ${line}`, expected, received, cause);
}

/** `MALFORMED_FILE` of a file without lines, or at another `place`. */
export function malformedAt(place: string, expected: string, received: string, cause?: unknown): FaceDetError {
  const message = `${place}: expected ${shorten(expected, 300)} but received ${shorten(received, 160)}`;
  return new FaceDetError(
    'MALFORMED_FILE',
    /[.!?…]$/.test(message) ? message : `${message}.`,
    cause === undefined ? undefined : { cause },
  );
}

/** `MISMATCHED_FILES`: files that are each well formed and contradict each other. */
export function mismatched(place: string, expected: string, received: string): FaceDetError {
  const message = `${shortPath(place)}: expected ${shorten(expected, 400)} but received ${shorten(received, 160)}`;
  return new FaceDetError('MISMATCHED_FILES', `${message}.`);
}

/** A path as messages show it: of a very long one the end, which tells files apart. */
export function shortPath(path: string): string {
  return path.length > 240 ? `…${path.slice(-240)}` : path;
}

/** A text as messages show it. */
export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
