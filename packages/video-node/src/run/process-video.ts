import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FaceDetError, isFaceDetError, type Detector } from '@facedet/core';
import type { AnonymizeOptions } from '@facedet/draw';
import { partialPathOf, renameOutput } from '@facedet/files';
import {
  createVideoDetector,
  videoDetectorOptionNames,
  type FrameResult,
  type VideoDetectorOptions,
  type VideoStatistics,
} from '@facedet/pipeline';
import type { VideoFrame } from '../read/frame.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { openVideo, type OpenVideoOptions, type VideoInput } from '../read/open-video.ts';
import type { VideoSource } from '../read/source.ts';
import { formerVideoPath, partialVideoPath } from '../write/mp4-fragments.ts';
import type { VideoWriter, VideoWriterOptions } from '../write/writer.ts';
import { findCompleted, noteCompleted } from './completed-runs.ts';
import { damageOf, type DamageSummary } from './damage.ts';
import { createEditor, type DrawOptions } from './editor.ts';
import type { GalleryPage } from './gallery.ts';
import { endless } from './live-end.ts';
import { freeNames } from './live-names.ts';
import { describeRun, openManifests, type Manifests } from './manifest.ts';
import { lockOutputs, outputFiles, OUTPUTS, refusePipe, type OutputPaths } from './output-files.ts';
import type { Preview } from './preview.ts';
import { NO_RESUME_STATE, openResumeState } from './resume-state.ts';
import { rowOf, type Row } from './rows.ts';
import { Counter } from './totals.ts';
import { openFilmSink, type FilmSink } from './sinks/film.ts';
import { openGallerySink, type GallerySink } from './sinks/gallery.ts';
import { previewSink } from './sinks/preview.ts';
import { openRowSink, type RowSink } from './sinks/rows.ts';
import type { Sink } from './sinks/sink.ts';
import { createWallClock } from './wall-clock.ts';

/** Options of `processVideo`: how faces are found and followed, how the source is read, and what is written. */
export interface ProcessVideoOptions extends VideoDetectorOptions, Omit<OpenVideoOptions, 'after'> {
  /** A detector that a runtime made. */
  detector: Detector;
  /** As in `createVideoDetector`; video files are read a second time for the frames beyond it. Default 256 MB. */
  lookAheadBytes?: number;
  /** A video to write: `.mp4`, `.mov`, `.mkv` or `.webm`. */
  output?: string;
  /** How it is written. */
  encoding?: Omit<VideoWriterOptions, 'like' | 'resume'>;
  /** What is drawn into the output; by default boxes and labels, or nothing where faces are hidden. */
  draw?: boolean | DrawOptions;
  /** Hides faces in the output. A frame whose detection failed is hidden whole. */
  anonymize?: boolean | AnonymizeOptions;
  /**
   * A file with a line for every frame. As `mot` and `csv`, it may be `-` for standard output, a named pipe or a
   * device: rows are written to those as they come. Of a link the file behind it is written.
   */
  jsonl?: string;
  /** A file in MOT's text format; see `jsonl`. */
  mot?: string;
  /** A CSV file; see `jsonl`. */
  csv?: string;
  /**
   * A folder for the best portrait of each identity and `identities.json`, which says who appears when. Of a live
   * source it keeps the 10,000 identities seen last. It needs a tracker.
   */
  gallery?: string;
  /** Makes `index.html` of that folder; without it there is none. */
  galleryPage?: GalleryPage;
  /**
   * Shows the frames with the faces marked while the run goes on. Not together with `anonymize`, as it shows the faces.
   */
  show?: Preview;
  /**
   * Continues what an interrupted run left in its partial files; the outputs end up as of an uninterrupted run. Where a
   * run of the last 30 days has completed all of them, and none was changed since, nothing is done (`isDoneBefore` in
   * the summary). Refused with `RESUME_MISMATCH` where settings, model or input were others, and with
   * `INVALID_ARGUMENT` for live sources, and where the source or an output is a pipe.
   */
  resume?: boolean;
  /**
   * Plain data that changes whenever parts of your own (a detector without `fingerprint`, a tracker, a smoother, a
   * function) would give other results. Where there are such parts, `resume` needs it.
   */
  fingerprint?: unknown;
  /**
   * Whether what is in progress stays under its partial names after an error; the signal always leaves it. Default: it
   * stays where there is a frame in it.
   */
  keepPartial?: (error: unknown) => boolean;
  /**
   * Called when the outputs are open, with the names that they have in the end: those of live sources may have a
   * number.
   */
  onStart?: (run: { readonly metadata: VideoMetadata; readonly outputs: OutputPaths }) => void;
  /** Called for each frame, before it is written; the frame is open until the promise settles. */
  onFrame?: (result: FrameResult<VideoFrame>, row: Row, metadata: VideoMetadata) => void | Promise<void>;
  /** Called after each frame. */
  onProgress?: (progress: VideoProgress) => void;
}

