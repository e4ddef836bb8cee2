/** Temporal stability of tracks: jitter, acceleration, lag, fragmentation, flicker. */
export { evaluateStability, frameTimes, type StabilityMetrics } from './evaluate.ts';
export type { TruthStability } from './against-ground-truth.ts';
export type { Jitter } from './jitter.ts';
export type { Lag } from './lag.ts';
/** Tracks with timestamps, from the JSON Lines of `facedet video`; those of MOTChallenge files are read by `mot`. */
export { parseTrackJsonl, type TimedTracks } from './track-jsonl.ts';
