/** The error class of all packages. */
export { FaceDetError, isFaceDetError } from './errors.ts';
/** The error of an invalid argument. */
export { invalidArgument } from './invalid-argument.ts';
/** Refuses unknown option names. */
export { checkOptionNames } from './options.ts';
/** Formats values for messages. */
export { received } from './received.ts';
