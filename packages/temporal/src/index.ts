/** Steadies boxes, landmarks and scores of identities over time. */
export { createSmoother, type SmootherOptions } from './smoother.ts';
/** What everything here throws. */
export { FaceDetError } from './errors.ts';
/** What goes in and what comes out. */
export type { Box, Point, Smoother, SmootherSnapshot, SmoothInput } from './types.ts';
