/** Creates a smoother of the boxes, landmarks and scores of tracks. */
export { createSmoother } from './smoother.ts';
/** The error class of all packages. */
export { FaceDetError, isFaceDetError } from '@facedet/checks';
/** Input and output types. */
export type {
  Box,
  FilterState,
  TrackedFace,
  Point,
  SmoothedTrackSnapshot,
  Smoother,
  SmootherOptions,
  SmootherSnapshot,
} from './types.ts';
