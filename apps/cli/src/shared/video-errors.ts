import { isFaceDetError } from '@facedet/core';
import { CommandError } from './errors.ts';
import { shown, sourceField } from './shown.ts';

/** An error without the name of its input at the front: the command's line begins with that. */
export function withoutName(error: unknown, input: string): unknown {
  if (!isFaceDetError(error)) return error;
  const name = [input, sourceField(input), shown(input)].find((form) => error.message.startsWith(`${form}: `));
  if (name === undefined) return error;
  return new CommandError(error.code, error.message.slice(name.length + 2), { cause: error });
}
