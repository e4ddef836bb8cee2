import { isFaceDetError, type FaceDetError } from '@facedet/core';

/**
 * The frames of a source that has no end, until the signal: it then ends like any other, so that what is in progress is
 * completed. Aborted before the first frame, it is an empty source. A stream that is lost for good ends it too, as
 * it cannot be continued; `onLost` gets the error (`STREAM_LOST`).
 */
export async function* endless<F>(
  frames: AsyncIterable<F>,
  signal: AbortSignal | undefined,
  onLost: (error: FaceDetError) => void,
): AsyncGenerator<F, void> {
  try {
    for await (const frame of frames) {
      yield frame;
      if (signal?.aborted) return;
    }
  } catch (error) {
    // Reading is interrupted by the same signal.
    if (signal?.aborted) return;
    if (!isFaceDetError(error) || error.code !== 'STREAM_LOST') throw error;
    onLost(error);
  }
}
