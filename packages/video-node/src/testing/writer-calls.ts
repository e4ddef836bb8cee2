import { isFaceDetError } from '@facedet/core';
import type { VideoFrame } from '../read/frame.ts';
import { openVideo } from '../read/open-video.ts';
import { createVideoWriter, type PixelFrame } from '../write/writer.ts';

/** The calls of a sequence: own pixels, decoded frames, edits that wait, throw or call their writer, and endings. */
export const WRITER_CALLS = [
  'write',
  'decoded',
  'edit',
  'fail',
  'nested',
  'flush',
  'complete',
  'finish',
  'close',
  'wait',
] as const;
/** One call of a writer in a sequence of random calls. */
export type WriterCall = (typeof WRITER_CALLS)[number];

const [WIDTH, HEIGHT, FPS] = [64, 48, 25];

/** An endless supply of decoded frames. */
export interface DecodedFrames {
  next(): Promise<VideoFrame>;
  close(): Promise<void>;
}

/** Frames of FFmpeg's test pattern in the size that `runWriterCalls` writes. */
export async function decodedFrames(): Promise<DecodedFrames> {
  const video = await openVideo({ lavfi: `testsrc2=size=${WIDTH}x${HEIGHT}:rate=${FPS}` }, { dropLate: false });
  const frames = video[Symbol.asyncIterator]();
  return {
    next: async () => (await frames.next()).value as VideoFrame,
    close: video.close,
  };
}

/**
 * Calls a writer in the given order without awaiting the calls (`wait` awaits the last one), then closes it. Returns
 * how many calls settled and how many of those rejected. Throws if one rejected with anything but the edit's own error
 * or `INVALID_STATE`. Does not return if a promise never settles.
 */
export async function runWriterCalls(
  path: string,
  names: readonly WriterCall[],
  decoded: DecodedFrames,
): Promise<{ settled: number; rejected: number }> {
  const like = { width: WIDTH, height: HEIGHT, fps: FPS };
  const writer = await createVideoWriter(path, { like, preset: 'ultrafast', threads: 1 });
  const calls: Promise<void>[] = [];
  for (const [index, name] of names.entries()) {
    const frame = () => ownFrame(index);
    if (name === 'wait') await Promise.allSettled(calls.slice(-1));
    else if (name === 'write') calls.push(writer.write(frame()));
    else if (name === 'edit') calls.push(writer.write(frame(), () => new Promise(setImmediate)));
    else if (name === 'fail') calls.push(writer.write(frame(), () => Promise.reject(new RangeError('edit'))));
    else if (name === 'nested') calls.push(writer.write(frame(), () => writer[index % 2 ? 'finish' : 'close']()));
    else if (name === 'decoded') {
      const picture = await decoded.next();
      calls.push(writer.write(picture, index % 2 ? () => {} : undefined));
      picture.close();
    } else calls.push(writer[name]());
  }
  const results = await Promise.allSettled(calls);
  await writer.close();
  const errors: unknown[] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const other = errors.find(
    (error) => !(error instanceof RangeError || (isFaceDetError(error) && error.code === 'INVALID_STATE')),
  );
  if (other !== undefined) throw other;
  return { settled: results.length, rejected: errors.length };
}

function ownFrame(index: number): PixelFrame {
  const data = new Uint8Array(WIDTH * HEIGHT * 3).fill(20 * index);
  return { data, width: WIDTH, height: HEIGHT, format: 'rgb', timestamp: index / FPS };
}
