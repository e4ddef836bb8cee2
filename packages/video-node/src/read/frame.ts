import { FaceDetError, type Frame, type PixelBuffer, type RasterSource } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { Rasterizer } from './rasterize.ts';

/** A picture of a video: scales itself by FFmpeg, so that its full size never reaches JavaScript. Whoever takes it closes it. */
export type VideoFrame = Frame &
  RasterSource & {
    /** Seconds that it is shown; 0 where that is not known. */
    readonly duration: number;
    /** Seconds on the container's clock that are second 0 of `timestamp`; a writer moves sound by it. */
    readonly clockOrigin?: number | undefined;
    /** Why this is a black picture in place of one that could not be read (`onPictureError: 'skip'`); its `rasterize` rejects. */
    readonly error?: FaceDetError | undefined;
    /** A copy of `region` (by default the whole picture) in RGB. Rejects with `DISPOSED` after `close()`. */
    rasterize(...parameters: Parameters<RasterSource['rasterize']>): Promise<PixelBuffer>;
    /** FFmpeg's frame, for a writer; throws `DISPOSED` after `close()`. It belongs to this frame: take a reference (`clone()`) to keep it. */
    native(): NativeFrame;
    /** Frees the picture, as soon as calls of `rasterize` under way are done. */
    close(): void;
  };

/** Wraps a decoded picture, which then belongs to the frame. */
export function createVideoFrame(frame: NativeFrame, rasterizer: Rasterizer, place: Pick<VideoFrame, 'index' | 'timestamp' | 'duration' | 'clockOrigin'>): VideoFrame {
  let users = 1;
  let closed = false;
  // Freed while FFmpeg reads it, the picture would take the process along.
  const leave = () => {
    if (--users === 0) frame.free();
  };
  const use = () => {
    if (closed) throw new FaceDetError('DISPOSED', `Frame ${place.index} was closed before it was used. Close a frame after its last rasterize().`);
    return frame;
  };
  return {
    ...place,
    width: frame.width,
    height: frame.height,
    async rasterize(width, height, options = {}) {
      options.signal?.throwIfAborted();
      const native = use();
      users++;
      try {
        const pixels = await rasterizer.rasterize(native, width, height, options.region);
        options.signal?.throwIfAborted();
        return pixels;
      } finally {
        leave();
      }
    },
    native: use,
    close() {
      if (closed) return;
      closed = true;
      leave();
    },
  };
}
