import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { FaceDetError, isRasterSource } from '@facedet/core';
import type { YuvPlanes } from '@facedet/draw';
import { lockOutput, outputError, printable, unwatchLeak, watchLeak, type Leak, type OutputFile } from '@facedet/files';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import type { VideoFrame } from '../read/frame.ts';
import { createCallOrder, type CallOrder } from './call-order.ts';
import { createEditContext, type EditContext } from './edit-context.ts';
import { chooseEncoding } from './encoding.ts';
import { unreadableStreams, type LeftOut } from './left-out.ts';
import { formerVideoPath, takeFormer } from './mp4-fragments.ts';
import type { Muxer } from './muxer.ts';
import { nativeOf, reference } from './native-frames.ts';
import { openOutputParts } from './output-parts.ts';
import { containerOf, defaultThreads, filePlace, ownMetadata, pictureFormat, requireOther } from './output-plan.ts';
import { createPictureWriter, type Edit, type PictureWriter } from './picture-writer.ts';
import type { SideStreamSummary } from './side-routes.ts';
import { createToneMapper, isHdr } from './tone-map.ts';
import type { PixelFrame, VideoWriterOptions } from './writer-options.ts';

export type { PixelFrame, VideoWriterOptions } from './writer-options.ts';

/** Writes frames to a video file. */
export interface VideoWriter {
  readonly path: string;
  /**
   * Path of the video until it is complete, as `film.partial.mp4`. It is readable at any time, up to the last one or
   * two seconds.
   */
  readonly partialPath: string;
  /** Frames in the file, including those of a resumed run: the next frame has this index. */
  readonly frames: number;
  /** Parts of the source that are not in the file, and why. */
  readonly leftOut: readonly LeftOut[];
  /** Audio and subtitle streams in the file, with counts of packets repaired and left out so far. */
  readonly sideStreams: readonly SideStreamSummary[];
  /**
   * Writes a frame at its timestamp, after the frames of earlier calls, whether or not those were awaited. The frame
   * may be closed, and your own pixels may change, as soon as the call returns; a waiting call holds its picture in
   * memory. `edit` receives a writable copy of the planes (4:2:0 of the output's `bitDepth`; above 8 bits, two bytes
   * per sample); without it the picture is encoded unchanged. Waits while the encoder is behind. Within `edit`, the
   * writer's other calls reject with `INVALID_STATE`, because they would wait for that edit; `close` ends the file
   * after it.
   */
  write(frame: VideoFrame | PixelFrame, edit?: (planes: YuvPlanes) => void | Promise<void>): Promise<void>;
  /**
   * Ends the file early, after all earlier writes: it contains them and is playable, under its partial name. May be
   * called repeatedly.
   */
  flush(): Promise<void>;
  /**
   * Completes the file under its partial name, after all earlier writes, and flushes it to the disk; `finish` gives it
   * the final name. Rejects with `INVALID_STATE` after `flush` or `close`, as does `finish`; `write` rejects after any
   * of these calls.
   */
  complete(): Promise<void>;
  /**
   * Completes the file, after all earlier writes, and gives it its final name. A second call rejects with
   * `INVALID_STATE`.
   */
  finish(): Promise<void>;
  /** Frees everything; an incomplete file is ended as by `flush`. Never rejects, may be called repeatedly. */
  close(): Promise<void>;
  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a video file for writing: `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`. It is written in short fragments under its
 * partial name and is an ordinary file when complete. Frames with an odd width or height lose their last column or row,
 * because the codecs store chroma at half resolution.
 *
 * The partial file is created exclusively, never through a link. If `path` is a link to a video, the link is kept and
 * its target is written.
 *
 * Throws `INVALID_ARGUMENT`, also for pipes and devices, which do not support random access; `OUTPUT_IN_USE` if another
 * run writes the same file; `OUTPUT_IS_INPUT`, `ENCODER_UNAVAILABLE`, `DEPENDENCY_MISSING`, `OUTPUT_UNWRITABLE`,
 * `NO_ACCESS`; `RESUME_MISMATCH` if the partial file was written with other settings. Writing throws `DISK_FULL`,
 * `WRITE_FAILED`, `ENCODING_FAILED`, and the file keeps what was written before.
 */
export async function createVideoWriter(path: string, options: VideoWriterOptions): Promise<VideoWriter> {
  containerOf(path);
  const lock = lockOutput(path, { media: true });
  try {
    const { writer } = await openVideoWriter(path, options, lock.release);
    return writer;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A video in progress that a run completes together with its other outputs. */
export interface OpenVideo {
  readonly writer: VideoWriter;
  /** Gives the complete file its final name. */
  commit(): void;
  /** Ends the file and removes it. */
  discard(): Promise<void>;
}

/** As `createVideoWriter`, for callers that hold the output's lock; `release` is called when the file is not in use. */
export async function openVideoWriter(
  path: string,
  options: VideoWriterOptions,
  release = () => {},
): Promise<OpenVideo> {
  const like = 'source' in options.like ? options.like : ownMetadata(options.like);
  const container = containerOf(path);
  const encoding = chooseEncoding(path, container, options);
  const ffmpeg = await loadFfmpeg();
  await requireOther(path, like.path);
  const { target, partialPath } = filePlace(path);
  const former = options.resume ? await takeFormer(target) : undefined;
  if (!former) await rm(formerVideoPath(target), { force: true });

  const format = pictureFormat(ffmpeg, path, like, { ...encoding, container });
  const { sourceColor, bitDepth } = format;
  const threads = options.threads ?? defaultThreads(availableParallelism());
  const toneMapper =
    options.toneMap && isHdr(like)
      ? createToneMapper(ffmpeg, { color: sourceColor, hdr: like.hdr, bitDepth, threads })
      : undefined;
  const color = toneMapper?.color ?? sourceColor;
  const hdr = bitDepth === 10 && !toneMapper ? like.hdr : undefined;
  const output = { path, partialPath, former, like, format, color, hdr, threads, options };
  const parts = await openOutputParts(ffmpeg, output);
  const editing = createEditContext();
  /** Reports a full disk with the file's name, whichever stream the error comes from. */
  const describe = (error: unknown): unknown =>
    error instanceof FaceDetError && error.code === 'DISK_FULL'
      ? outputError(path, Object.assign(new Error(error.message, { cause: error }), { code: 'ENOSPC' }), partialPath)
      : error;
  const pictures = createPictureWriter(ffmpeg, { parts, format, like, color, toneMapper, editing, describe });
  const leftOut = like.path !== null ? parts.muxer.leftOut : unreadableStreams(like, options);
  const { file, muxer } = parts;
  return createWriter(ffmpeg, { path, partialPath, file, muxer, pictures, editing, leftOut, release });
}

/** The parts of a writer. */
interface WriterParts {
  readonly path: string;
  readonly partialPath: string;
  readonly file: OutputFile;
  readonly muxer: Muxer;
  readonly pictures: PictureWriter;
  readonly editing: EditContext;
  readonly leftOut: readonly LeftOut[];
  readonly release: () => void;
}

function createWriter(ffmpeg: Ffmpeg, parts: WriterParts): OpenVideo {
  const { path, partialPath, file, pictures, editing, leftOut, release } = parts;
  const { inOrder, guarded } = createCallOrder(path, editing);
  const leak = leakOf(path);
  const leave = () => {
    unwatchLeak(leak);
    file.leave();
    release();
  };
  const ending = createEnding({ path, file, pictures, inOrder, leave });

  async function write(frame: VideoFrame | PixelFrame, edit?: Edit): Promise<void> {
    if (ending.hasStarted) throw calledAfterEnd(path, 'a frame');
    pictures.rethrow();
    const source = isRasterSource(frame) ? reference(frame.native()) : nativeOf(ffmpeg, frame);
    // Read now, because the owner may close or change the frame later.
    const { timestamp, duration } = frame;
    const clockOrigin = 'clockOrigin' in frame ? frame.clockOrigin : undefined;
    return inOrder(() => pictures.write(source, { timestamp, duration, clockOrigin }, edit));
  }

  async function close(): Promise<void> {
    unwatchLeak(leak);
    const ended = ending
      .end(false)
      .then(
        () => ending.finishing,
        () => {},
      )
      .finally(leave)
      .catch(() => {});
    // Within an edit, the file ends after that edit.
    if (!editing.isInside) await ended;
  }

  const writer: VideoWriter = {
    path,
    partialPath,
    leftOut,
    sideStreams: parts.muxer.sideStreams,
    get frames() {
      return pictures.frames;
    },
    write: (frame, edit) => guarded(() => write(frame, edit)),
    flush: () => guarded(ending.flush),
    complete: () => guarded(ending.complete),
    finish: () => guarded(ending.finish),
    close,
    [Symbol.asyncDispose]: close,
  };
  watchLeak(writer, leak);
  return {
    writer,
    commit() {
      unwatchLeak(leak);
      file.commit();
    },
    async discard() {
      unwatchLeak(leak);
      await ending.end(false).catch(() => {});
      file.discard();
    },
  };
}

/** The end of a file, which happens once. */
interface Ending {
  readonly hasStarted: boolean;
  /** The call of `finish` in progress. */
  readonly finishing: Promise<void> | undefined;
  /** Ends the file, unless it has ended. */
  end(complete: boolean): Promise<void>;
  complete(): Promise<void>;
  finish(): Promise<void>;
  /** Ends the file early; a complete one waits for its final name. */
  flush(): Promise<void>;
}

interface EndingOptions {
  readonly path: string;
  readonly file: OutputFile;
  readonly pictures: PictureWriter;
  readonly inOrder: CallOrder['inOrder'];
  /** Called when the file is no longer in use. */
  readonly leave: () => void;
}

function createEnding({ path, file, pictures, inOrder, leave }: EndingOptions): Ending {
  let ending: { readonly complete: boolean; readonly done: Promise<void> } | undefined;
  let completing: Promise<void> | undefined;
  let finishing: Promise<void> | undefined;

  function end(complete: boolean): Promise<void> {
    ending ??= { complete, done: inOrder(() => pictures.end(complete)) };
    return ending.done;
  }

  async function complete(): Promise<void> {
    if (ending && !ending.complete) throw calledAfterEnd(path, 'complete() or finish()');
    return (completing ??= end(true).then(() => file.complete()));
  }

  return {
    get hasStarted() {
      return ending !== undefined;
    },
    get finishing() {
      return finishing;
    },
    end,
    complete,
    async finish() {
      if (finishing) throw calledAfterEnd(path, 'finish()');
      return (finishing = complete()
        .then(() => file.commit())
        .finally(leave));
    },
    async flush() {
      try {
        await end(false);
      } finally {
        if (!completing) leave();
      }
    },
  };
}

function leakOf(path: string): Leak {
  return {
    code: 'FACEDET_WRITER_LEAKED',
    message:
      `The writer of ${printable(path, 200)} was neither finished nor closed: call finish() or ` +
      `close(), or declare it with \`await using\`.`,
  };
}

function calledAfterEnd(path: string, what: string): FaceDetError {
  return new FaceDetError(
    'INVALID_STATE',
    `${path}: Expected ${what} before the video's end but received it after; create another writer.`,
  );
}
