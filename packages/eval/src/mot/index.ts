/** Tracking metrics: HOTA, CLEAR and ID metrics. */
export { combineMot, evaluateMot, type MotMetrics } from './evaluate.ts';
export type { MotSequence } from './preprocess.ts';
export type { ClearMetrics } from './clear.ts';
export type { HotaCurves, HotaMetrics } from './hota.ts';
export type { IdMetrics } from './id-metrics.ts';
/** The files of MOTChallenge. */
export { parseSequenceInfo, type SequenceInfo } from './sequence-info.ts';
export { parseMotRows, type TrackRows } from './track-rows.ts';
