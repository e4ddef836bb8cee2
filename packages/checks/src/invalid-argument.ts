import { FaceDetError } from './errors.ts';
import { received } from './received.ts';

/**
 * The error of an argument that is out of range or of a wrong type.
 *
 * @param expected what would be valid, with the argument's name
 * @param value what was received
 * @param nextStep what the caller can do, without a final period
 */
export function invalidArgument(expected: string, value: unknown, nextStep: string): FaceDetError {
  return new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${received(value)}; ${nextStep}.`);
}
