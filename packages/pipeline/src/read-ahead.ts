import type { Frame } from '@facedet/core';
import { checkFrame } from './check-arguments.ts';
import { choosePlan, detectKeyFrame, type PlannedDetections } from './detection-plan.ts';
import { createFeed, type Feed } from './feed.ts';
import type { Settings } from './options.ts';
import { lagOf } from './progress.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/** Bytes of frames read ahead, beyond which only frames that keep a session busy are read: 15 frames of 1080p. */
const AHEAD_BYTES = 48e6;

/** Frames that may wait for their turn at once, with the detector at work on them. */
function readAheadLimit(settings: Settings): number {
  const { detector, detectEvery, live } = settings;
  const { concurrency } = detector;
  if (live) return concurrency;
  if (detectEvery === 'auto') return lagOf(settings);
  // While each session works on one key frame another waits for it, with the frames in between; many open frames would
  // only cost memory.
  return Math.min(2 * concurrency * detectEvery, Math.max(2 * concurrency, 32));
}

/**
 * Reads frames and runs the detector on key frames, ahead of tracker and smoother. The result is null for frames that
 * were processed before, as after a restored snapshot: the detector does not run on them again.
 */
export function readAhead<F extends Frame>(
  pipeline: VideoPipeline,
  frames: AsyncIterable<F> | Iterable<F>,
  signal: AbortSignal,
): Feed<F, PlannedDetections | null> {
  const { settings, statistics, progress } = pipeline;
  const { processed } = progress;
  const { concurrency } = settings.detector;
  const limit = readAheadLimit(settings);
  let lastRead = -1;
  let lastPlan: Promise<unknown> = Promise.resolve();
  return createFeed(frames, {
    limit,
    // Half of the limit is a key frame for each session, with the frames in between; the rest waits behind them.
    minJobs: Math.min(limit, Math.max(2 * concurrency, Math.ceil(limit / 2))),
    byteLimit: AHEAD_BYTES,
    live: settings.live,
    onDrop: () => statistics.dropped(),
    onSource: (ms) => statistics.spent('source', ms),
    async work(frame) {
      checkFrame(frame, lastRead);
      lastRead = frame.index;
      if (frame.index <= processed) return null;
      // Key-frame decisions are sequential; detections run concurrently.
      const plan = lastPlan.then(() => choosePlan(progress, frame));
      lastPlan = plan;
      return detectKeyFrame(pipeline, frame, await plan, signal);
    },
  });
}
