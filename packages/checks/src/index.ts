/** The error class of all packages. */
export { FaceDetError, isFaceDetError } from './errors.ts';
/** Refuses unknown option names. */
export { checkOptionNames } from './options.ts';
/** Formats values for messages. */
export { received } from './received.ts';
