import { FaceDetError, type Frame, type Rotate } from '@facedet/core';
import { invalidArgument, unpackError } from '@facedet/core/engine';
import { closeFrame, createFeed } from './feed.ts';
import { bytesOf, createHeldFrames, type BufferedFrame } from './held-frames.ts';
import type { FrameDetection, FrameDetections } from './frame-detection.ts';
import { backfillRows } from './look-ahead.ts';
import type { Settings } from './options.ts';
import { isReadBetter, type Orientation } from './orientation.ts';
import type { Schedule, ScheduleState } from './schedule.ts';
import type { ShotVerdict } from './shot-cut.ts';
import type { Thumbnail } from './shot-thumbnail.ts';
import type { StatisticsCounter } from './statistics.ts';
import type { FrameResult, PendingRow, RunOptions } from './types.ts';

/** Progress in a video: all of its state apart from that of tracker, smoother and shot cuts. */
export interface Progress {
  schedule: Schedule;
  /** The schedule after its choice for the last frame processed: it may have chosen for later frames already. */
  chosen: ScheduleState;
  orientation: Orientation;
  /** State of the orientation's choice for the last frame processed. */
  probed: number | null;
  /** Index of the last frame whose result was given, or -1. */
  lastIndex: number;
  /** Index of the last frame that went through the tracker, or -1. */
  processed: number;
  /** Rows that look-ahead holds back. */
  pending: PendingRow[];
}

/** The parts of a video detector that a run drives. */
export interface RunParts extends FrameDetection {
  readonly settings: Settings;
  /** Frames that may wait for their turn at once, with the detector at work on them. */
  readonly limit: number;
  readonly statistics: StatisticsCounter;
  readonly progress: Progress;
  /** Whether a shot cut is before the frame that the tracker gets next. */
  isCut(frame: Frame, shot: Thumbnail | ShotVerdict | null): boolean;
  /** Takes one frame through tracker and smoother. Throws errors that end the run. */
  step<F extends Frame>(frame: F, detections: FrameDetections | null, plan: StepPlan): BufferedFrame<F>;
  resultOf<F extends Frame>(buffered: BufferedFrame<F>): FrameResult<F>;
}

/** Bytes of frames read ahead, beyond which only frames that keep a session busy are read: 15 frames of 1080p. */
const AHEAD_BYTES = 48e6;

/** How a frame goes through the tracker. */
export interface StepPlan {
  /** Whether its detections are of crops. */
  readonly refined: boolean;
  /** The schedule's verdict on a shot cut; null if it does not test for cuts. */
  readonly shot: ShotVerdict | null;
}

/** Decisions for a frame, made before the tracker gets it. */
interface Plan {
  readonly key: boolean;
  readonly chosen: ScheduleState;
  readonly rotate: Rotate;
  readonly probed: number | null;
  readonly detections: FrameDetections | null;
}

/** Decides whether the detector runs on the whole frame, and in which orientation. */
export async function choosePlan(progress: Progress, frame: Frame): Promise<Omit<Plan, 'detections'>> {
  const { schedule, orientation } = progress;
  const key = await schedule.isKey(frame);
  const rotate = key ? orientation.choose(frame) : 0;
  return { key, chosen: schedule.capture(), rotate, probed: orientation.capture() };
}

/**
 * The detections of a key frame. Runs the detector again in another orientation if the frames before it show that the
 * first one was wrong.
 */
export async function settleDetections(
  { progress, detectFrame, isCut }: Pick<RunParts, 'progress' | 'detectFrame' | 'isCut'>,
  frame: Frame,
  { rotate, chosen }: Omit<Plan, 'detections'>,
  detections: FrameDetections,
  signal?: AbortSignal,
): Promise<FrameDetections> {
  if ('error' in detections) return detections;
  const { faces, thumbnail } = detections;
  const other = progress.orientation.amend(frame, rotate, faces, () => isCut(frame, thumbnail ?? chosen.shots));
  if (other === null) return detections;
  const again = await detectFrame(frame, other, signal);
  return 'error' in again || isReadBetter(again.faces, faces) ? { ...again, thumbnail } : detections;
}

/**
 * Results of all frames of a source in order, continuing from `progress`. Detections run ahead; tracker and smoother go
 * frame by frame.
 */
