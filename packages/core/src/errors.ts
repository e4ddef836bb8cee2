/** An error with a stable `code` in capitals. The message names what was expected, what came, and what to do. */
export class FaceDetError extends Error {
  /** Stable across versions: `INVALID_ARGUMENT`, `MODEL_UNUSABLE`, … */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FaceDetError';
    this.code = code;
  }
}

/** Whether a value is a `FaceDetError`, also one of another copy or realm of the library. */
export function isFaceDetError(value: unknown): value is FaceDetError {
  return value instanceof Error && value.name === 'FaceDetError' && typeof (value as { code?: unknown }).code === 'string';
}
