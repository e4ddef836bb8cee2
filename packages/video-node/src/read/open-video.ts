import { FaceDetError } from '@facedet/core';
import { unwatchLeak, watchLeak, type Leak } from '@facedet/files';
import type { VideoFrame } from './frame.ts';
import type { VideoMetadata } from './metadata.ts';
import type { OpenVideoOptions } from './open-options.ts';
import { framesAhead, startPlayback } from './playback.ts';
import type { VideoSource } from './source.ts';

export type { OpenVideoOptions } from './open-options.ts';

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
  const playback = await startPlayback(source, options);
  const { name, metadata, statistics, reader } = playback;
  let running: AsyncGenerator<VideoFrame, void> | undefined;
  let closing: Promise<void> | undefined;

  async function* loop(): AsyncGenerator<VideoFrame, void> {
    const frames = framesAhead(playback, options);
    try {
      yield* frames;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      playback.release();
    }
  }

  async function close(): Promise<void> {
    playback.leave();
    for (const { frame } of playback.waiting.splice(0)) frame.free();
    if (running) await running.return();
    await reader.frames.return();
    await playback.reloader?.close();
    playback.release();
  }

  const leak: Leak = {
    code: 'FACEDET_VIDEO_LEAKED',
    message:
      `The video ${name} was neither read to its end nor closed: call close(), or declare it by ` + '`await using`.',
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
          `Expected to iterate the frames of ${name} once but they were iterated before; open it again.`,
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
