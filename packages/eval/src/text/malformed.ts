import { FaceDetError } from '@facedet/core';

/** `MALFORMED_FILE`: a file that breaks its format, with the line (from 1) where it does. */
export function malformed(file: string, line: number, expected: string, got: string, cause?: unknown): FaceDetError {
  const shown = got.length > 80 ? `${got.slice(0, 80)}…` : got;
  return new FaceDetError('MALFORMED_FILE', `${file}, line ${line}: expected ${expected}, got ${shown}`, cause === undefined ? undefined : { cause });
}

/** `MISMATCHED_FILES`: files that are each well formed and contradict each other. */
export function mismatched(message: string): FaceDetError {
  return new FaceDetError('MISMATCHED_FILES', message);
}
