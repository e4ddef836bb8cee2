import { checkOptionNames, received } from '@facedet/checks';
import { FaceDetError, packError, unpackError, type DetectOptions, type Frame } from '@facedet/core';
import { checkFaces } from './check-faces.ts';
import { closeFrame, createFeed } from './feed.ts';
import { createFrameStep, type FollowedFrame, type FrameDetections, type StepSnapshot } from './frame-step.ts';
import { mendRows, type PendingRow } from './look-ahead.ts';
import { resolveOptions } from './options.ts';
import { detectAround } from './refine.ts';
import { createSchedule, type ScheduleState } from './schedule.ts';
import { observed, signatureOf, type Signature } from './shot-cut.ts';
import { createStatistics } from './statistics.ts';
import type { FrameResult, RunOptions, VideoDetector, VideoDetectorOptions, VideoSnapshot } from './types.ts';

/** A frame whose row look-ahead may still hold back. */
interface BufferedFrame<F extends Frame> {
  readonly frame: F;
  readonly row: PendingRow;
  /** What `row.error` is the data of. */
  readonly error: Error | undefined;
}

/** For how long a lost track is looked for in crops, seconds: its prediction is worth little by then. */
const MAX_LOST_REFINE_SECONDS = 0.5;

/**
 * Puts detector, tracker and smoother in a line. State belongs to one video: every `run` begins a new one, unless it follows a `restore()`.
 * Throws `INVALID_ARGUMENT` for options that are unknown, out of range or contradict each other.
 */
