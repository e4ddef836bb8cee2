import { FaceDetError, received } from '@facedet/checks';
import { checkRows, type TrackRows } from '../mot/track-rows.ts';
import { mismatched, shortPath } from '../text/file-errors.ts';
import { MAX_FRAMES } from '../text/limits.ts';
import { type TruthStability, stabilityAgainst } from './against-ground-truth.ts';
import { continuityOf, presenceOf } from './continuity.ts';
import { type Jitter, accelerationEnergy, jitterOf } from './jitter.ts';
import type { TimedTracks } from './track-jsonl.ts';
import { seriesOf } from './track-series.ts';

/** Temporal stability of tracks, without ground truth. */
export interface StabilityMetrics {
  readonly frames: number;
  /** From the first frame to the last. */
  readonly seconds: number;
  /** Number of track IDs. */
  readonly tracks: number;
  /** Rows of all frames. */
  readonly boxes: number;
  /** Distance of boxes from the interpolation of their neighbors in time. */
  readonly jitter: Jitter;
  /** Mean square of the center's acceleration, in (face sizes / s²)². */
  readonly accelerationEnergy: number | null;
  /** How often tracks are interrupted and come back. */
  readonly fragmentations: number;
  /** How often tracks appear or disappear between their first and last frame, per second of these spans. */
  readonly flickerPerSecond: number | null;
  /** Present where ground truth was given. */
  readonly againstTruth?: TruthStability;
}

/**
 * Returns the timestamps of the frames of a constant frame rate, in seconds from 0.
 *
 * @param frames number of frames.
 * @param frameRate frames per second.
 * @throws FaceDetError `INVALID_ARGUMENT` for a number of frames that is not an integer up to 20,000,000, or a rate not
 * above 0.
 */
export function frameTimes(frames: number, frameRate: number): Float64Array {
  if (!Number.isInteger(frames) || frames < 0 || frames > MAX_FRAMES) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a whole number of frames up to ${MAX_FRAMES} but received ${received(frames)}.`,
    );
  }
  if (!(frameRate > 0 && frameRate < Infinity))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a frame rate above 0 but received ${received(frameRate)}.`);
  return Float64Array.from({ length: frames }, (_, k) => k / frameRate);
}

/**
 * Measures the temporal stability of tracks, by themselves and, where ground truth is given, against it.
 *
 * @param truth ground truth of the same video.
 * @throws FaceDetError `MISMATCHED_FILES` where a row has a later frame than `tracks.times`.
 */
export function evaluateStability({ rows, times }: TimedTracks, truth?: TrackRows): StabilityMetrics {
  checkRows(rows, 'tracks');
  if (truth) checkRows(truth, 'truth');
  for (const { file, frames, lines } of truth ? [rows, truth] : [rows]) {
    const late = frames.findIndex((frame) => frame < 1 || frame > times.length);
    if (late < 0) continue;
    throw mismatched(
      `${shortPath(file)}, line ${lines[late]}`,
      `a frame up to ${times.length}`,
      `frame ${frames[late]}; give ground truth and tracks of the same video`,
    );
  }
  const series = seriesOf(rows, times);
  const { fragmentations, flickerPerSecond } = continuityOf(
    series.map((track) => presenceOf(track.frames, track.times)),
  );
  return {
    frames: times.length,
    seconds: times.length ? times.at(-1)! - times[0]! : 0,
    tracks: series.length,
    boxes: rows.ids.length,
    jitter: jitterOf(series),
    accelerationEnergy: accelerationEnergy(series),
    fragmentations,
    flickerPerSecond,
    ...(truth && { againstTruth: stabilityAgainst(truth, rows, times) }),
  };
}
