import { availableParallelism } from 'node:os';
import { FaceDetError } from '@facedet/core';
import { ahead } from './read-ahead.ts';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import type { VideoMetadata } from './metadata.ts';
import { createRasterizer } from './rasterize.ts';
import { createReader } from './reader.ts';
import { resolveSource, type VideoSource } from './source.ts';
import { createVideoFrame, type VideoFrame } from './frame.ts';

/** Options of `openVideo`. */
export interface OpenVideoOptions {
  /** Frames a second of a folder of pictures, and asked of a camera. Default 25 for pictures, the camera's own for cameras. */
  fps?: number;
  /** Width and height asked of a camera, in pixels. */
  size?: readonly [width: number, height: number];
  /** Frames decoded before they are asked for. Default 4; each holds its picture in memory (3 MB in 1080p). */
  decodeAhead?: number;
  /** Threads of the decoder. Default a quarter of the cores: the rest is for inference. */
  threads?: number;
  /** Decode on a graphics card where there is one. Default `none`. */
  hwaccel?: 'auto' | 'none';
  /** Deinterlace pictures that say they are interlaced. Default true. */
  deinterlace?: boolean;
  /** Goes on behind a frame that an earlier run had: the first frame is number `index + 1`. Not for live sources. */
  after?: { readonly index: number; readonly timestamp: number };
  /** How often in a row a lost stream is opened again, after .5 s, then twice as long each time up to 8 s. Default 10; 0 ends with the loss. */
  reconnects?: number;
  /** Whether waiting frames are dropped, the oldest first, when nobody takes them in time. Default true for cameras and streams. */
  dropLate?: boolean;
  /** Ends reading; the loop then throws the signal's reason. */
  signal?: AbortSignal;
}

/** An open video. Its frames can be gone through once. */
export interface VideoInput extends AsyncIterable<VideoFrame> {
  readonly metadata: VideoMetadata;
  /** Frames dropped because nobody took them in time, and how often a lost stream came back. */
  readonly statistics: { readonly dropped: number; readonly reconnects: number };
  /** Ends reading and frees what waits. Frames already taken stay valid until they are closed. */
  close(): Promise<void>;
}

/**
 * Opens a video and decodes its first frame: a file, a folder or glob of pictures in natural order, a GIF, a camera, a stream, or a
 * test source of FFmpeg. Frames come upright and in order, with strictly rising times in seconds from the first one, as the source's
 * clock tells them (variable frame rate). Whoever takes a frame closes it.
 *
 * Throws `NOT_FOUND`, `NO_ACCESS`, `VIDEO_EMPTY`, `VIDEO_UNREADABLE`, `VIDEO_NO_PICTURES` (sound alone), `VIDEO_CODEC_UNSUPPORTED`,
 * `NO_PICTURES` (a folder without any), `STREAM_UNREACHABLE`, `CAMERA_UNAVAILABLE`, `DEPENDENCY_MISSING`. The loop over the frames throws,
 * after the last good frame, `VIDEO_TRUNCATED` where the source ends before its stated length, `VIDEO_BROKEN` where it can't be read
 * on, and `STREAM_LOST` when a stream does not come back.
 */
export async function openVideo(source: VideoSource, options: OpenVideoOptions = {}): Promise<VideoInput> {
  const pictureRate = options.fps ?? 25;
  if (!(pictureRate > 0 && pictureRate < Infinity)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a positive number of frames a second, received ${pictureRate}.`);
  const { signal } = options;
  signal?.throwIfAborted();
  const resolved = await resolveSource(source);
  const ffmpeg = await loadFfmpeg();
  const leaving = new AbortController();
  const abort = () => leaving.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const statistics = { dropped: 0, reconnects: 0 };
  const rasterizer = createRasterizer(ffmpeg);
  const reader = createReader(ffmpeg, resolved, {
    capture: { ...(options.size ? { width: options.size[0], height: options.size[1] } : {}), ...(options.fps ? { fps: options.fps } : {}) },
    pictureRate,
    threads: options.threads ?? Math.min(8, Math.ceil(availableParallelism() / 4)),
    hwaccel: options.hwaccel ?? 'none',
    deinterlace: options.deinterlace ?? true,
    after: options.after,
    reconnects: options.reconnects ?? 10,
    signal: leaving.signal,
    onReconnect: () => statistics.reconnects++,
  });

  const first = await reader.frames.next().catch((error: unknown) => {
    release();
    throw error;
  });
  const metadata = reader.metadata();
  if (first.done || !metadata) {
    release();
    throw new FaceDetError('VIDEO_FINISHED', `${resolved.name}: there is no frame behind number ${options.after?.index ?? -1}.`);
  }
  const waiting = [first.value];

  async function* frames(): AsyncGenerator<VideoFrame, void> {
    try {
      for (;;) {
        const next = waiting.shift() ?? (await reader.frames.next()).value;
        if (!next) return;
        const { frame, ...place } = next;
        yield createVideoFrame(frame, rasterizer, place);
      }
    } finally {
      await reader.frames.return();
    }
  }

  async function* loop(): AsyncGenerator<VideoFrame, void> {
    const queue = ahead(frames(), {
      size: Math.max(1, options.decodeAhead ?? 4),
      dropOldest: options.dropLate ?? metadata!.live,
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

  function leave(): void {
    leaving.abort(new FaceDetError('DISPOSED', `${resolved.name} was closed.`));
  }

  function release(): void {
    signal?.removeEventListener('abort', abort);
    rasterizer.close();
  }

  let running: AsyncGenerator<VideoFrame, void> | undefined;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    leave();
    for (const { frame } of waiting.splice(0)) frame.free();
    if (running) await running.return();
    await reader.frames.return();
    release();
  }

  return {
    metadata,
    statistics,
    [Symbol.asyncIterator]() {
      if (running || closing) throw new FaceDetError('INVALID_STATE', `The frames of ${resolved.name} were gone through already. Open it again.`);
      return (running = loop());
    },
    close: () => (closing ??= close()),
  };
}
