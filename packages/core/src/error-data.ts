import { FaceDetError } from '@facedet/checks';

/** An error as plain data: a structured clone would lose its code and, of classes that are not built in, its name. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
  readonly cause: ErrorData | undefined;
}

/** An error, with up to four causes, to be sent to another thread. */
export function packError(error: unknown, depth = 0): ErrorData {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), code: undefined, stack: undefined, cause: undefined };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
    cause: error.cause !== undefined && depth < 4 ? packError(error.cause, depth + 1) : undefined,
  };
}

/** The error that `packError` packed: a `FaceDetError` where it was one. */
export function unpackError({ name, message, code, stack, cause }: ErrorData): Error {
  const options = cause ? { cause: unpackError(cause) } : {};
  const error =
    name === 'FaceDetError' && code !== undefined
      ? new FaceDetError(code, message, options)
      : Object.assign(new Error(message, options), { name }, code === undefined ? {} : { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
