import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import { unwatchLeak, watchLeak, type Leak } from '@facedet/files';
import type { Frame as NativeFrame } from 'node-av/lib';
import { ahead } from './read-ahead.ts';
import { frameHdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import { DEFAULT_LIMITS, type InputLimits } from './input.ts';
import type { VideoMetadata } from './metadata.ts';
import { createRasterizer } from './rasterize.ts';
import { createReader } from './reader.ts';
import type { ConnectionChange, ReaderOptions } from './reader-options.ts';
import { createReloader, fileIdOf, pictureReload, type Reloader } from './reload.ts';
import type { Placed } from './session.ts';
import { resolveSource, type VideoSource } from './source.ts';
import { createVideoFrame, type VideoFrame } from './frame.ts';

/** Options of `openVideo`. */
export interface OpenVideoOptions {
  /**
   * Frames per second (fps) of a folder of pictures, or requested from a camera. Default: 25 for pictures, the camera's
   * own rate for cameras.
   */
  fps?: number;
  /** Width and height requested from a camera, in pixels. */
  size?: readonly [width: number, height: number];
  /**
   * Frames decoded in advance. Higher evens out slow frames but takes more memory (3 MB per frame of 1080p, 64 MB at
   * most). Default 4.
   */
  decodeAhead?: number;
  /** Decoder threads. Default: a quarter of the cores, which leaves the others for inference. */
  threads?: number;
  /** `auto` decodes on a GPU if there is one. Default `none`. */
  hwaccel?: 'auto' | 'none';
  /** Deinterlaces pictures that are marked as interlaced. Default true. */
  deinterlace?: boolean;
  /** Continues after a frame of an earlier run: the first frame has index `index + 1`. Not for live sources. */
  after?: { readonly index: number; readonly timestamp: number };
  /**
   * Attempts in a row to reopen a lost stream: after 0.5 s, then twice as long each time up to 30 s, each with up to
   * 25 % jitter. If set, it also applies to the first connection, which otherwise fails at once. Higher survives longer
   * outages; 0 ends the video when the stream is lost. Default 10.
   */
  reconnects?: number | 'forever';
  /** Called when a stream is lost, before each attempt to reopen it, and when it is back. */
  onReconnect?: (change: ConnectionChange) => void;
  /** Yields frames no faster than their timestamps, as a camera does. Default true for files with `dropLate`. */
  paced?: boolean;
  /**
   * What happens if a picture of a folder can't be read: `stop` throws its error; `skip` yields a black frame with
   * `error`, whose `rasterize` rejects. Default `stop`.
   */
  onPictureError?: 'skip' | 'stop';
  /**
   * Maximum pixels per frame; `IMAGE_TOO_LARGE` beyond. Higher lets a small file use more memory. Default
   * 8,192 × 4,320.
   */
  pixelLimit?: number;
  /**
   * URL schemes allowed in a source string besides `rtsp(s)` and `http(s)`, such as `['udp', 'srt']`. Not for user
   * input.
   */
  protocols?: readonly string[];
  /**
   * Maximum bytes of a pipe kept in a temporary file, for formats that can't be read sequentially (an MP4 with its
   * index at the end). Higher lets a pipe use more disk space. Default 4 GiB.
   */
  spoolLimit?: number;
  /** Drops the oldest waiting frames when they are not taken in time. Default true for cameras and streams. */
  dropLate?: boolean;
  /** Aborts reading; the loop then throws the signal's reason. */
  signal?: AbortSignal;
}

/** An open video. Its frames can be iterated once. */
export interface VideoInput extends AsyncIterable<VideoFrame> {
  readonly metadata: VideoMetadata;
  /** Frames dropped because they were not taken in time, and how often a lost stream came back. */
  readonly statistics: { readonly dropped: number; readonly reconnects: number };
  /**
   * Ends reading and frees the waiting frames. Frames already taken stay valid until they are closed, but unloaded ones
   * can't be reloaded.
   */
  close(): Promise<void>;
  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a video and decodes its first frame: a file, a folder or glob of pictures in natural order, a GIF, a camera, a
 * stream, or an FFmpeg filter graph. Frames are upright and in order. Their timestamps are strictly increasing seconds
 * from the first frame on the source's clock (variable frame rate). The code that takes a frame closes it.
 *
 * Throws `SOURCE_REFUSED` (a scheme that is not allowed), `IMAGE_TOO_LARGE`, `INPUT_TOO_LARGE`, `NOT_FOUND`,
 * `NO_ACCESS`, `VIDEO_EMPTY`, `VIDEO_UNREADABLE`, `VIDEO_NO_PICTURES` (audio only), `VIDEO_CODEC_UNSUPPORTED`,
 * `NO_PICTURES` (a folder without pictures), `STREAM_UNREACHABLE`, `CAMERA_UNAVAILABLE`, `DEPENDENCY_MISSING`. The loop
 * over the frames throws, after the last good frame, `VIDEO_TRUNCATED` if the source ends before its stated length,
 * `VIDEO_BROKEN` if reading fails, and `STREAM_LOST` if a stream does not come back.
 */
export async function openVideo(source: VideoSource, options: OpenVideoOptions = {}): Promise<VideoInput> {
  const pictureRate = options.fps ?? 25;
  if (!(pictureRate > 0 && pictureRate < Infinity))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number of frames per second for fps but received ${String(pictureRate)}; leave it out for ` +
        'the default.',
    );
  const { signal } = options;
  signal?.throwIfAborted();
  const limits = checkLimits(options);
  const resolved = await resolveSource(source, options.protocols);
  const ffmpeg = await loadFfmpeg();
  const leaving = new AbortController();
  const abort = () => leaving.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const statistics = { dropped: 0, reconnects: 0 };
  const rasterizer = createRasterizer(ffmpeg);
  const readerOptions: ReaderOptions = {
    capture: {
      ...(options.size ? { width: options.size[0], height: options.size[1] } : {}),
      ...(options.fps ? { fps: options.fps } : {}),
    },
    pictureRate,
    threads: options.threads ?? Math.min(8, Math.ceil(availableParallelism() / 4)),
    hwaccel: options.hwaccel ?? 'none',
    deinterlace: options.deinterlace ?? true,
    after: options.after,
    reconnects: attempts(options.reconnects ?? 10),
    firstConnects: attempts(options.reconnects ?? 0),
    onPictureError: options.onPictureError ?? 'stop',
    limits,
    signal: leaving.signal,
    onReconnect(change) {
      if (change.state === 'restored') statistics.reconnects++;
      options.onReconnect?.(change);
    },
  };
  const fileId = resolved.kind === 'file' ? await fileIdOf(resolved.path).catch(() => undefined) : undefined;
  const reader = createReader(ffmpeg, resolved, readerOptions);
  let reloader: Reloader | undefined;

  const first = await reader.frames.next().catch((error: unknown) => {
    release();
    throw error;
  });
  const described = reader.metadata();
  if (first.done || !described) {
    release();
    throw new FaceDetError(
      'VIDEO_FINISHED',
      `Expected a frame after index ${options.after?.index ?? -1} but ${resolved.name} has no more; leave out after ` +
        'to read it from the start.',
    );
  }
  const waiting = [first.value];
  // Many files have HDR metadata only in their pictures.
  const hdr = { ...frameHdrMetadata(ffmpeg, first.value.frame), ...described.hdr };
  const metadata: VideoMetadata = Object.keys(hdr).length > 0 ? { ...described, hdr } : described;
  // Pipes, cameras and streams can't be read again, and a folder may have other files by then.
  if (resolved.kind === 'file' && fileId !== undefined && metadata.codec !== 'still')
    reloader = createReloader({ name: resolved.name, path: resolved.path, fileId, open: readAgain });

  const dropOldest = options.dropLate ?? metadata.live;
  const paced = options.paced ?? (options.dropLate === true && !metadata.live);

  async function* frames(): AsyncGenerator<VideoFrame, void> {
    const started = performance.now();
    let start: number | undefined;
    let previous = options.after;
    try {
      for (;;) {
        const next = waiting.shift() ?? (await reader.frames.next()).value;
        if (!next) return;
        const { frame, error, ...place } = next;
        const { width, height } = frame;
        if (paced) await until(started, (start ??= place.timestamp), place.timestamp, leaving.signal);
        if (leaving.signal.aborted) {
          frame.free();
          return;
        }
        const source = reloader && pictureReload(reloader, { ...place, width, height, previous }, leaving.signal);
        previous = { index: place.index, timestamp: place.timestamp };
        const parts = {
          ...place,
          error,
          source,
          byteLength: bytesOf(ffmpeg, frame),
          isDamaged: isDamaged(ffmpeg, frame),
        };
        yield createVideoFrame(frame, rasterizer, parts);
      }
    } finally {
      await reader.frames.return();
    }
  }

  async function* loop(): AsyncGenerator<VideoFrame, void> {
    const queue = ahead(frames(), {
      size: Math.max(1, options.decodeAhead ?? 4),
      bytes: { limit: AHEAD_BYTES, of: (frame) => frame.byteLength },
      dropOldest,
      discard(frame) {
        if (!leaving.signal.aborted) statistics.dropped++;
        frame.close();
      },
      onLeave: leave,
    });
    try {
      yield* queue;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      release();
    }
  }

  /** Reads the pictures after `after` a second time. */
  function readAgain(after: OpenVideoOptions['after']): AsyncGenerator<Placed, void> {
    const { frames: pictures } = createReader(ffmpeg, resolved, { ...readerOptions, after });
    return ahead(pictures, {
      size: RELOAD_AHEAD,
      bytes: { limit: AHEAD_BYTES / 2, of: ({ frame }) => bytesOf(ffmpeg, frame) },
      discard: ({ frame }) => frame.free(),
    });
  }

  function leave(): void {
    leaving.abort(new FaceDetError('DISPOSED', `${resolved.name} was closed.`));
  }

  function release(): void {
    signal?.removeEventListener('abort', abort);
    rasterizer.close();
    reloader?.end();
  }

  let running: AsyncGenerator<VideoFrame, void> | undefined;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    leave();
    for (const { frame } of waiting.splice(0)) frame.free();
    if (running) await running.return();
    await reader.frames.return();
    await reloader?.close();
    release();
  }

  const leak: Leak = {
    code: 'FACEDET_VIDEO_LEAKED',
    message:
      `The video ${resolved.name} was neither read to its end nor closed: call close(), or declare it ` +
      `by \`await using\`.`,
  };
  const end = () => {
    unwatchLeak(leak);
    return (closing ??= close());
  };
  const input: VideoInput = {
    metadata,
    statistics,
    [Symbol.asyncIterator]() {
      if (running || closing)
        throw new FaceDetError(
          'INVALID_STATE',
          `Expected to iterate the frames of ${resolved.name} once but they were iterated before; open it again.`,
        );
      // The loop over the frames ends reading.
      unwatchLeak(leak);
      return (running = loop());
    },
    close: end,
    [Symbol.asyncDispose]: end,
  };
  watchLeak(input, leak);
  return input;
}

// Maximum memory of frames decoded ahead, in bytes: 20 of 1080p, one of 8K.
const AHEAD_BYTES = 64e6;
// Pictures decoded ahead while they are read again.
const RELOAD_AHEAD = 2;

function bytesOf(ffmpeg: Ffmpeg, { format, width, height }: NativeFrame): number {
  return Math.max(0, ffmpeg.avImageGetBufferSize(format as never, width, height, 1));
}

/** Whether the decoder concealed errors; filters pass its flags on. */
function isDamaged({ constants }: Ffmpeg, frame: NativeFrame): boolean {
  return frame.decodeErrorFlags !== 0 || frame.hasFlags(constants.AV_FRAME_FLAG_CORRUPT);
}

/** Waits until the time since `started` (ms) equals the time between two timestamps (s), or the signal aborts. */
async function until(started: number, first: number, timestamp: number, signal: AbortSignal): Promise<void> {
  const wait = started + (timestamp - first) * 1000 - performance.now();
  if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => {});
}