/** How far a run has come. */
export interface VideoProgress {
  /** Frames done, those of a resumed run among them, and in all (null where that is not known). */
  readonly frames: number;
  readonly totalFrames: number | null;
  /** Seconds done and in all (null where that is not known). */
  readonly seconds: number;
  readonly duration: number | null;
  /** Faces in the last frame. */
  readonly faces: number;
}

/** What a run did. */
export interface VideoSummary extends VideoStatistics, DamageSummary {
  readonly metadata: VideoMetadata;
  /** Seconds from the call to the end. */
  readonly seconds: number;
  /** Faces in all frames: someone in ten frames counts ten times. */
  readonly totalFaces: number;
  /** Times a lost stream came back. */
  readonly reconnects: number;
  /** Streams of the source that the output can't hold. */
  readonly leftOut: VideoWriter['leftOut'];
  /** Sound and subtitles in the output, with counts of what was repaired and dropped. */
  readonly sideStreams: VideoWriter['sideStreams'];
  /** The outputs' final names. */
  readonly outputs: OutputPaths;
  /** Why the first of the failed frames failed; undefined where none did. */
  readonly firstFailure?: string;
  /**
   * Whether an earlier run has completed the outputs and this one (`resume`) did nothing; the figures are that run's.
   */
  readonly isDoneBefore?: true;
  /** Why a live source ended before the signal (`STREAM_LOST`): the outputs are complete up to there. */
  readonly lost?: FaceDetError;
}

/**
 * The whole way of a video: source → detector → tracker → smoother → outputs. Files grow under partial names
 * (`rows.jsonl.partial`, `film.partial.mp4`), each with a run manifest beside it (`film.mp4.partial.json`), and get
 * their final names when all of them are complete. Whatever ends the run before leaves them readable up to there, and
 * `resume` continues them.
 *
 * A live source has no end: the signal ends it normally, and the outputs are completed. So they are when it is lost for
 * good, which the summary says in `lost`. A new run of a live source never
 * overwrites what an earlier one recorded: its outputs get the next free number.
 *
 * Throws what `openVideo`, `createVideoWriter` and the detector throw, `DISK_FULL` and `OUTPUT_UNWRITABLE`,
 * `OUTPUT_IN_USE` where another run writes one of the outputs, `OUTPUT_CLOSED` where the reader of a pipe has ended and
 * there is no other output, `RESUME_MISMATCH`, `NOTHING_ANALYZED` where every frame failed (the outputs stay under
 * their partial names), and, for sources that end by themselves, the signal's reason.
 */
