import { realpath, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { extname, resolve } from 'node:path';
import { bytesPerPixel, FaceDetError, isRasterSource, rowStride, type PixelBuffer } from '@facedet/core';
import type { YuvPlanes } from '@facedet/draw';
import {
  lockOutput,
  openOutput,
  outputError,
  outputPlace,
  printable,
  unwatchLeak,
  watchLeak,
  type Leak,
  type OutputFile,
} from '@facedet/files';
import type { Frame as NativeFrame } from 'node-av/lib';
import { EXTENSIONS } from './containers.ts';
import { createEditContext } from './edit-context.ts';
import { openEncoder, type VideoCodec } from './encoder.ts';
import { chooseEncoding } from './encoding.ts';
import { createToneMapper, isHdr } from './tone-map.ts';
import { hdrLosses } from './hdr-losses.ts';
import { createPictureConverter } from './picture-converter.ts';
import { takeDynamicHdr } from '../ffmpeg/hdr-metadata.ts';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import { setColorTags } from '../ffmpeg/colors.ts';
import { check } from '../ffmpeg/errors.ts';
import type { VideoMetadata } from '../read/metadata.ts';
import { createMuxer, readFormer } from './muxer.ts';
import { planesOf } from './yuv-planes.ts';
import { unreadableStreams, type LeftOut } from './left-out.ts';
import type { SideStreamSummary } from './side-routes.ts';
import { formerVideoPath, takeFormer } from './mp4-fragments.ts';
import type { VideoFrame } from '../read/frame.ts';

/** Options of `createVideoWriter`. */
export interface VideoWriterOptions {
  /**
   * The source of the frames, whose size, times, colors, audio and subtitles the output gets. For your own frames:
   * their size and nominal frames per second (fps).
   */
  like: VideoMetadata | { readonly width: number; readonly height: number; readonly fps: number };
  /** Default `h264`, or `hevc` with `bitDepth: 10`; `vp9` in `.webm`. */
  codec?: VideoCodec;
  /**
   * Bits per sample of the output. 10 keeps the precision and the mastering metadata of 10-bit sources (HDR), with
   * `hevc`, `av1` and `vp9`; 8-bit sources are stored unchanged in 10 bits. Default 8: deeper sources are rounded
   * (dithered) and keep their color tags.
   */
  bitDepth?: 8 | 10;
  /**
   * `sdr` converts HDR sources (HLG, PQ) to SDR: BT.709 for ordinary screens. Masks and overlays are drawn afterwards.
   * SDR sources are not changed. Default: no conversion, HDR stays HDR.
   */
  toneMap?: 'sdr';
  /** Constant quality, lower is better: h264 0–51 (default 23), hevc 0–51 (25), vp9 0–63 (33), av1 0–63 (35). */
  crf?: number;
  /**
   * The encoder's own speed setting: the preset of x264 (default `veryfast`) and x265 (`superfast`), libvpx's
   * cpu-used (`5`), SVT-AV1's preset (`10`).
   */
  preset?: string;
  /** Threads of the encoder. Default: one per core up to 8, or half of the cores if that is more. */
  threads?: number;
  /** Copy the source's audio. Default true. */
  audio?: boolean;
  /** Copy the source's subtitles. Default true. */
  subtitles?: boolean;
  /** Copy the source's titles, dates, places and names. Cover pictures are never copied. Default true. */
  keepMetadata?: boolean;
  /** Continue the partial file of an interrupted run, if there is one. */
  resume?: boolean;
}

/** Your own frame: pixels, and the time and duration at which they are shown, in seconds. */
export type PixelFrame = PixelBuffer & { readonly timestamp: number; readonly duration?: number };

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

// Maximum number of pictures that wait for the encoder.
const QUEUE = 3;

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
  const { codec, bitDepth } = chooseEncoding(path, container, options);
  const ffmpeg = await loadFfmpeg();
  const { constants } = ffmpeg;
  if (like.path !== null && (await place(path)) === (await place(like.path)))
    throw new FaceDetError(
      'OUTPUT_IS_INPUT',
      `${path}: Expected a path other than the source's but received the same file; choose another name.`,
    );
  const { target, partialPath } = filePlace(path);
  const former = options.resume ? await takeFormer(target) : undefined;
  if (!former) await rm(formerVideoPath(target), { force: true });

  const [width, height] = [like.width & ~1, like.height & ~1];
  if (width < 2 || height < 2)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `${path}: Expected frames of at least 2 × 2 pixels but received ${like.width} × ${like.height}; ` +
        'use larger frames.',
    );
  const timeBase =
    like.timeBase.num === 1 &&
    like.timeBase.den >= 1000 &&
    like.timeBase.den <= 1_000_000 &&
    container !== 'matroska' &&
    container !== 'webm'
      ? like.timeBase
      : container === 'mp4' || container === 'mov'
        ? { num: 1, den: 90_000 }
        : { num: 1, den: 1000 };
  const rgb = !/^(yuv|nv|p0|gray)/.test(like.pixelFormat);
  // RGB is converted to YUV by BT.601, FFmpeg's default.
  const sourceColor = rgb
    ? { ...like.color, space: constants.AVCOL_SPC_SMPTE170M, range: constants.AVCOL_RANGE_MPEG }
    : like.pixelFormat.startsWith('yuvj')
      ? { ...like.color, range: constants.AVCOL_RANGE_JPEG }
      : like.color;
  const threads = options.threads ?? defaultThreads(availableParallelism());
  const fps = like.fps ?? 25;
  const toneMapper =
    options.toneMap && isHdr(like)
      ? createToneMapper(ffmpeg, { color: sourceColor, hdr: like.hdr, bitDepth, threads })
      : undefined;
  const color = toneMapper?.color ?? sourceColor;
  const hdr = bitDepth === 10 && !toneMapper ? like.hdr : undefined;
  const encoder = await openEncoder(ffmpeg, {
    codec,
    bitDepth,
    width,
    height,
    timeBase,
    fps,
    sampleAspectRatio: like.sampleAspectRatio,
    color,
    hdr,
    crf: options.crf,
    preset: options.preset,
    threads,
    reorder: container === 'mp4' || container === 'mov',
  });
  const sides =
    like.path !== null
      ? {
          path: like.path,
          audio: options.audio ?? true,
          subtitles: options.subtitles ?? true,
          metadata: options.keepMetadata ?? true,
          startTime: like.startTime,
        }
      : undefined;

  let frames = 0;
  // FFmpeg writes to the file that is exclusively created here.
  const file = openPartial(path, encoder.close);
  const muxer = await createMuxer(ffmpeg, {
    path: partialPath,
    container,
    encoder: encoder.context,
    timeBase,
    hdr,
    sides,
  }).catch((error: unknown) => {
    encoder.close();
    file.discard();
    throw error;
  });
  try {
    if (former) {
      frames = await readFormer(ffmpeg, former, { path, container, encoder: encoder.context }, (packet) =>
        muxer.write(packet),
      );
      await muxer.cut();
      await rm(former, { force: true });
    }
  } catch (error) {
    encoder.close();
    await muxer.close();
    file.discard();
    throw error;
  }

  const converter = createPictureConverter(ffmpeg, {
    width,
    height,
    bitDepth: toneMapper ? 10 : bitDepth,
    color: sourceColor,
    rgb,
  });
  const hdrLoss = hdrLosses(muxer.leftOut, bitDepth === 8 && !toneMapper ? like.hdr : undefined);
  const editing = createEditContext();
  const leak: Leak = {
    code: 'FACEDET_WRITER_LEAKED',
    message:
      `The writer of ${printable(path, 200)} was neither finished nor closed: call finish() or ` +
      `close(), or declare it with \`await using\`.`,
  };
  let last = -1n;
  let chain: Promise<unknown> = Promise.resolve(); // the calls in order
  let ending: { readonly complete: boolean; readonly done: Promise<void> } | undefined;
  let completing: Promise<void> | undefined;
  let finishing: Promise<void> | undefined;
  let failed: { error: unknown } | undefined;
  let queued = 0;
  let room: (() => void) | undefined;
  let tail: Promise<void> = Promise.resolve();

  function enqueue(work: () => Promise<void>): void {
    queued++;
    tail = tail
      .then(() => (failed ? undefined : work()))
      .catch((error: unknown) => {
        failed ??= { error: named(error) };
      })
      .then(() => {
        queued--;
        room?.();
      });
  }

  /** Runs a step after those of earlier calls. FFmpeg's contexts serve one call at a time. */
  function inOrder(step: () => Promise<void>): Promise<void> {
    const result = chain.then(step);
    chain = result.catch(() => {});
    return result;
  }

  /** A call that is not awaited must not end the process by its rejection; `finish` throws encoding errors again. */
  function guarded(call: () => Promise<void>): Promise<void> {
    const result = (async () => {
      if (editing.isInside) throw calledByEdit();
      return call();
    })();
    result.catch(() => {});
    return result;
  }

  function calledByEdit(): FaceDetError {
    return new FaceDetError(
      'INVALID_STATE',
      `${path}: Expected calls of the writer from outside of edit() but received one from within, which would wait ` +
        'for itself; call it after the write() of that edit has settled.',
    );
  }

  function refuse(what: string): FaceDetError {
    return new FaceDetError(
      'INVALID_STATE',
      `${path}: Expected ${what} before the video's end but received it after; create another writer.`,
    );
  }

  /** Reports a full disk with the file's name, whichever stream the error comes from. */
  function named(error: unknown): unknown {
    const isFull = error instanceof FaceDetError && error.code === 'DISK_FULL';
    return isFull
      ? outputError(path, Object.assign(new Error(error.message, { cause: error }), { code: 'ENOSPC' }), partialPath)
      : error;
  }

  function rethrow(): void {
    if (failed) throw failed.error;
  }

  async function write(
    frame: VideoFrame | PixelFrame,
    edit?: (planes: YuvPlanes) => void | Promise<void>,
  ): Promise<void> {
    if (ending) throw refuse('a frame');
    rethrow();
    const source = isRasterSource(frame) ? reference(frame.native()) : nativeOf(ffmpeg, frame);
    // Read now, because the owner may close or change the frame later.
    const { timestamp, duration } = frame;
    const clockOrigin = 'clockOrigin' in frame ? frame.clockOrigin : undefined;
    return inOrder(() => encode(source, { timestamp, duration, clockOrigin }, edit));
  }

  async function encode(
    source: NativeFrame,
    frame: { timestamp: number; duration: number | undefined; clockOrigin: number | undefined },
    edit: ((planes: YuvPlanes) => void | Promise<void>) | undefined,
  ): Promise<void> {
    if (failed) {
      source.free();
      throw failed.error;
    }
    const dynamic = takeDynamicHdr(ffmpeg, source);
    if (!toneMapper) hdrLoss(dynamic);
    const converted = await converter.convert(source, edit !== undefined && !toneMapper);
    const picture = toneMapper ? await toneMapper.map(converted) : converted;
    try {
      setColorTags(picture, color);
      if (edit) await editing.run(() => edit(planesOf(ffmpeg, picture)));
    } catch (error) {
      picture.free();
      throw error;
    }
    const ticks = BigInt(Math.round((frame.timestamp * timeBase.den) / timeBase.num));
    last = ticks > last ? ticks : last + 1n;
    picture.pts = last;
    picture.timeBase = new ffmpeg.Rational(timeBase.num, timeBase.den);
    picture.duration = BigInt(Math.max(1, Math.round(((frame.duration || 1 / fps) * timeBase.den) / timeBase.num)));
    // The encoder chooses its own picture types.
    picture.pictType = constants.AV_PICTURE_TYPE_NONE;
    picture.clearFlags(constants.AV_FRAME_FLAG_KEY, constants.AV_FRAME_FLAG_INTERLACED);
    frames++;
    if (frame.clockOrigin !== undefined) muxer.moveOrigin(frame.timestamp, frame.clockOrigin);
    muxer.expect(picture.pts, picture.duration);
    enqueue(async () => {
      try {
        await encoder.encode(picture, (packet) => muxer.write(packet));
      } finally {
        picture.free();
      }
    });
    while (queued > QUEUE && !failed) await new Promise<void>((done) => (room = done));
    rethrow();
  }

  function end(complete: boolean): Promise<void> {
    ending ??= { complete, done: inOrder(() => endFile(complete)) };
    return ending.done;
  }

  async function endFile(rest: boolean): Promise<void> {
    try {
      enqueue(() => encoder.encode(null, (packet) => muxer.write(packet)));
      await tail;
      rethrow();
      await muxer.end(rest).catch((error: unknown) => {
        throw named(error);
      });
    } finally {
      encoder.close();
      converter.close();
      toneMapper?.close();
      await muxer.close();
    }
  }

  async function complete(): Promise<void> {
    if (ending && !ending.complete) throw refuse('complete() or finish()');
    return (completing ??= end(true).then(() => file.complete()));
  }

  function leave(): void {
    unwatchLeak(leak);
    file.leave();
    release();
  }

  async function finish(): Promise<void> {
    if (finishing) throw refuse('finish()');
    return (finishing = complete()
      .then(() => file.commit())
      .finally(leave));
  }

  /** Ends the file early; a complete one waits for its final name. */
  async function flush(): Promise<void> {
    try {
      await end(false);
    } finally {
      if (!completing) leave();
    }
  }

  async function close(): Promise<void> {
    unwatchLeak(leak);
    const ended = end(false)
      .then(
        () => finishing,
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
    leftOut: sides ? muxer.leftOut : unreadableStreams(like, options),
    sideStreams: muxer.sideStreams,
    get frames() {
      return frames;
    },
    write: (frame, edit) => guarded(() => write(frame, edit)),
    flush: () => guarded(flush),
    complete: () => guarded(complete),
    finish: () => guarded(finish),
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
      await end(false).catch(() => {});
      file.discard();
    },
  };
}

