import type { FaceDetError, Frame, PixelBuffer, RasterSource } from '@facedet/core';
import type { UnloadableFrame } from '@facedet/pipeline';
import type { Frame as NativeFrame } from 'node-av/lib';
import { unwatchLeak, watchLeak, type Leak } from '@facedet/files';
import { createNativePicture, type PictureReload } from './native-picture.ts';
import type { Rasterizer } from './rasterize.ts';

/**
 * A picture of a video: scales itself by FFmpeg, so that its full size never reaches JavaScript. Whoever takes it
 * closes it.
 */
export type VideoFrame = Frame &
  RasterSource &
  Pick<UnloadableFrame, 'byteLength'> &
  Partial<UnloadableFrame> & {
    /** Seconds that it is shown; 0 where that is not known. */
    readonly duration: number;
    /** Seconds on the container's clock that are second 0 of `timestamp`; a writer moves sound by it. */
    readonly clockOrigin?: number | undefined;
    /**
     * Why this is a black picture in place of one that could not be read (`onPictureError: 'skip'`); its `rasterize`
     * rejects.
     */
    readonly error?: FaceDetError | undefined;
    /** Whether the source is damaged in this frame, so that the decoder made part of it up from its neighbours. */
    readonly isDamaged?: boolean;
    /** A copy of `region` (by default the whole picture) in RGB. Rejects with `DISPOSED` after `close()`. */
    rasterize(...parameters: Parameters<RasterSource['rasterize']>): Promise<PixelBuffer>;
    /**
     * FFmpeg's frame, for a writer; throws `DISPOSED` after `close()`. It belongs to this frame: take a reference
     * (`clone()`) to keep it.
     */
    native(): NativeFrame;
    /** Frees the picture, as soon as calls of `rasterize` under way are done. May be repeated. */
    close(): void;
    /** `close`, for `using`. */
    [Symbol.dispose](): void;
  };

/** What a frame is made of besides its picture. */
export interface FrameParts extends Pick<
  VideoFrame,
  'index' | 'timestamp' | 'duration' | 'clockOrigin' | 'byteLength' | 'isDamaged'
> {
  readonly error?: FaceDetError | undefined;
  /** Given where the source can be read again. */
  readonly source?: PictureReload | undefined;
}

/** Wraps a decoded picture, which then belongs to the frame. */
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
