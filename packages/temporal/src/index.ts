/** Steadies boxes, landmarks and scores of identities over time. */
export { createSmoother } from './smoother.ts';
/** What everything here throws. */
export { FaceDetError, isFaceDetError } from '@facedet/checks';
/** What goes in and what comes out. */
export type {
  Box,
  FilterState,
  Identified,
  IdentitySnapshot,
  Point,
  Smoother,
  SmootherOptions,
  SmootherSnapshot,
} from './types.ts';