export async function processVideo(source: VideoSource, options: ProcessVideoOptions): Promise<VideoSummary> {
  const begun = performance.now();
  const { resume = false, signal } = options;
  checkOptions(options);
  const asked = outputsOf(options);
  if (resume) await refusePipe(source);
  let video: VideoInput = await openVideo(source, options);
  const { metadata } = video;
  const { live } = metadata;
  let sinks: Sink[] = [];
  let keepLast = () => {};
  let unlock = () => {};
  let discard: (() => Promise<void>) | undefined;
  let discardAll: typeof discard;
  try {
    if (live && resume)
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected no resume for the live source ${metadata.source} but received true: what it showed ` +
          'meanwhile is gone. Start again without it; earlier recordings are kept.',
      );
    const outputs = live ? freeNames(asked, partialsOf) : asked;
    const { targets, files } = outputFiles(outputs, resume);
    const paths = Object.values(files);
    unlock = lockOutputs(targets);
    const { manifests, isTold } = await manifestsOf(source, options, files, resume);
    const finished = manifests.summary as VideoSummary | undefined;
    if (finished) {
      await nameOutputs(files, options, metadata);
      noteCompleted(files, { ...manifests.content, summary: finished });
      manifests.remove();
      return { ...finished, metadata, outputs };
    }
    const mayBeDone = resume && isTold && manifests.areComplete && !manifests.isOpening;
    const before = mayBeDone ? (findCompleted(files, manifests.content) as VideoSummary | undefined) : undefined;
    if (before) {
      // A run that was killed while it removed them.
      manifests.remove();
      return { ...before, metadata, outputs, isDoneBefore: true };
    }
    // A run that fails before its first frame leaves nothing.
    discardAll = async () => {
      for (const sink of sinks) await sink.discard();
      manifests.remove();
    };
    if (!manifests.continues) {
      discard = discardAll;
      // A kill from here on must not leave a manifest beside a partial file that an earlier run made with other
      // settings.
      manifests.open();
    }

    const pipeline = createVideoDetector(pipelineOptions(options, metadata.fps));
    const { output, gallery: galleryFolder, show, galleryPage } = { ...options, ...targets };
    const continues = resume && manifests.continues;
    const hasOthers = output !== undefined || galleryFolder !== undefined || show !== undefined;
    const rows: RowSink = openRowSink(
      { jsonl: targets.jsonl, mot: targets.mot, csv: targets.csv },
      { resume: continues, hasOthers, isLocked: true },
    );
    sinks = [rows];
    const film: FilmSink | undefined =
      output === undefined
        ? undefined
        : await openFilmSink(output, { ...options.encoding, like: metadata, resume: continues });
    if (film) sinks = [film, rows];
    const gallery: GallerySink | undefined =
      galleryFolder === undefined
        ? undefined
        : await openGallerySink(galleryFolder, {
            source: metadata.source,
            resume: continues,
            ...(live && { limit: LIVE_IDENTITIES }),
            ...(galleryPage && { page: galleryPage }),
          });
    // What can be named again after an interruption comes first.
    sinks = [...(gallery ? [gallery] : []), ...(film ? [film] : []), rows];
    if (show) sinks.push(previewSink(show, options, () => pipeline.statistics));
    manifests.write();
    options.onStart?.({ metadata, outputs });

    const editor = output === undefined ? undefined : createEditor(options);
    const keep = live || paths.length === 0 ? NO_RESUME_STATE : openResumeState(paths, manifests.content, continues);
    // Frames that only the film lacks are drawn from their rows, which are all there is to draw; who hides faces must
    // see them again.
    const hasRows = outputs.jsonl !== undefined && rows.rows.length === rows.frames;
    const drawable = hasRows && !options.anonymize;
    const inFilm = film?.frames ?? Infinity;
    const needed = Math.min(drawable ? rows.frames : Math.min(rows.frames, inFilm), gallery?.frames ?? Infinity);
    // A trail needs the rows of all frames before.
    const hasTrails = typeof options.draw === 'object' && options.draw.trails === true;
    const point = Number.isFinite(needed) && (hasRows || !hasTrails) ? keep.before(needed) : undefined;
    if (point) pipeline.restore(point.snapshot);
    else gallery?.gallery.restart();
    const detectFrom = point ? point.index + 1 : 0;
    const start = drawable ? Math.min(detectFrom, inFilm) : detectFrom;
    if (hasTrails) for (const row of rows.rows.slice(0, start)) editor?.next(row, undefined);
    editor?.restore(point?.lingering ?? []);
    const total = new Counter();
    rows.rows.forEach((row) => total.count(row));
    // Without rows that can be read again, the sums are those of the state; rows don't tell of damage.
    if (!hasRows && point) total.restore(point.totals);
    else if (point) total.damage = point.totals.damage;
    const counted = hasRows ? rows.rows.length : detectFrom;

    if (start > 0) {
      await video.close();
      const timestamp = point && start === detectFrom ? point.timestamp : rows.rows[start - 1]!.timestamp;
      video = await openVideo(source, { ...options, after: { index: start - 1, timestamp } }).catch(
        (error: unknown) => {
          // The last frame was done when the run was interrupted: only its files were not given their names.
          if (isFaceDetError(error) && error.code === 'VIDEO_FINISHED') return atItsEnd(video);
          throw error;
        },
      );
    }
    let lost: FaceDetError | undefined;
    const frames = live ? endless(video, signal, (error) => (lost = error)) : video[Symbol.asyncIterator]();
    // Rows are there, the film lacks the frames.
    for (let index = start; index < detectFrom; index++) {
      const { value: frame, done } = await frames.next();
      if (done) break;
      try {
        const row = rows.rows[frame.index]!;
        await film?.write({
          frame,
          row,
          until: untilOf(frame, metadata),
          edit: editor?.next(row, undefined),
          result: undefined,
        });
      } finally {
        frame.close();
      }
    }

    const reached = { frames: Math.max(counted, detectFrom), seconds: 0 };
    const clock = createWallClock();
    let failed = 0;
    let firstFailure: string | undefined;
    for await (const result of pipeline.run(
      { [Symbol.asyncIterator]: () => frames },
      signal && !live ? { signal } : {},
    )) {
      const row = rowOf(result, live ? clock(result.timestamp) : undefined);
      if (result.error) {
        failed++;
        firstFailure ??= (result.error as Error).message;
      }
      if (options.onFrame) await options.onFrame(result, row, metadata);
      const { frame } = result;
      const item = { frame, row, until: untilOf(frame, metadata), edit: editor?.next(row, result), result };
      discard = undefined;
      for (const sink of sinks) await sink.write(item);
      if (result.index >= counted) total.count(row);
      if (frame.isDamaged) total.countDamage(result.timestamp);
      const { index, timestamp } = result;
      const pointHere = () => ({
        index,
        timestamp,
        snapshot: pipeline.snapshot(),
        lingering: editor?.lingering() ?? [],
        totals: total.totals(),
      });
      keep.offer(pointHere);
      keepLast = () => {
        if (pipeline.snapshot().lastIndex === index) keep.offer(pointHere, true);
      };
      reached.frames = Math.max(reached.frames, result.index + 1);
      reached.seconds = result.timestamp;
      options.onProgress?.({
        ...reached,
        totalFrames: metadata.frameCount,
        duration: metadata.duration,
        faces: row.faces.length,
      });
    }
    if (failed > 0 && failed === total.frames)
      throw new FaceDetError(
        'NOTHING_ANALYZED',
        `${metadata.source}: expected frames that can be analyzed but all ${failed} failed, the first with: ` +
          `${firstFailure!.slice(0, 400)}`,
      );
    const { statistics } = pipeline;
    const summary: VideoSummary = {
      ...statistics,
      totalFrames: total.frames,
      totalFaces: total.faces,
      avgFacesPerFrame: total.frames ? total.faces / total.frames : 0,
      identities: total.identities,
      droppedFrames: statistics.droppedFrames + video.statistics.dropped,
      metadata,
      seconds: (performance.now() - begun) / 1000,
      reconnects: video.statistics.reconnects,
      ...damageOf(total.damage),
      leftOut: film?.writer.leftOut ?? [],
      sideStreams: film?.writer.sideStreams ?? [],
      outputs,
      ...(firstFailure !== undefined && { firstFailure }),
      ...(lost && { lost }),
    };
    for (const sink of sinks) await sink.complete();
    const completed = manifests.complete({ ...summary, metadata: undefined, outputs: undefined });
    for (const sink of sinks) await sink.commit();
    if (!live && isTold) noteCompleted(files, completed);
    manifests.remove();
    keep.forget();
    return summary;
  } catch (error) {
    // What is there stays, playable and readable; why it ended is the error that counts.
    keepLast();
    if (!signal?.aborted && options.keepPartial?.(error) === false) discard = discardAll;
    if (discard) await discard();
    else for (const sink of sinks) await sink.leave();
    throw error;
  } finally {
    unlock();
    await video.close();
  }
}

function checkOptions(options: ProcessVideoOptions): void {
  if (options.gallery !== undefined && options.tracker === false)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a tracker for gallery but received tracker: false; a portrait belongs to an identity.',
    );
  if (options.show && options.anonymize)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected show without anonymize but received both: it would show the faces that the output hides.',
    );
  const paths = Object.values(outputsOf(options));
  if (new Set(paths).size < paths.length)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a path of its own for each output but received ${paths.join(', ')}.`,
    );
}

