import type { Frame } from '@facedet/core';
import { packError } from '@facedet/core/engine';
import type { DetectionPlan } from './detection-plan.ts';
import type { FrameDetections } from './frame-detection.ts';
import type { TrackedFrame } from './frame-step.ts';
import type { BufferedFrame } from './held-frames.ts';
import type { ErrorPolicy, FrameResult } from './types.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/**
 * One frame's way through tracker and smoother; no waiting, so that state and snapshot always belong together. Throws
 * what ends the run; the frame then counts as not processed, and nothing has changed.
 */
export function trackDetections<F extends Frame>(
  { settings, frameStep, progress }: VideoPipeline,
  frame: F,
  { key, chosen, probed }: DetectionPlan,
  detections: FrameDetections | null,
): BufferedFrame<F> {
  const { tracker, onError } = settings;
  const { index, timestamp } = frame;
  const refined = !key && detections !== null;
  let error = detections && 'error' in detections ? skippedError(onError, detections.error, frame) : undefined;
  let tracked: TrackedFrame = { faces: [], tentative: [], unmatchedDetections: [], detectorRan: false, cut: false };
  try {
    tracked = frameStep.trackFrame(frame, error ? null : detections, detections?.thumbnail ?? chosen.shots);
  } catch (refusal) {
    // For example a timestamp that did not increase.
    error ??= skippedError(onError, refusal, frame);
  }
  progress.schedule.after(index, error || !tracker ? null : tracker.tracks);
  progress.orientation.after(frame, error || refined ? null : (detections?.faces ?? null), tracked.cut);
  Object.assign(progress, { processed: index, chosen, probed });
  return {
    frame,
    error,
    row: { index, timestamp, ...tracked, nearbyDetections: [], refined, ...(error ? { error: packError(error) } : {}) },
  };
}

/** Throws an error that ends the run; one that is skipped it returns, to be reported with the frame's result. */
function skippedError(onError: ErrorPolicy, error: unknown, { index, timestamp }: Frame): Error {
  const verdict = typeof onError === 'function' ? onError(error, { index, timestamp }) : onError;
  if (verdict !== 'skip') throw error;
  return error instanceof Error ? error : new Error(String(error));
}

/** The result of a frame that was tracked, counted as given. */
export function resultOf<F extends Frame>(
  { progress, statistics }: VideoPipeline,
  { frame, row, error }: BufferedFrame<F>,
): FrameResult<F> {
  const { index, timestamp, faces, detectorRan, cut } = row;
  const unassigned = [...row.tentative, ...row.unmatchedDetections, ...row.nearbyDetections];
  const result: FrameResult<F> = {
    frame,
    index,
    timestamp,
    faces,
    unassigned,
    detectorRan,
    cut,
    ...(error ? { error } : {}),
  };
  progress.lastIndex = index;
  statistics.result(result, row.refined);
  return result;
}
