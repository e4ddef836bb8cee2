import { FaceDetError } from '@facedet/checks';

/** Where in a text file something is wrong. */
export interface FilePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/**
 * `MALFORMED_FILE`: a file that violates its format, with the line where it does.
 *
 * @param found the printable text of what was received: content of the file goes through `received` of
 * `@facedet/checks` first.
 */
export function malformed({ file, line }: FilePlace, expected: string, found: string, cause?: unknown): FaceDetError {
  return malformedAt(`${shortPath(file)}, line ${line}`, expected, found, cause);
}

/** `MALFORMED_FILE` for a file without lines, or for another `place` in it. */
export function malformedAt(place: string, expected: string, found: string, cause?: unknown): FaceDetError {
  const message = `${place}: expected ${shorten(expected, 300)} but received ${shorten(found, 160)}`;
  return new FaceDetError(
    'MALFORMED_FILE',
    /[.!?…]$/.test(message) ? message : `${message}.`,
    cause === undefined ? undefined : { cause },
  );
}

/** `MISMATCHED_FILES`: files that are each well formed but contradict each other. */
export function mismatched(place: string, expected: string, found: string): FaceDetError {
  const message = `${shortPath(place)}: expected ${shorten(expected, 400)} but received ${shorten(found, 160)}`;
  return new FaceDetError('MISMATCHED_FILES', `${message}.`);
}

/** A path for messages: the end of a very long one, which distinguishes files. */
export function shortPath(path: string): string {
  return path.length > 240 ? `…${path.slice(-240)}` : path;
}

/** A text for messages, cut to a length. */
export function shorten(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
