import type { Frame, Rotate } from '@facedet/core';
import type { FrameDetections } from './frame-detection.ts';
import { isReadBetter } from './orientation.ts';
import type { Progress } from './progress.ts';
import type { ScheduleState } from './schedule.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/** How the detector runs on a frame, decided before the tracker gets it. */
export interface DetectionPlan {
  /** Whether the detector runs on the whole frame. */
  readonly key: boolean;
  /** State of the schedule after this choice. */
  readonly chosen: ScheduleState;
  readonly rotate: Rotate;
  /** State of the orientation after this choice. */
  readonly probed: number | null;
}

/** A plan with what the detector found in a key frame; null for other frames. */
export interface PlannedDetections extends DetectionPlan {
  readonly detections: FrameDetections | null;
}

/** Decides whether the detector runs on the whole frame, and in which orientation. */
export async function choosePlan(progress: Progress, frame: Frame): Promise<DetectionPlan> {
  const { schedule, orientation } = progress;
  const key = await schedule.isKey(frame);
  const rotate = key ? orientation.choose(frame) : 0;
  return { key, chosen: schedule.capture(), rotate, probed: orientation.capture() };
}

/** Runs the detector on a key frame; the frames before it need not be tracked yet. */
export async function detectKeyFrame(
  { detectFrame }: VideoPipeline,
  frame: Frame,
  plan: DetectionPlan,
  signal?: AbortSignal,
): Promise<PlannedDetections> {
  return { ...plan, detections: plan.key ? await detectFrame(frame, plan.rotate, signal) : null };
}

/**
 * All detections of a frame, when all frames before it were tracked. Runs the detector on crops between key frames, and
 * on a key frame again in another orientation if the frames before it show that the first one was wrong. Null where the
 * detector did not run.
 */
export async function completeDetections(
  pipeline: VideoPipeline,
  frame: Frame,
  { rotate, chosen, detections }: PlannedDetections,
  signal?: AbortSignal,
): Promise<FrameDetections | null> {
  const { progress, frameStep, detectFrame, detectInCrops } = pipeline;
  const { orientation } = progress;
  if (!detections) return detectInCrops(frame, orientation.current, signal);
  if ('error' in detections) return detections;
  const { faces, thumbnail } = detections;
  const isCut = () => frameStep.isCut(frame, thumbnail ?? chosen.shots);
  const other = orientation.retry(frame, rotate, faces, isCut);
  if (other === null) return detections;
  const again = await detectFrame(frame, other, signal);
  return 'error' in again || isReadBetter(again.faces, faces) ? { ...again, thumbnail } : detections;
}
