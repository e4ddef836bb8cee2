/** Creates a ByteTrack tracker for any detections. */
export { createTracker } from './tracker.ts';
/** Converts boxes of other forms to detections. */
export { fromMot, fromXywh, fromXyxy, type MotDetection } from './convert.ts';
/** The option values of each preset. */
export { PRESETS } from './options.ts';
/** Solves the linear assignment problem, with or without a cost limit. */
export { assign, type Assignment, type AssignOptions } from './assignment.ts';
/** The error class of all packages. */
export { FaceDetError, isFaceDetError } from '@facedet/checks';
/** Input and output types. */
export type {
  Box,
  CameraMotion,
  Detection,
  Point,
  TrackerPreset,
  Track,
  Tracker,
  TrackerOptions,
  TrackerSnapshot,
  TrackSnapshot,
  TrackState,
  UpdateOptions,
} from './types.ts';