function outputsOf(options: ProcessVideoOptions): OutputPaths {
  return Object.fromEntries(OUTPUTS.flatMap((kind) => (options[kind] === undefined ? [] : [[kind, options[kind]]])));
}

/** Where an output lies while it is in progress. */
function partialsOf(path: string, kind: (typeof OUTPUTS)[number]): string[] {
  if (kind === 'output') return [partialVideoPath(path), formerVideoPath(path)];
  if (kind === 'gallery') return [join(path, 'identities.json'), join(path, 'identities.json.partial')];
  return [partialPathOf(path)];
}

/** Options that say where results go and how fast, not which they are. Any other counts. */
const NOT_DECISIVE = new Set<string>([
  ...OUTPUTS,
  'detector',
  'galleryPage',
  'show',
  'resume',
  'keepPartial',
  'onStart',
  'onFrame',
  'onProgress',
  'signal',
  'decodeAhead',
  'threads',
  'reconnects',
  'onReconnect',
]);

/** The manifests of a run; `isTold` where they, or a fingerprint, say all that decides the results. */
async function manifestsOf(
  source: VideoSource,
  options: ProcessVideoOptions,
  outputs: OutputPaths,
  resume: boolean,
): Promise<{ manifests: Manifests; isTold: boolean }> {
  const decisive = Object.fromEntries(Object.entries(options).filter(([name]) => !NOT_DECISIVE.has(name)));
  const { manifest, opaque } = await describeRun(source, options.detector, decisive);
  const outputList = Object.entries(outputs).map(([kind, path]) => ({
    path: kind === 'gallery' ? join(path, 'identities.json') : path,
    partials: partialsOf(path, kind as (typeof OUTPUTS)[number]).filter((name) => !name.endsWith('identities.json')),
  }));
  const manifests = openManifests(outputList, manifest, resume);
  const isTold = opaque.length === 0 || options.fingerprint !== undefined;
  if (manifests.continues && !isTold)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a fingerprint to continue an interrupted run, as nobody can tell whether ' +
        `${opaque.slice(0, 5).join(', ')} would give the same results; give plain data that changes when they ` +
        'do, in both runs.',
    );
  return { manifests, isTold };
}

