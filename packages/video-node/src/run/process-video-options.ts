import { FaceDetError, type Detector } from '@facedet/core';
import type { AnonymizeOptions } from '@facedet/draw';
import {
  videoDetectorOptionNames,
  type FrameResult,
  type VideoDetectorOptions,
  type VideoStatistics,
} from '@facedet/pipeline';
import type { VideoFrame } from '../read/frame.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import type { OpenVideoOptions } from '../read/open-video.ts';
import type { VideoWriter, VideoWriterOptions } from '../write/writer.ts';
import type { DamageSummary } from './damage.ts';
import type { DrawOptions } from './editor.ts';
import type { GalleryPage } from './gallery.ts';
import { outputsOf, type OutputPaths } from './output-paths.ts';
import type { Preview } from './preview.ts';
import type { Row } from './rows.ts';

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
  /** What is drawn into the output; by default boxes and labels, or nothing with `anonymize`. */
  draw?: boolean | DrawOptions;
  /**
   * Masks faces in the output, and a frame whose detection failed as a whole. Rows then have all that is masked:
   * `renderVideo` makes the same pictures of them. Without `keepIds`: IDs to keep visible come from rows.
   */
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
   * A folder for the best crop of each track and `tracks.json`, which says when each is visible. Of a live
   * source it keeps the 10,000 tracks seen last. It needs a tracker.
   */
  gallery?: string;
  /** Makes `index.html` of that folder. Default: no page. */
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
  /** `analysis` in the first pass of `anonymizeVideo`; undefined where the outputs are written. */
  readonly pass?: 'analysis';
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
  /** Faces in all rows: someone in ten frames counts ten times. With `anonymize`, all that was masked. */
  readonly totalFaces: number;
  /** IDs of all tracks in the rows, in ascending order. */
  readonly trackIds: readonly number[];
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

/** Throws `INVALID_ARGUMENT` for options that contradict each other. */
export function checkOptions(options: ProcessVideoOptions): void {
  if (typeof options.anonymize === 'object' && [...(options.anonymize.keepIds ?? [])].length > 0)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected anonymize without keepIds but received some: IDs are known when the run has ended. Write rows ' +
        '(jsonl), and give them with the IDs to renderVideo.',
    );
  if (options.gallery !== undefined && options.tracker === false)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected a tracker for gallery but received tracker: false; a crop belongs to a track.',
    );
  if (options.show && options.anonymize)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      'Expected show without anonymize but received both: it would show the faces that the output masks.',
    );
  const paths = Object.values(outputsOf(options));
  if (new Set(paths).size < paths.length)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a path of its own for each output but received ${paths.join(', ')}.`,
    );
}

/** Two seconds of 1080p at 40 frames per second, one of 4K at 20. */
const LOOK_AHEAD_BYTES = 256e6;

/** Frames from one key frame to the next at most, with `detectEvery: 'auto'`. */
const LONGEST_AUTO = 10;

/** Those of the options that the pipeline knows. */
export function pipelineOptions(options: ProcessVideoOptions, fps: number | null): VideoDetectorOptions {
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