function attempts(reconnects: number | 'forever'): number {
  if (reconnects === 'forever') return Infinity;
  if (Number.isInteger(reconnects) && reconnects >= 0) return reconnects;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected an integer of at least 0 or 'forever' for reconnects but received ${String(reconnects)}; leave ` +
      'it out for 10.',
  );
}

function checkLimits({
  pixelLimit = DEFAULT_LIMITS.pixelLimit,
  spoolLimit = DEFAULT_LIMITS.spoolLimit,
  protocols = [],
}: OpenVideoOptions): InputLimits {
  if (!(pixelLimit >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number for pixelLimit but received ${String(pixelLimit)}; leave it out for ` +
        `${DEFAULT_LIMITS.pixelLimit.toLocaleString('en')}.`,
    );
  if (!(spoolLimit >= 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a number of bytes for spoolLimit but received ${String(spoolLimit)}; leave it out for 4 GiB.`,
    );
  const odd = protocols.find((name) => !/^[a-z][a-z0-9+.-]*$/i.test(name) || name.toLowerCase() === 'lavfi');
  if (odd !== undefined)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected URL schemes such as 'udp' for protocols but received ${JSON.stringify(odd).slice(0, 60)}; ` +
        `write the name alone, and pass filter graphs as { lavfi: '…' }.`,
    );
  // FFmpeg takes an integer of 32 bits.
  return { pixelLimit: Math.min(Math.floor(pixelLimit), 2 ** 31 - 1), spoolLimit, protocols };
}
