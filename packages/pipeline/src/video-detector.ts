import { FaceDetError, type Frame } from '@facedet/core';
import { checkOptionNames, invalidArgument, packError } from '@facedet/core/engine';
import { createFrameDetection, type FrameDetections } from './frame-detection.ts';
import { createFrameStep, type StepSnapshot, type TrackedFrame } from './frame-step.ts';
import type { BufferedFrame } from './held-frames.ts';
import { resolveOptions } from './options.ts';
import { createOrientation, type Orientation } from './orientation.ts';
import {
  checkFrame,
  choosePlan,
  runFrames,
  settleDetections,
  type Progress,
  type RunParts,
  type StepPlan,
} from './run.ts';
import { createSchedule, type Schedule } from './schedule.ts';
import { invalidSnapshot, isSnapshot } from './snapshot.ts';
import { createStatistics } from './statistics.ts';
import type { FrameResult, RunOptions, VideoDetector, VideoDetectorOptions, VideoSnapshot } from './types.ts';

/**
 * Puts detector, tracker and smoother in a line. State belongs to one video: every `run` begins a new one, unless it
 * follows a `restore()`. Throws `INVALID_ARGUMENT` for options that are unknown, out of range or contradict each other.
 */
export function createVideoDetector(options: VideoDetectorOptions): VideoDetector {
  const settings = resolveOptions(options);
  const { tracker, detectEvery, live, onError } = settings;
  const { concurrency } = settings.detector;
  // 'auto' decides from earlier results, so it may run at most this many frames ahead of them.
  const lag = Math.max(2 * concurrency, 2);
  // While each session works on one key frame another waits for it, with the frames in between; many open frames would
  // only cost memory.
  const ahead = detectEvery === 'auto' ? lag : Math.min(2 * concurrency * detectEvery, Math.max(2 * concurrency, 32));
  const statistics = createStatistics();
  const frameStep = createFrameStep(settings, statistics);
  const { detectFrame, detectInCrops } = createFrameDetection(settings, statistics);
  const progress = beginning();
  const parts: RunParts = {
    settings,
    limit: live ? concurrency : ahead,
    statistics,
    progress,
    detectFrame,
    detectInCrops,
    isCut: frameStep.isCut,
    step,
    resultOf,
  };
  let active: 'run' | 'process' | null = null;
  /** Whether frames were asked for since the beginning, `restore()` or `reset()`. */
  let used = false;

  function newSchedule(): Schedule {
    return createSchedule(detectEvery, lag, settings.shotCuts && tracker !== null);
  }

  function newOrientation(): Orientation {
    return createOrientation(settings.rotate, lag);
  }

  function beginning(): Progress {
    const schedule = newSchedule();
    const orientation = newOrientation();
    return {
      schedule,
      chosen: schedule.capture(),
      orientation,
      probed: null,
      lastIndex: -1,
      processed: -1,
      pending: [],
    };
  }

  /**
   * One frame's way through tracker and smoother; no waiting, so that state and snapshot always belong together.
   * Throws what ends the run; the frame then counts as not processed, and nothing has changed.
   */
  function step<F extends Frame>(
    frame: F,
    detections: FrameDetections | null,
    { refined, shot }: StepPlan,
  ): BufferedFrame<F> {
    const { index, timestamp } = frame;
    let error = detections && 'error' in detections ? handleFrameError(detections.error, frame) : undefined;
    let tracked: TrackedFrame = { faces: [], tentative: [], unmatchedDetections: [], detectorRan: false, cut: false };
    try {
      tracked = frameStep.trackFrame(frame, error ? null : detections, detections?.thumbnail ?? shot);
    } catch (refusal) {
      // For example a timestamp that did not increase.
      error ??= handleFrameError(refusal, frame);
    }
    progress.schedule.after(index, error || !tracker ? null : tracker.tracks);
    progress.orientation.after(frame, error || refined ? null : (detections?.faces ?? null), tracked.cut);
    progress.processed = index;
    return {
      frame,
      error,
      row: {
        index,
        timestamp,
        ...tracked,
        nearbyDetections: [],
        refined,
        ...(error ? { error: packError(error) } : {}),
      },
    };
  }

  /** Throws an error that ends the run; one that is skipped it returns, to be reported with the frame's result. */
  function handleFrameError(error: unknown, { index, timestamp }: Frame): Error {
    const verdict = typeof onError === 'function' ? onError(error, { index, timestamp }) : onError;
    if (verdict !== 'skip') throw error;
    return error instanceof Error ? error : new Error(String(error));
  }

  function resultOf<F extends Frame>({ frame, row, error }: BufferedFrame<F>): FrameResult<F> {
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

  function checkIdle(call: string): void {
    if (!active) return;
    throw new FaceDetError(
      'BUSY',
      `Expected one call at a time but received ${call}() while ${active}() is in progress; ` +
        'end that first, or create a video detector for each video.',
    );
  }

  /**
   * Undoes the schedule's choices for frames that were not processed. Choices still in progress then change a schedule
   * that is discarded.
   */
  function rewindSchedule(): void {
    const { schedule, chosen, orientation, probed } = progress;
    progress.schedule = newSchedule();
    progress.schedule.restore(schedule.snapshot(chosen));
    progress.chosen = progress.schedule.capture();
    progress.orientation = newOrientation();
    progress.orientation.restore(orientation.snapshot(probed));
  }

  function startOver(): void {
    frameStep.reset();
    statistics.reset();
    Object.assign(progress, beginning());
    used = false;
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
      const { signal } = callOptions;
      const plan = await choosePlan(progress, frame);
      const { key, chosen, probed } = plan;
      const detections = key
        ? await settleDetections(parts, frame, plan, await detectFrame(frame, plan.rotate, signal), signal)
        : await detectInCrops(frame, progress.orientation.current, signal);
      const buffered = step(frame, detections, { refined: !key && detections !== null, shot: chosen.shots });
      Object.assign(progress, { chosen, probed, pending: [] });
      return resultOf(buffered);
    } catch (error) {
      rewindSchedule();
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
      if (used) startOver();
      else statistics.reset();
      used = true;
      yield* runFrames(parts, frames, runOptions);
    } finally {
      rewindSchedule();
      active = null;
    }
  }

  return {
    process,
    run,
    get statistics() {
      return statistics.value;
    },
    snapshot(): VideoSnapshot {
      const { schedule, chosen, orientation, probed, lastIndex, processed, pending } = progress;
      return {
        version: 1,
        lastIndex,
        ...frameStep.snapshot(),
        schedule: schedule.snapshot(chosen),
        orientation: structuredClone(orientation.snapshot(probed)),
        pending: structuredClone(pending),
        processed,
      };
    },
    restore(snapshot) {
      checkIdle('restore');
      const next = beginning();
      let before: StepSnapshot | undefined;
      try {
        if (!isSnapshot(snapshot) || (snapshot.tracker === null) !== (tracker === null))
          throw invalidSnapshot(snapshot, tracker !== null);
        before = frameStep.snapshot();
        frameStep.restore(snapshot);
        next.schedule.restore(snapshot.schedule);
        next.orientation.restore(snapshot.orientation);
        next.probed = snapshot.orientation.probed;
        next.pending = structuredClone([...snapshot.pending]);
      } catch (error) {
        if (before) frameStep.restore(before);
        throw error instanceof FaceDetError && error.code === 'INVALID_SNAPSHOT'
          ? error
          : invalidSnapshot(snapshot, tracker !== null, error);
      }
      const { lastIndex, processed } = snapshot;
      Object.assign(progress, next, { chosen: next.schedule.capture(), lastIndex, processed });
      used = false;
    },
    reset() {
      checkIdle('reset');
      startOver();
    },
  };
}

/** Throws `INVALID_ARGUMENT` for what is no signal; null and undefined are none. */
function checkSignal(signal: unknown): void {
  // By its methods: one of another realm is no instance of this realm's class.
  const { throwIfAborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (signal === undefined || signal === null) return;
  if (typeof throwIfAborted === 'function' && typeof addEventListener === 'function') return;
  throw invalidArgument('an AbortSignal for signal', signal, '`new AbortController().signal` is one');
}

/** Throws `INVALID_ARGUMENT` for what cannot be called. */
function checkProgress(onProgress: unknown): void {
  if (onProgress === undefined || typeof onProgress === 'function') return;
  throw invalidArgument('a function for onProgress', onProgress, 'it is called with the statistics');
}

/** Throws `INVALID_ARGUMENT` for what is no source of frames. */
function checkSource(frames: unknown): void {
  const source = (frames ?? {}) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterate = source[Symbol.asyncIterator] ?? source[Symbol.iterator];
  if (typeof frames === 'object' && typeof iterate === 'function') return;
  throw invalidArgument('an iterable or async iterable of frames', frames, 'process() takes single frames');
}
