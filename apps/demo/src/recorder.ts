import { FaceDetError } from '@facedet/core';
import {
  BufferTarget,
  CanvasSource,
  getFirstEncodableVideoCodec,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
} from 'mediabunny';

/** A recording of a canvas. */
export interface Recording {
  /** Adds the canvas as it is; seconds, rising. A frame that the encoder has no room for is left out. */
  add(timestamp: number): void;
  /** Ends it; null where nothing was recorded. */
  finish(): Promise<Blob | null>;
}

/**
 * Records a canvas as MP4 by WebCodecs, with the first codec that this browser encodes. Rejects with
 * `VIDEO_UNSUPPORTED` where it encodes none.
 */
export async function record(canvas: HTMLCanvasElement | OffscreenCanvas): Promise<Recording> {
  const format = new Mp4OutputFormat({ fastStart: 'in-memory' });
  const codec =
    typeof VideoEncoder === 'undefined'
      ? null
      : await getFirstEncodableVideoCodec(format.getSupportedVideoCodecs(), {
          width: canvas.width,
          height: canvas.height,
        });
  if (!codec)
    throw new FaceDetError(
      'VIDEO_UNSUPPORTED',
      'This browser encodes no video (WebCodecs is missing or has no encoder): use a current Chrome, Edge, ' +
        'Safari or Firefox, or the facedet command.',
    );
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const source = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(source);
  await output.start();
  let first: number | null = null;
  let last = -1;
  let busy = false;
  let failed: unknown = null;
  return {
    add(timestamp) {
      first ??= timestamp;
      const at = timestamp - first;
      if (busy || failed || at <= last) return;
      last = at;
      busy = true;
      source
        .add(at, 1 / 25)
        .catch((error: unknown) => (failed = error))
        .finally(() => (busy = false));
    },
    async finish() {
      if (failed) throw failed;
      if (last < 0) {
        await output.cancel();
        return null;
      }
      await output.finalize();
      return new Blob([target.buffer!], { type: 'video/mp4' });
    },
  };
}
