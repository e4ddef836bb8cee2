import type { FaceDetError, Frame, PixelBuffer, RasterSource } from '@facedet/core';
import type { UnloadableFrame } from '@facedet/pipeline';
import type { Frame as NativeFrame } from 'node-av/lib';
import { unwatchLeak, watchLeak, type Leak } from '@facedet/files';
import { createNativePicture, type PictureReload } from './native-picture.ts';
import type { Rasterizer } from './rasterize.ts';

/**
 * A video frame. FFmpeg scales it, so that pixels in full size never reach JavaScript. The code that takes a frame from
 * a video closes it.
 */
export type VideoFrame = Frame &
  RasterSource &
  Pick<UnloadableFrame, 'byteLength'> &
  Partial<UnloadableFrame> & {
    /** Seconds that it is shown; 0 if unknown. */
    readonly duration: number;
    /** The time on the container's clock that is `timestamp` 0, in seconds; a writer aligns audio with it. */
    readonly clockOrigin?: number | undefined;
    /**
     * The error of a picture that could not be read (`onPictureError: 'skip'`). The frame is black and its `rasterize`
     * rejects.
     */
    readonly error?: FaceDetError | undefined;
    /** Whether the frame is damaged and the decoder concealed the damage from neighboring frames. */
    readonly isDamaged?: boolean;
    /** A copy of `region` (by default the whole frame) in RGB. Rejects with `DISPOSED` after `close()`. */
    rasterize(...parameters: Parameters<RasterSource['rasterize']>): Promise<PixelBuffer>;
    /**
     * FFmpeg's frame, for a writer; throws `DISPOSED` after `close()`. It is freed with this frame: keep a reference
     * (`clone()`) to use it longer.
     */
    native(): NativeFrame;
    /** Frees the frame's memory once running `rasterize` calls are done. Can be called more than once. */
    close(): void;
    /** `close`, for `using`. */
    [Symbol.dispose](): void;
  };

/** The properties of a frame besides its picture. */
export interface FrameParts extends Pick<
  VideoFrame,
  'index' | 'timestamp' | 'duration' | 'clockOrigin' | 'byteLength' | 'isDamaged'
> {
  readonly error?: FaceDetError | undefined;
  /** Set if the source can be read again. */
  readonly source?: PictureReload | undefined;
}

/** Wraps a decoded picture; the frame takes ownership of it. */
export function createVideoFrame(native: NativeFrame, rasterizer: Rasterizer, parts: FrameParts): VideoFrame {
  const { source, error, ...place } = parts;
  const picture = createNativePicture(native, `frame ${place.index}`, source);
  const leak: Leak = {
    code: 'FACEDET_FRAME_LEAKED',
    message: `Frame ${place.index} of a video was not closed: call close() on each frame, or declare it by \`using\`.`,
  };
  const close = () => {
    unwatchLeak(leak);
    picture.close();
  };
  const frame: VideoFrame = {
    ...place,
    ...(error && { error }),
    width: native.width,
    height: native.height,
    async rasterize(width, height, options = {}) {
      options.signal?.throwIfAborted();
      if (error) throw error;
      const pixels = await picture.during((held) => rasterizer.rasterize(held, width, height, options.region));
      options.signal?.throwIfAborted();
      return pixels;
    },
    native: picture.use,
    ...(source && { unload: picture.unload, reload: picture.reload }),
    close,
    [Symbol.dispose]: close,
  };
  watchLeak(frame, leak);
  return frame;
}
