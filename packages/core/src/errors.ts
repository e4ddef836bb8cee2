import { FaceDetError } from '@facedet/checks';

/** The error of calls after `dispose()`, and of calls in flight when it is called. */
export function disposedError(what: string): FaceDetError {
  return new FaceDetError('DISPOSED', `Expected a ${what} in use but it was disposed; create a new one.`);
}

/**
 * An error as plain data. A structured clone would lose its code and, for classes that are not built in, its name.
 */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
  readonly cause: ErrorData | undefined;
}

/** Causes beyond this depth are dropped. */
const MAX_CAUSES = 4;

/** Converts an error, with up to four causes, to plain data that can be posted to another thread. */
export function packError(error: unknown): ErrorData {
  return pack(error, 0);
}

function pack(error: unknown, depth: number): ErrorData {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), code: undefined, stack: undefined, cause: undefined };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
    cause: error.cause !== undefined && depth < MAX_CAUSES ? pack(error.cause, depth + 1) : undefined,
  };
}

/** Restores the error that `packError` packed, as a `FaceDetError` if it was one. */
export function unpackError({ name, message, code, stack, cause }: ErrorData): Error {
  const options = cause ? { cause: unpackError(cause) } : {};
  const error =
    name === 'FaceDetError' && code !== undefined
      ? new FaceDetError(code, message, options)
      : Object.assign(new Error(message, options), { name }, code === undefined ? {} : { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
