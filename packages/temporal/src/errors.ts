/** An error with a stable `code` in capitals. The message names what was expected, what came, and what to do. */
export class FaceDetError extends Error {
  /** Stable across versions: `INVALID_ARGUMENT`, `TIME_NOT_RISING`, `INVALID_SNAPSHOT`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FaceDetError';
    this.code = code;
  }
}
