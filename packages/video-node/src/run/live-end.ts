/**
 * The frames of a source that has no end, until the signal: it then ends like any other, so that what is in progress is
 * completed. Aborted before the first frame, it is an empty source.
 */
export async function* endless<F>(frames: AsyncIterable<F>, signal: AbortSignal | undefined): AsyncGenerator<F, void> {
  try {
    for await (const frame of frames) {
      yield frame;
      if (signal?.aborted) return;
    }
  } catch (error) {
    // Reading is interrupted by the same signal.
    if (!signal?.aborted) throw error;
  }
}
