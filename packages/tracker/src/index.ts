/** ByteTrack over any detections. */
export { createTracker } from './tracker.ts';
/** Detections from boxes of other forms. */
export { fromMot, fromXywh, fromXyxy, type MotDetection } from './convert.ts';
/** The numbers behind each preset. */
export { PRESETS } from './options.ts';
/** The optimum assignment of rows to columns, with or without a cost limit. */
export { assign, type Assignment, type AssignOptions } from './assignment.ts';
/** What everything here throws. */
export { FaceDetError, isFaceDetError } from '@facedet/checks';
/** What goes in and what comes out. */
export type {
  Box,
  CameraMotion,
  Detection,
  Preset,
  Track,
  Tracker,
  TrackerOptions,
  TrackerSnapshot,
  TrackSnapshot,
  TrackState,
  UpdateOptions,
} from './types.ts';
