/** The one error class. */
export { FaceDetError, isFaceDetError } from './errors.ts';
/** Refuses unknown option names. */
export { checkOptionNames } from './options.ts';
/** Values in messages. */
export { received } from './received.ts';
