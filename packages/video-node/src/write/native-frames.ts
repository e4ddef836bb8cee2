import { bytesPerPixel, FaceDetError, rowStride, type PixelBuffer } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** One more reference to a picture's memory. */
export function reference(native: NativeFrame): NativeFrame {
  const same = native.clone();
  if (!same)
    throw new FaceDetError('OUT_OF_MEMORY', `A picture of ${native.width} × ${native.height} can't be kept in memory.`);
  return same;
}

/**
 * Copies pixels to FFmpeg's own memory. A native frame could also refer to a `Buffer`, but that is freed as soon as
 * JavaScript no longer refers to it.
 */
export function nativeOf(ffmpeg: Ffmpeg, pixels: PixelBuffer): NativeFrame {
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
