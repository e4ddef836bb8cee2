import { FaceDetError } from '@facedet/core';
import { createVideoDetector, type FrameResult } from '@facedet/pipeline';
import type { VideoFrame } from '../read/frame.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { openVideo } from '../read/open-video.ts';
import type { VideoSource } from '../read/source.ts';
import { analysisOf } from './analysis.ts';
import { noteCompleted } from './completed-runs.ts';
import { damageOf } from './damage.ts';
import { createEditor } from './editor.ts';
import { endless } from './live-end.ts';
import { createMasks, type Masks } from './masks.ts';
import { refusePipe } from './output-files.ts';
import { checkOptions, pipelineOptions, type ProcessVideoOptions, type VideoSummary } from './process-video-options.ts';
import { reopenSource, restoreRun, type Restored, type RunParts } from './restore-run.ts';
import type { FaceSource } from './row-player.ts';
import { NO_RESUME_STATE, openResumeState } from './resume-state.ts';
import { rowOf, type Row } from './rows.ts';
import { openSinks, type RunSinks } from './run-sinks.ts';
import { endFailedRun, newRunState, type RunState } from './run-state.ts';
import { startRun, type StartedRun } from './start-run.ts';
import type { SinkFrame } from './sinks/sink.ts';
import { createWallClock } from './wall-clock.ts';

/**
 * The whole way of a video: source → detector → tracker → smoother → outputs. Files grow under partial names
 * (`rows.jsonl.partial`, `film.partial.mp4`), each with a run manifest beside it (`film.mp4.partial.json`), and get
 * their final names when all of them are complete. Whatever ends the run before leaves them readable up to there, and
 * `resume` continues them.
 *
 * A live source has no end: the signal ends it normally, and the outputs are completed. So they are when it is lost for
 * good, which the summary says in `lost`. A new run of a live source never overwrites what an earlier one recorded: its
 * outputs get the next free number.
 *
 * Throws what `openVideo`, `createVideoWriter` and the detector throw, `DISK_FULL` and `OUTPUT_UNWRITABLE`,
 * `OUTPUT_IN_USE` where another run writes one of the outputs, `OUTPUT_CLOSED` where the reader of a pipe has ended and
 * there is no other output, `RESUME_MISMATCH`, `NOTHING_ANALYZED` where every frame failed (the outputs stay under
 * their partial names), and, for sources that end by themselves, the signal's reason.
 */
export async function processVideo(source: VideoSource, options: ProcessVideoOptions): Promise<VideoSummary> {
  return runVideo(source, options);
}

/** What a run has in place of the parts that its options describe. */
export interface GivenParts {
  /** In place of a video detector; its faces are all that is masked. */
  readonly faces?: FaceSource;
  /** What is added to the rows. */
  readonly masks?: Masks;
}

/** `processVideo` with parts of its own. */
export async function runVideo(
  source: VideoSource,
  options: ProcessVideoOptions,
  { faces, masks = options.anonymize && !faces ? createMasks() : undefined }: GivenParts = {},
): Promise<VideoSummary> {
  const begun = performance.now();
  checkOptions(options);
  if (options.resume) await refusePipe(source);
  const state = newRunState(await openVideo(source, options));
  try {
    const started = await startRun(source, options, state);
    if ('summary' in started) return started.summary;
    const pipeline = faces ?? createVideoDetector(pipelineOptions(options, state.metadata.fps));
    const sinks = await openSinks(started, options, state, () => pipeline.statistics);
    started.manifests.write();
    options.onStart?.({ metadata: state.metadata, outputs: started.outputs });
    const parts: RunParts = {
      pipeline,
      editor: started.targets.output === undefined ? undefined : createEditor(options),
      masks,
      keep: resumeStateOf(started, state),
    };
    const restored = restoreRun(sinks, parts, options);
    const { start, detectFrom, point } = restored;
    if (start > 0) {
      const isAtPoint = point && start === detectFrom;
      const { timestamp } = isAtPoint ? point : sinks.rows.rows[start - 1]!;
      await reopenSource(source, options, state, { index: start - 1, timestamp });
    }
    const done = await runFrames({ options, state, started, sinks, parts, restored, isPlayed: faces !== undefined });
    return await completeRun({ state, started, sinks, parts, restored }, done, begun);
  } catch (error) {
    // What is there stays, playable and readable; why it ended is the error that counts.
    state.keepLast();
    if (!options.signal?.aborted && options.keepPartial?.(error) === false) state.leavesNothing = true;
    await endFailedRun(state);
    throw error;
  } finally {
    state.unlock();
    await state.video.close();
  }
}

/** A run with all that it needs. */
interface Run {
  readonly options: ProcessVideoOptions;
  readonly state: RunState;
  readonly started: StartedRun;
  readonly sinks: RunSinks;
  readonly parts: RunParts;
  readonly restored: Restored;
  /** Whether the faces are those of rows. */
  readonly isPlayed: boolean;
}

/** What became of a run's frames. */
interface Done {
  failed: number;
  firstFailure?: string;
  lost?: FaceDetError;
}

function resumeStateOf({ files, manifests, continues }: StartedRun, { metadata }: RunState): RunParts['keep'] {
  const paths = Object.values(files);
  if (metadata.live || paths.length === 0) return NO_RESUME_STATE;
  return openResumeState(paths, manifests.content, continues);
}