/** The target of a path, with links resolved. */
async function place(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

/** The file that a path refers to; throws `INVALID_ARGUMENT` for pipes and devices. */
function filePlace(path: string): { target: string; partialPath: string } {
  const found = outputPlace(path, { media: true });
  if (found.kind === 'file') return found;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `${printable(path, 200)}: Expected a file for the video but received a pipe or a device, which does not support ` +
      'random access; choose a file.',
  );
}

/** Creates the partial file; on failure, closes the encoder. */
function openPartial(path: string, close: () => void): OutputFile {
  try {
    return openOutput(path, { media: true, isLocked: true });
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * On two cores, a second encoder thread makes the whole run a quarter faster. Each thread delays the output by a
 * picture, so their number is limited.
 */
function defaultThreads(cores: number): number {
  return Math.max(Math.min(cores, 8), Math.floor(cores / 2));
}

/** One more reference to a picture's memory. */
function reference(native: NativeFrame): NativeFrame {
  const same = native.clone();
  if (!same)
    throw new FaceDetError('OUT_OF_MEMORY', `A picture of ${native.width} × ${native.height} can't be kept in memory.`);
  return same;
}

/**
 * Copies pixels to FFmpeg's own memory. A native frame could also refer to a `Buffer`, but that is freed as soon as
 * JavaScript no longer refers to it.
 */
function nativeOf(ffmpeg: Ffmpeg, pixels: PixelBuffer): NativeFrame {
  const { Frame, constants } = ffmpeg;
  const { data, width, height, format } = pixels;
  const row = width * bytesPerPixel(format);
  const stride = rowStride(pixels);
  if (data.length < stride * (height - 1) + row)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected at least ${stride * (height - 1) + row} bytes for ${width} × ${height} pixels of ${format} but ` +
        `received ${data.length}; pass all rows of the frame.`,
    );
  const formats = {
    rgb: constants.AV_PIX_FMT_RGB24,
    bgr: constants.AV_PIX_FMT_BGR24,
    rgba: constants.AV_PIX_FMT_RGBA,
    bgra: constants.AV_PIX_FMT_BGRA,
    gray: constants.AV_PIX_FMT_GRAY8,
  };
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = formats[format];
  try {
    check(ffmpeg, frame.getBuffer(0), 'OUT_OF_MEMORY', `A picture of ${width} × ${height} can't be kept in memory`);
  } catch (error) {
    frame.free();
    throw error;
  }
  const [plane, rowBytes] = [frame.data![0]!, frame.linesize[0]!];
  for (let y = 0; y < height; y++) plane.set(data.subarray(y * stride, y * stride + row), y * rowBytes);
  return frame;
}

// FFmpeg's numbers for "unspecified".
const UNSAID = { range: 0, space: 2, primaries: 2, transfer: 2, chromaLocation: 0 };

function ownMetadata({ width, height, fps }: { width: number; height: number; fps: number }): VideoMetadata {
  if (![width, height].every((side) => Number.isInteger(side) && side > 0) || !(fps > 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected positive width, height and fps for a video but received ${width} × ${height} at ${fps}; ` +
        'pass positive numbers.',
    );
  return {
    source: '',
    path: null,
    kind: 'lavfi',
    width,
    height,
    fps,
    frameCount: null,
    duration: null,
    codec: 'rawvideo',
    pixelFormat: 'rgb24',
    container: '',
    rotation: 0,
    mirrored: false,
    timeBase: { num: 1, den: 90_000 },
    startTime: 0,
    sampleAspectRatio: { num: 1, den: 1 },
    color: UNSAID,
    audioStreams: [],
    subtitleStreams: [],
    live: false,
  };
}

function containerOf(path: string): string {
  const found = EXTENSIONS[extname(path).toLowerCase()];
  if (!found)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `${path}: Expected a name that ends in ${Object.keys(EXTENSIONS).join(', ')} but received another extension; ` +
        'rename the output.',
    );
  return found;
}