export async function* runFrames<F extends Frame>(
  parts: RunParts,
  frames: AsyncIterable<F> | Iterable<F>,
  { signal, onProgress }: RunOptions,
): AsyncGenerator<FrameResult<F>, void, undefined> {
  const { settings, limit, statistics, progress, step, resultOf, detectFrame, detectInCrops } = parts;
  const { live, lookAhead } = settings;
  const held = createHeldFrames<F>(settings);
  const { concurrency } = settings.detector;
  // Half of the limit is a key frame for each session, with the frames in between; the rest waits behind them.
  const busy = Math.min(limit, Math.max(2 * concurrency, Math.ceil(limit / 2)));
  // Rows that a snapshot brought along: their frames come again, but the detector does not run on them again.
  const known = new Map(progress.pending.map((row) => [row.index, row]));
  const { lastIndex: resumedAfter, processed: seen } = progress;
  let read = -1;
  const stopped = new AbortController();
  const inner = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
  let choice: Promise<Omit<Plan, 'detections'>> = Promise.resolve({
    key: false,
    chosen: progress.chosen,
    rotate: 0,
    probed: progress.probed,
  });
  statistics.begin();
  const feed = createFeed<F, Plan>(frames, {
    limit,
    bytes: { limit: AHEAD_BYTES, jobs: busy, of: bytesOf },
    live,
    onDrop: () => statistics.dropped(),
    onSource: (ms) => statistics.spent('source', ms),
    async work(frame) {
      checkFrame(frame, read);
      read = frame.index;
      if (frame.index <= seen) return { ...(await choice), key: false, detections: null };
      // Key-frame decisions are sequential; detections run concurrently.
      choice = choice.then(() => choosePlan(progress, frame));
      const plan = await choice;
      return { ...plan, detections: plan.key ? await detectFrame(frame, plan.rotate, inner) : null };
    },
  });

  /** Keeps, for a snapshot, the rows of tracked frames whose results are not emitted yet. */
  function keepPending(): void {
    progress.pending = [...held.rows, ...known.values()];
  }

  /** Yields the first of the results held back. */
  async function* emit(): AsyncGenerator<FrameResult<F>, void, undefined> {
    await orAborted(held.load(), signal);
    const item = held.shift();
    const result = resultOf(item);
    keepPending();
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
      let kept = false;
      const hold = (buffered: BufferedFrame<F>) => {
        kept = true;
        held.push(buffered);
      };
      try {
        const plan = await orAborted(job.work, signal);
        if (frame.index <= seen) {
          // A frame from before the snapshot: its row was held back, or its result was emitted.
          const row = known.get(frame.index);
          if (row) hold({ frame, row, error: row.error && unpackError(row.error) });
          else closeFrame(frame);
          known.delete(frame.index);
        } else {
          const detections = await orAborted(
            plan.detections
              ? settleDetections(parts, frame, plan, plan.detections, inner)
              : detectInCrops(frame, progress.orientation.current, inner),
            signal,
          );
          hold(step(frame, detections, { refined: !plan.key && detections !== null, shot: plan.chosen.shots }));
          Object.assign(progress, { chosen: plan.chosen, probed: plan.probed });
          if (lookAhead) backfillRows(held.rows);
        }
        // Also without a result: the run may end before the next one.
        keepPending();
      } catch (error) {
        if (!kept) closeFrame(frame);
        throw error;
      } finally {
        feed.release();
      }
      for (let due = held.due(frame.timestamp); due; due = held.due(frame.timestamp)) {
        if (due === 'early') statistics.early();
        yield* emit();
      }
    }
    if (read >= 0 && read < resumedAfter) {
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected frames after index ${resumedAfter}, the restored snapshot's last, but received none after ${read}; ` +
          'call reset() before another video.',
      );
    }
    while (held.length) yield* emit();
  } catch (error) {
    // Results before the error still come, unless the caller wants no more.
    const isLoaded = () =>
      held.load().then(
        () => true,
        () => false,
      );
    while (!signal?.aborted && held.length && (await isLoaded())) yield* emit();
    throw error;
  } finally {
    stopped.abort();
    held.close();
    await feed.stop();
  }
}

/**
 * Throws `INVALID_ARGUMENT` for a value that is not a frame, and `INDEX_NOT_RISING` for one that is not after the last.
 */
export function checkFrame(frame: Frame, last: number): void {
  const index: unknown = (frame as Frame | null | undefined)?.index;
  if (!Number.isInteger(index) || (index as number) < 0) {
    throw invalidArgument("an integer from 0 for the frame's index", index, 'count frames from 0');
  }
  if ((index as number) <= last) {
    throw new FaceDetError(
      'INDEX_NOT_RISING',
      `Expected a frame after index ${last} but received index ${index as number}; call reset() before another video.`,
    );
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let listener: () => void = () => {};
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        listener = () => reject(signal.reason as Error);
        if (signal.aborted) listener();
        else signal.addEventListener('abort', listener, { once: true });
      }),
    ]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}