/** Detects all frames, and writes what is found. */
async function runFrames(run: Run): Promise<Done> {
  const { options, state, started, parts, restored } = run;
  const { metadata, video } = state;
  const { signal } = options;
  const { live } = metadata;
  const done: Done = { failed: 0 };
  const frames = live ? endless(video, signal, (error) => (done.lost = error)) : video[Symbol.asyncIterator]();
  await drawFromRows(run, frames);
  const reached = { frames: Math.max(restored.counted, restored.detectFrom), seconds: 0 };
  const clock = createWallClock();
  const analysis = analysisOf(started.manifests.content);
  const results = parts.pipeline.run({ [Symbol.asyncIterator]: () => frames }, signal && !live ? { signal } : {});
  for await (const result of results) {
    const { index, timestamp } = result;
    const found: Row = {
      ...rowOf(result, live ? clock(timestamp) : undefined),
      ...(result.error !== undefined && { failed: true }),
      ...(result.cut && index > 0 && { cut: true }),
      ...(index === 0 && { analysis }),
    };
    const writtenRow = parts.masks ? parts.masks.next(found, result.unassigned) : found;
    if (result.error) {
      done.failed++;
      done.firstFailure ??= (result.error as Error).message;
    }
    if (options.onFrame) await options.onFrame(result, writtenRow, metadata);
    await writeFrame(run, result, { row: run.isPlayed ? withoutHeld(found) : found, writtenRow });
    reached.frames = Math.max(reached.frames, index + 1);
    reached.seconds = timestamp;
    options.onProgress?.({
      ...reached,
      totalFrames: metadata.frameCount,
      duration: metadata.duration,
      faces: writtenRow.faces.length,
    });
  }
  return done;
}

/** Writes the frames that the film of an interrupted run lacks, from their rows. */
async function drawFromRows({ state, sinks, parts, restored }: Run, frames: AsyncIterator<VideoFrame>): Promise<void> {
  for (let index = restored.start; index < restored.detectFrom; index++) {
    const { value: frame, done } = await frames.next();
    if (done) break;
    try {
      const row = sinks.rows.rows[frame.index]!;
      const until = untilOf(frame, state.metadata);
      const edit = parts.editor?.next(row, row);
      await sinks.film?.write({ frame, row, writtenRow: row, until, edit, result: undefined });
    } finally {
      frame.close();
    }
  }
}

/** Writes a frame and its row to all outputs, counts it, and offers the state behind it. */
async function writeFrame(
  { state, parts, restored: { total, counted } }: Run,
  result: FrameResult<VideoFrame>,
  { row, writtenRow }: Pick<SinkFrame, 'row' | 'writtenRow'>,
): Promise<void> {
  const { pipeline, editor, masks, keep } = parts;
  const { frame, index, timestamp } = result;
  const edit = editor?.next(row, writtenRow);
  const item: SinkFrame = { frame, row, writtenRow, until: untilOf(frame, state.metadata), edit, result };
  state.leavesNothing = false;
  for (const sink of state.sinks) await sink.write(item);
  if (index >= counted) total.count(writtenRow);
  if (frame.isDamaged) total.countDamage(timestamp);
  const pointHere = () => ({
    index,
    timestamp,
    snapshot: pipeline.snapshot(),
    lingering: masks?.lingering() ?? [],
    totals: total.totals(),
  });
  keep.offer(pointHere);
  state.keepLast = () => {
    if (pipeline.snapshot().lastIndex === index) keep.offer(pointHere, true);
  };
}

/** Completes the outputs, gives them their final names and sums the run up. */
async function completeRun(
  { state, started, sinks, parts, restored: { total } }: Omit<Run, 'options' | 'isPlayed'>,
  { failed, firstFailure, lost }: Done,
  begun: number,
): Promise<VideoSummary> {
  const { metadata, video } = state;
  const { outputs, files, manifests, isReproducible } = started;
  if (failed > 0 && failed === total.frames)
    throw new FaceDetError(
      'NOTHING_ANALYZED',
      `${metadata.source}: expected frames that can be analyzed but all ${failed} failed, the first with: ` +
        `${firstFailure!.slice(0, 400)}`,
    );
  const { statistics } = parts.pipeline;
  const summary: VideoSummary = {
    ...statistics,
    totalFrames: total.frames,
    totalFaces: total.faces,
    avgFacesPerFrame: total.frames ? total.faces / total.frames : 0,
    identities: total.identities,
    trackIds: total.trackIds,
    droppedFrames: statistics.droppedFrames + video.statistics.dropped,
    metadata,
    seconds: (performance.now() - begun) / 1000,
    reconnects: video.statistics.reconnects,
    ...damageOf(total.damage),
    leftOut: sinks.film?.writer.leftOut ?? [],
    sideStreams: sinks.film?.writer.sideStreams ?? [],
    outputs,
    ...(firstFailure !== undefined && { firstFailure }),
    ...(lost && { lost }),
  };
  for (const sink of state.sinks) await sink.complete();
  const completed = manifests.complete({ ...summary, metadata: undefined, outputs: undefined });
  for (const sink of state.sinks) await sink.commit();
  if (!metadata.live && isReproducible) noteCompleted(files, completed);
  manifests.remove();
  parts.keep.forget();
  return summary;
}

/** What was found, without the masks before and after it. */
function withoutHeld(row: Row): Row {
  return { ...row, faces: row.faces.filter(({ id, state }) => id !== null && state !== 'predicted') };
}

function untilOf({ timestamp, duration }: VideoFrame, { fps }: VideoMetadata): number {
  return timestamp + (duration || 1 / (fps ?? 25));
}
