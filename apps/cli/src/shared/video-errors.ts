import { isFaceDetError } from '@facedet/core';
import { CommandError } from './errors.ts';

/** An error without the name of its input at the front: the command's line begins with that. */
export function withoutName(error: unknown, input: string): unknown {
  if (!isFaceDetError(error) || !error.message.startsWith(`${input}: `)) return error;
  return new CommandError(error.code, error.message.slice(input.length + 2), { cause: error });
}
