import { FaceDetError, type Frame } from '@facedet/core';
import { checkOptionNames } from '@facedet/core/engine';
import { checkFrame, checkProgress, checkSignal, checkSource } from './check-arguments.ts';
import { resolveOptions } from './options.ts';
import { processFrame } from './process-frame.ts';
import { runFrames } from './run.ts';
import type { FrameResult, RunOptions, VideoDetector, VideoDetectorOptions } from './types.ts';
import {
  createVideoPipeline,
  resetPipeline,
  restorePipeline,
  rewindChoices,
  snapshotPipeline,
} from './video-pipeline.ts';

/**
 * Puts detector, tracker and smoother in a line. State belongs to one video: every `run` begins a new one, unless it
 * follows a `restore()`. Throws `INVALID_ARGUMENT` for options that are unknown, out of range or contradict each other.
 */
export function createVideoDetector(options: VideoDetectorOptions): VideoDetector {
  const pipeline = createVideoPipeline(resolveOptions(options));
  const { statistics, progress } = pipeline;
  let active: 'run' | 'process' | null = null;
  /** Whether frames were asked for since the beginning, `restore()` or `reset()`. */
  let used = false;

  function checkIdle(call: string): void {
    if (!active) return;
    throw new FaceDetError(
      'BUSY',
      `Expected one call at a time but received ${call}() while ${active}() is in progress; ` +
        'end that first, or create a video detector for each video.',
    );
  }

  async function process<F extends Frame>(
    frame: F,
    callOptions: { signal?: AbortSignal } = {},
  ): Promise<FrameResult<F>> {
    checkIdle('process');
    active = 'process';
    try {
      checkOptionNames(callOptions, ['signal']);
      checkSignal(callOptions.signal);
      checkFrame(frame, progress.processed);
      used = true;
      statistics.begin();
      return await processFrame(pipeline, frame, callOptions.signal);
    } catch (error) {
      rewindChoices(pipeline);
      throw error;
    } finally {
      active = null;
    }
  }

  async function* run<F extends Frame>(
    frames: AsyncIterable<F> | Iterable<F>,
    runOptions: RunOptions = {},
  ): AsyncGenerator<FrameResult<F>, void, undefined> {
    checkIdle('run');
    active = 'run';
    try {
      checkOptionNames(runOptions, ['signal', 'onProgress']);
      checkSignal(runOptions.signal);
      checkProgress(runOptions.onProgress);
      checkSource(frames);
      if (used) resetPipeline(pipeline);
      else statistics.reset();
      used = true;
      yield* runFrames(pipeline, frames, runOptions);
    } finally {
      rewindChoices(pipeline);
      active = null;
    }
  }

  return {
    process,
    run,
    get statistics() {
      return statistics.value;
    },
    snapshot: () => snapshotPipeline(pipeline),
    restore(snapshot) {
      checkIdle('restore');
      restorePipeline(pipeline, snapshot);
      used = false;
    },
    reset() {
      checkIdle('reset');
      resetPipeline(pipeline);
      used = false;
    },
  };
}