/** Gives complete outputs their final names, as far as an interrupted run has not. */
async function nameOutputs(
  outputs: OutputPaths,
  { galleryPage }: ProcessVideoOptions,
  { source }: VideoMetadata,
): Promise<void> {
  const { output, gallery, ...texts } = outputs;
  if (gallery !== undefined && existsSync(join(gallery, 'identities.json.partial')))
    await (
      await openGallerySink(gallery, { source, resume: true, ...(galleryPage && { page: galleryPage }) })
    ).commit();
  if (output !== undefined && existsSync(partialVideoPath(output))) renameOutput(partialVideoPath(output), output);
  for (const path of Object.values(texts)) if (existsSync(partialPathOf(path))) renameOutput(partialPathOf(path), path);
}

function untilOf({ timestamp, duration }: VideoFrame, { fps }: VideoMetadata): number {
  return timestamp + (duration || 1 / (fps ?? 25));
}

/** Those of the options that the pipeline knows. */
function pipelineOptions(options: ProcessVideoOptions, fps: number | null): VideoDetectorOptions {
  const known: readonly string[] = videoDetectorOptionNames;
  const given = {
    lookAheadBytes: LOOK_AHEAD_BYTES,
    ...Object.fromEntries(
      Object.entries(options).filter(([name, value]) => known.includes(name) && value !== undefined),
    ),
  } as unknown as VideoDetectorOptions;
  const { tracker, detectEvery = 1 } = given;
  if (!fps || tracker === false || (tracker && 'update' in tracker)) return given;
  // A track of the last key frame must reach the next one, also where a film shows one picture every few seconds.
  return {
    ...given,
    tracker: {
      ...tracker,
      frameRate: tracker?.frameRate ?? fps / (detectEvery === 'auto' ? LONGEST_AUTO : detectEvery),
    },
  };
}

/** Identities that the gallery of a source without an end keeps: the newest, some 3 MB of `identities.json`. */
const LIVE_IDENTITIES = 10_000;

/** Two seconds of 1080p at 40 frames per second, one of 4K at 20. */
const LOOK_AHEAD_BYTES = 256e6;

/** Frames from one key frame to the next at most, with `detectEvery: 'auto'`. */
const LONGEST_AUTO = 10;

/** A video of which every frame was seen. */
function atItsEnd(video: VideoInput): VideoInput {
  const nothing = async () => {};
  return {
    metadata: video.metadata,
    statistics: video.statistics,
    async *[Symbol.asyncIterator]() {},
    close: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}
