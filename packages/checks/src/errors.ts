/** The error class of all packages. The message names what was expected, what was received and the next step. */
export class FaceDetError extends Error {
  /** Stable across versions, e.g. `INVALID_ARGUMENT` or `MODEL_UNUSABLE`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FaceDetError';
    this.code = code;
  }

  /**
   * Makes `error instanceof FaceDetError` true for the errors of every package, of other copies and versions of a
   * package, and of other realms: each bundle has a class of its own.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass keeps the usual meaning: not every FaceDetError is an instance of it.
    return this === FaceDetError ? isFaceDetError(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/** Whether a value is a `FaceDetError`, also from another package, copy or realm; the same as `instanceof`. */
export function isFaceDetError(value: unknown): value is FaceDetError {
  return (
    isError(value) &&
    (hasName(value) || Function.prototype[Symbol.hasInstance].call(FaceDetError, value)) &&
    typeof (value as { code?: unknown }).code === 'string'
  );
}

/** Errors of another realm are not `instanceof Error` here, but have its tag. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

const hasName = (error: Error) => error.name === 'FaceDetError';
