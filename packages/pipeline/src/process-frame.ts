import type { Frame } from '@facedet/core';
import { choosePlan, completeDetections, detectKeyFrame } from './detection-plan.ts';
import { resultOf, trackDetections } from './frame-result.ts';
import type { FrameResult } from './types.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/** Takes one frame through the pipeline, online: its result without look-ahead. */
export async function processFrame<F extends Frame>(
  pipeline: VideoPipeline,
  frame: F,
  signal?: AbortSignal,
): Promise<FrameResult<F>> {
  const { progress } = pipeline;
  const plan = await detectKeyFrame(pipeline, frame, await choosePlan(progress, frame), signal);
  const detections = await completeDetections(pipeline, frame, plan, signal);
  const tracked = trackDetections(pipeline, frame, plan, detections);
  progress.pending = [];
  return resultOf(pipeline, tracked);
}