export function createVideoDetector(options: VideoDetectorOptions): VideoDetector {
  const settings = resolveOptions(options);
  const { detector, tracker, refine, detectEvery, lookAhead, live, onError, scoreThreshold } = settings;
  const shotCuts = settings.shotCuts && tracker !== null;
  // 'auto' decides from earlier results, so it may run at most this many frames ahead of them.
  const lag = Math.max(2 * detector.concurrency, 2);
  // While each session works on one key frame another waits for it, with the frames in between; many open frames would only cost memory.
  const limit = live ? detector.concurrency : detectEvery === 'auto' ? lag : Math.min(2 * detector.concurrency * detectEvery, Math.max(2 * detector.concurrency, 32));
  const statistics = createStatistics();
  const frameStep = createFrameStep(settings, statistics);

  let schedule = createSchedule(detectEvery, lag);
  /** The schedule after its choice for the last frame processed: it may have chosen for later frames already. */
  let chosen: ScheduleState = schedule.capture();
  let lastIndex = -1;
  let processed = -1;
  let pending: PendingRow[] = [];
  let active: 'run' | 'process' | null = null;
  /** Whether frames were asked for since the beginning, `restore()` or `reset()`. */
  let used = false;

  const callOptions = (signal: AbortSignal | undefined): DetectOptions => ({ ...(scoreThreshold === undefined ? {} : { scoreThreshold }), ...(signal ? { signal } : {}) });

  async function detectFrame(frame: Frame, signal?: AbortSignal): Promise<FrameDetections> {
    const begin = performance.now();
    let signature: Signature | null = null;
    try {
      const image = shotCuts ? observed(frame, (pixels) => (signature = signatureOf(pixels))) : frame;
      const faces = await detector.detect(image, callOptions(signal));
      checkFaces(faces);
      return { faces, signature };
    } catch (error) {
      signal?.throwIfAborted();
      return { faces: [], signature: null, error };
    } finally {
      statistics.spent('detect', performance.now() - begin);
    }
  }

  async function detectInCrops(frame: Frame, signal?: AbortSignal): Promise<FrameDetections | null> {
    if (!refine || !tracker) return null;
    const begin = performance.now();
    try {
      const boxes = tracker.predict(frame.timestamp).filter((t) => t.state !== 'lost' || frame.timestamp - t.lastSeen < MAX_LOST_REFINE_SECONDS).map((t) => t.box);
      if (!boxes.length) return null;
      return { faces: await detectAround(detector, frame, boxes, { ...refine, ...callOptions(undefined) }, signal), signature: null };
    } catch (error) {
      signal?.throwIfAborted();
      return { faces: [], signature: null, error };
    } finally {
      statistics.spent('detect', performance.now() - begin);
    }
  }

  /**
   * One frame's way through tracker and smoother; no waiting, so that state and snapshot always belong together.
   * Throws what ends the run; the frame then counts as not processed, and nothing has changed.
   */
  function step<F extends Frame>(frame: F, detections: FrameDetections | null, refined: boolean): BufferedFrame<F> {
    const { index, timestamp } = frame;
    let error = detections && 'error' in detections ? handleFrameError(detections.error, frame) : undefined;
    let followed: FollowedFrame = { faces: [], tentative: [], unmatched: [], looked: false, cut: false };
    try {
      followed = frameStep.follow(frame, error ? null : detections);
    } catch (refusal) {
      // A time that stands still, for example.
      error ??= handleFrameError(refusal, frame);
    }
    schedule.after(index, error || !tracker ? null : tracker.tracks);
    processed = index;
    return { frame, error, row: { index, timestamp, ...followed, nearby: [], refined, ...(error ? { error: packError(error) } : {}) } };
  }

  /** Throws an error that ends the run; one that is skipped it returns, to be reported with the frame's result. */
  function handleFrameError(error: unknown, { index, timestamp }: Frame): Error {
    const verdict = typeof onError === 'function' ? onError(error, { index, timestamp }) : onError;
    if (verdict !== 'skip') throw error;
    return error instanceof Error ? error : new Error(String(error));
  }

  function resultOf<F extends Frame>({ frame, row, error }: BufferedFrame<F>): FrameResult<F> {
    const { index, timestamp, faces, looked, cut } = row;
    const result: FrameResult<F> = { frame, index, timestamp, faces, others: [...row.tentative, ...row.unmatched, ...row.nearby], looked, cut, ...(error ? { error } : {}) };
    lastIndex = index;
    statistics.result(result, row.refined);
    return result;
  }

  function checkIdle(call: string): void {
    if (active) throw new FaceDetError('BUSY', `Expected one call at a time but received ${call}() while ${active}() is in progress; end that first, or create a video detector for each video.`);
  }

  /** Takes back the schedule's choices for frames that were not processed. Choices still in progress then change a schedule that nobody asks. */
  function rewindSchedule(): void {
    const saved = schedule.snapshot(chosen);
    schedule = createSchedule(detectEvery, lag);
    schedule.restore(saved);
    chosen = schedule.capture();
  }

  function startOver(): void {
    frameStep.reset();
    schedule = createSchedule(detectEvery, lag);
    chosen = schedule.capture();
    statistics.reset();
    pending = [];
    lastIndex = processed = -1;
    used = false;
  }

  async function process<F extends Frame>(frame: F, callerOptions: { signal?: AbortSignal } = {}): Promise<FrameResult<F>> {
    checkIdle('process');
    active = 'process';
    try {
      checkOptionNames(callerOptions, ['signal']);
      checkFrame(frame, processed);
      used = true;
      const { signal } = callerOptions;
      statistics.begin();
      const key = await schedule.isKey(frame);
      const state = schedule.capture();
      const detections = key ? await detectFrame(frame, signal) : await detectInCrops(frame, signal);
      const buffered = step(frame, detections, !key && detections !== null);
      chosen = state;
      pending = [];
      return resultOf(buffered);
    } catch (error) {
      rewindSchedule();
      throw error;
    } finally {
      active = null;
    }
  }

  async function* run<F extends Frame>(frames: AsyncIterable<F> | Iterable<F>, runOptions: RunOptions = {}): AsyncGenerator<FrameResult<F>, void, undefined> {
    checkIdle('run');
    active = 'run';
    try {
      checkOptionNames(runOptions, ['signal', 'onProgress']);
      if (typeof frames !== 'object' || frames === null || !(Symbol.asyncIterator in frames || Symbol.iterator in frames)) {
        throw new FaceDetError('INVALID_ARGUMENT', `Expected an iterable or async iterable of frames but received ${received(frames)}; process() takes single frames.`);
      }
      if (used) startOver();
      used = true;
      yield* follow(frames, runOptions);
    } finally {
      rewindSchedule();
      active = null;
    }
  }

  async function* follow<F extends Frame>(frames: AsyncIterable<F> | Iterable<F>, { signal, onProgress }: RunOptions): AsyncGenerator<FrameResult<F>, void, undefined> {
    statistics.begin();
    // Rows that a snapshot brought along: their frames come again, but the detector does not run on them again.
    const known = new Map(pending.map((row) => [row.index, row]));
    const [resumedAfter, seen] = [lastIndex, processed];
    const held: BufferedFrame<F>[] = [];
    let read = -1;
    interface Plan {
      readonly key: boolean;
      readonly chosen: ScheduleState;
      readonly detections: FrameDetections | null;
    }
    const stopped = new AbortController();
    const inner = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
    let choice: Promise<Omit<Plan, 'detections'>> = Promise.resolve({ key: false, chosen });
    const feed = createFeed<F, Plan>(frames, {
      limit,
      live,
      onDrop: () => statistics.dropped(),
      onSource: (ms) => statistics.spent('source', ms),
      async work(frame) {
        checkFrame(frame, read);
        read = frame.index;
        if (frame.index <= seen) return { key: false, chosen, detections: null };
        // Key-frame decisions are sequential; detections run concurrently.
        const chose = (choice = choice.then(async () => ({ key: await schedule.isKey(frame), chosen: schedule.capture() })));
        const plan = await chose;
        return { ...plan, detections: plan.key ? await detectFrame(frame, inner) : null };
      },
    });

    async function* emit(item: BufferedFrame<F>): AsyncGenerator<FrameResult<F>, void, undefined> {
      const result = resultOf(item);
      pending = [...held.map((h) => h.row), ...known.values()];
      const begin = performance.now();
      try {
        yield result;
      } finally {
        statistics.spent('consumer', performance.now() - begin);
        closeFrame(item.frame);
      }
      onProgress?.(statistics.value);
    }

    try {
      for (;;) {
        signal?.throwIfAborted();
        const job = await orAborted(feed.next(), signal);
        if (!job) break;
        const { frame } = job;
        try {
          const plan = await orAborted(job.work, signal);
          if (frame.index <= seen) {
            // A frame from before the snapshot: its row was held back, or it had its result.
            const row = known.get(frame.index);
            if (row) held.push({ frame, row, error: row.error && unpackError(row.error) });
            else closeFrame(frame);
            known.delete(frame.index);
          } else {
            const detections = plan.key ? plan.detections : await orAborted(detectInCrops(frame, inner), signal);
            held.push(step(frame, detections, !plan.key && detections !== null));
            chosen = plan.chosen;
            if (lookAhead) mendRows(held.map((h) => h.row));
          }
        } catch (error) {
          if (held.at(-1)?.frame !== frame) closeFrame(frame);
          throw error;
        } finally {
          feed.release();
        }
        // Where times are no numbers, nothing waits for a later one.
        while (held.length && !(frame.timestamp - held[0]!.row.timestamp < lookAhead)) yield* emit(held.shift()!);
      }
      if (read >= 0 && read < resumedAfter) {
        throw new FaceDetError('INVALID_ARGUMENT', `Expected frames after index ${resumedAfter}, the last of the restored snapshot, but received none after ${read}; call reset() before another video.`);
      }
      while (held.length) yield* emit(held.shift()!);
    } catch (error) {
      // Results before the error still come, unless the caller wants no more.
      if (!signal?.aborted) while (held.length) yield* emit(held.shift()!);
      throw error;
    } finally {
      stopped.abort();
      for (const { frame } of held.splice(0)) closeFrame(frame);
      await feed.stop();
    }
  }

  return {
    process,
    run,
    get statistics() {
      return statistics.value;
    },
    snapshot: (): VideoSnapshot => ({ version: 1, lastIndex, ...frameStep.snapshot(), schedule: schedule.snapshot(chosen), pending: structuredClone(pending), processed }),
    restore(snapshot) {
      checkIdle('restore');
      let before: StepSnapshot | undefined;
      try {
        if (!isSnapshot(snapshot) || (snapshot.tracker === null) !== (tracker === null)) throw invalidSnapshot(snapshot);
        before = frameStep.snapshot();
        frameStep.restore(snapshot);
        const restored = createSchedule(detectEvery, lag);
        restored.restore(snapshot.schedule);
        pending = structuredClone([...snapshot.pending]);
        schedule = restored;
      } catch (error) {
        if (before) frameStep.restore(before);
        throw error instanceof FaceDetError && error.code === 'INVALID_SNAPSHOT' ? error : invalidSnapshot(snapshot, error);
      }
      chosen = schedule.capture();
      ({ lastIndex, processed } = snapshot);
      used = false;
    },
    reset() {
      checkIdle('reset');
      startOver();
    },
  };

  function invalidSnapshot(snapshot: unknown, cause?: unknown): FaceDetError {
    return new FaceDetError('INVALID_SNAPSHOT', `Expected a snapshot of a video detector ${tracker ? 'with' : 'without'} a tracker, version 1, but received ${received(snapshot)}; start from the beginning instead.`, { cause });
  }
}

