export * from './types.ts';
export * from './backend.ts';
export { FaceDetError, isFaceDetError } from './errors.ts';
