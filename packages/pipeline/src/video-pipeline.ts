import { FaceDetError } from '@facedet/core';
import { createFrameDetection, type FrameDetection } from './frame-detection.ts';
import { createFrameStep, type FrameStep, type StepSnapshot } from './frame-step.ts';
import type { Settings } from './options.ts';
import { newProgress, restoreChoices, snapshotChoices, type Progress } from './progress.ts';
import { invalidSnapshot, isSnapshot } from './snapshot.ts';
import { createStatistics, type StatisticsCounter } from './statistics.ts';
import type { VideoSnapshot } from './types.ts';

/** Detector, tracker and smoother in a line, with the state of one video. */
export interface VideoPipeline extends FrameDetection {
  readonly settings: Settings;
  readonly statistics: StatisticsCounter;
  readonly frameStep: FrameStep;
  /** Its properties change from frame to frame. */
  readonly progress: Progress;
}

/** A pipeline before its first frame. */
export function createVideoPipeline(settings: Settings): VideoPipeline {
  const statistics = createStatistics();
  return {
    settings,
    statistics,
    frameStep: createFrameStep(settings, statistics),
    progress: newProgress(settings),
    ...createFrameDetection(settings, statistics),
  };
}

/** Back to the beginning. */
export function resetPipeline({ settings, statistics, frameStep, progress }: VideoPipeline): void {
  frameStep.reset();
  statistics.reset();
  Object.assign(progress, newProgress(settings));
}

/**
 * Undoes the choices for frames that were not processed. Choices still in progress then change a schedule that is
 * discarded.
 */
export function rewindChoices({ settings, progress }: VideoPipeline): void {
  Object.assign(progress, restoreChoices(settings, snapshotChoices(progress)));
}

/** The state as plain data. */
export function snapshotPipeline({ frameStep, progress }: VideoPipeline): VideoSnapshot {
  const { lastIndex, processed, pending } = progress;
  return {
    version: 1,
    lastIndex,
    ...frameStep.snapshot(),
    ...structuredClone({ ...snapshotChoices(progress), pending }),
    processed,
  };
}

/** Restores a snapshot. Throws `INVALID_SNAPSHOT`; nothing has changed then. */
export function restorePipeline({ settings, frameStep, progress }: VideoPipeline, snapshot: VideoSnapshot): void {
  const withTracker = settings.tracker !== null;
  let before: StepSnapshot | undefined;
  try {
    if (!isSnapshot(snapshot) || (snapshot.tracker !== null) !== withTracker)
      throw invalidSnapshot(snapshot, withTracker);
    before = frameStep.snapshot();
    frameStep.restore(snapshot);
    const { lastIndex, processed, pending } = snapshot;
    Object.assign(progress, restoreChoices(settings, snapshot), {
      lastIndex,
      processed,
      pending: structuredClone([...pending]),
    });
  } catch (error) {
    if (before) frameStep.restore(before);
    throw error instanceof FaceDetError && error.code === 'INVALID_SNAPSHOT'
      ? error
      : invalidSnapshot(snapshot, withTracker, error);
  }
}