/** Whether a value has all the parts of a snapshot; tracker and smoother check their own. */
function isSnapshot(value: Partial<VideoSnapshot> | null | undefined): value is VideoSnapshot {
  const arrays = (...values: unknown[]) => values.every(Array.isArray);
  return value?.version === 1 && Boolean(value.schedule && value.cut) && arrays(value.pending, value.landmarks, value.shown) && Number.isInteger(value.lastIndex) && Number.isInteger(value.processed)
    && value.pending!.every((row) => Number.isInteger(row?.index) && arrays(row.faces, row.tentative, row.unmatched, row.nearby));
}

/** Throws `INVALID_ARGUMENT` for what is no frame, and `INDEX_NOT_RISING` for one that is not after the last. */
function checkFrame(frame: Frame, last: number): void {
  const index: unknown = (frame as Frame | null | undefined)?.index;
  if (!Number.isInteger(index) || (index as number) < 0) throw new FaceDetError('INVALID_ARGUMENT', `Expected an integer from 0 for the frame's index but received ${received(index)}; count the frames of a source from 0.`);
  if ((index as number) <= last) throw new FaceDetError('INDEX_NOT_RISING', `Expected a frame after index ${last} but received index ${index as number}; call reset() before the frames of another video.`);
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let listener: () => void = () => {};
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => {
      listener = () => reject(signal.reason as Error);
      if (signal.aborted) listener();
      else signal.addEventListener('abort', listener, { once: true });
    })]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}
