import { FaceDetError, type Frame } from '@facedet/core';
import { unpackError } from '@facedet/core/engine';
import { orAborted } from './abort.ts';
import { completeDetections, type PlannedDetections } from './detection-plan.ts';
import { closeFrame } from './frame-memory.ts';
import { resultOf, trackDetections } from './frame-result.ts';
import { createHeldFrames, type HeldFrames } from './held-frames.ts';
import type { Job } from './job-queue.ts';
import { backfillRows } from './look-ahead.ts';
import { readAhead } from './read-ahead.ts';
import type { FrameResult, PendingRow, RunOptions } from './types.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/** State of a run. */
interface Run<F extends Frame> {
  readonly pipeline: VideoPipeline;
  readonly options: RunOptions;
  /** Aborted when the run ends. */
  readonly signal: AbortSignal;
  readonly held: HeldFrames<F>;
  /** Rows of a restored snapshot whose frames have not come again yet. */
  readonly restoredRows: Map<number, PendingRow>;
}

/**
 * Results of all frames of a source in order, continuing from the pipeline's progress. Detections run ahead; tracker
 * and smoother go frame by frame.
 */
export async function* runFrames<F extends Frame>(
  pipeline: VideoPipeline,
  frames: AsyncIterable<F> | Iterable<F>,
  options: RunOptions,
): AsyncGenerator<FrameResult<F>, void, undefined> {
  const { settings, statistics, progress } = pipeline;
  const { lastIndex, pending } = progress;
  const { signal } = options;
  const stopped = new AbortController();
  const held = createHeldFrames<F>(settings);
  const run: Run<F> = {
    pipeline,
    options,
    signal: signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal,
    held,
    restoredRows: new Map(pending.map((row) => [row.index, row])),
  };
  let lastRead = -1;
  statistics.begin();
  const feed = readAhead(pipeline, frames, run.signal);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const job = await orAborted(feed.next(), signal);
      if (!job) break;
      const { frame } = job;
      try {
        await holdFrame(run, job);
      } finally {
        feed.release();
      }
      lastRead = frame.index;
      for (let due = held.due(frame.timestamp); due; due = held.due(frame.timestamp)) {
        if (due === 'early') statistics.early();
        yield* emitFirst(run);
      }
    }
    checkReached(lastRead, lastIndex);
    while (held.length) yield* emitFirst(run);
  } catch (error) {
    // Results before the error still come, unless the caller wants no more.
    const isLoaded = () =>
      held.load().then(
        () => true,
        () => false,
      );
    while (!signal?.aborted && held.length && (await isLoaded())) yield* emitFirst(run);
    throw error;
  } finally {
    stopped.abort();
    held.close();
    await feed.stop();
  }
}

/** Takes a job's frame through the tracker and holds its row. Closes a frame that it does not hold. */
async function holdFrame<F extends Frame>(
  run: Run<F>,
  { frame, work }: Job<F, PlannedDetections | null>,
): Promise<void> {
  const { pipeline, options, held, restoredRows } = run;
  let isHeld = false;
  try {
    const plan = await orAborted(work, options.signal);
    // A frame from before a snapshot has no plan: its row was held back, or its result was emitted.
    const row = restoredRows.get(frame.index);
    const buffered = plan
      ? trackDetections(
          pipeline,
          frame,
          plan,
          await orAborted(completeDetections(pipeline, frame, plan, run.signal), options.signal),
        )
      : row && { frame, row, error: row.error && unpackError(row.error) };
    restoredRows.delete(frame.index);
    isHeld = buffered !== undefined;
    if (buffered) held.push(buffered);
    else closeFrame(frame);
    if (plan && pipeline.settings.lookAhead) backfillRows(held.rows);
    // Also without a result: the run may end before the next one.
    keepPending(run);
  } catch (error) {
    if (!isHeld) closeFrame(frame);
    throw error;
  }
}

/** Yields the first of the results held back. */
async function* emitFirst<F extends Frame>(run: Run<F>): AsyncGenerator<FrameResult<F>, void, undefined> {
  const { pipeline, options, held } = run;
  const { statistics } = pipeline;
  await orAborted(held.load(), options.signal);
  const item = held.shift();
  const result = resultOf(pipeline, item);
  keepPending(run);
  const begin = performance.now();
  try {
    yield result;
  } finally {
    statistics.spent('consumer', performance.now() - begin);
    closeFrame(item.frame);
  }
  options.onProgress?.(statistics.value);
}

/** Keeps, for a snapshot, the rows of tracked frames whose results are not emitted yet. */
function keepPending<F extends Frame>({ pipeline, held, restoredRows }: Run<F>): void {
  pipeline.progress.pending = [...held.rows, ...restoredRows.values()];
}

/** Throws `INVALID_ARGUMENT` if a source ended before the last result of the snapshot that the run continues. */
function checkReached(lastRead: number, lastIndex: number): void {
  if (lastRead < 0 || lastRead >= lastIndex) return;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected frames after index ${lastIndex}, the restored snapshot's last, but received none after ${lastRead}; ` +
      'call reset() before another video.',
  );
}
