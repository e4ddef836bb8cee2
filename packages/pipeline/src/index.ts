// Detector, tracker and smoother over the frames of one video.
export { createVideoDetector } from './video-detector.ts';
export { videoDetectorOptionNames } from './options.ts';
export type * from './types.ts';
// The choice of key frames.
export type { ScheduleSnapshot } from './schedule.ts';
// Parts that are useful alone: the test for shot cuts, and sources that show a part of another.
export { initialShotState, nextShotState, type ShotState, type ShotVerdict } from './shot-cut.ts';
export type { ShotSnapshot } from './shot-snapshot.ts';
export { thumbnailOf, type Thumbnail } from './shot-thumbnail.ts';
export { cropsAround, detectAround, regionSource } from './refine.ts';
