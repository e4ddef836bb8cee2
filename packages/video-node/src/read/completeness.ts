import { FaceDetError } from '@facedet/core';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Input } from './input.ts';
import { streamDuration } from './metadata.ts';

/** What was decoded of a source. */
export interface Progress {
  /** Decoded pictures. */
  readonly count: number;
  /** End time of the packets on the container's clock, in seconds. */
  readonly end: number;
  /** Whether the last packet is only a part of a picture. */
  readonly cut: boolean;
}

/** What a complete source is measured by. */
export interface Expectation {
  /** The source's name in messages. */
  readonly name: string;
  readonly pixelLimit: number;
  /** Whether the source states an end that it must reach. */
  readonly finite: boolean;
}

/**
 * Checks a source that was read to its end. Throws `VIDEO_BROKEN` if none of its pictures could be decoded, and
 * `VIDEO_TRUNCATED` if it ends before its stated length or within a picture.
 */
export function checkComplete(
  ffmpeg: Ffmpeg,
  input: Input,
  { name, pixelLimit, finite }: Expectation,
  { count, end, cut }: Progress,
): void {
  if (count === 0)
    throw new FaceDetError(
      'VIDEO_BROKEN',
      `Expected pictures of at most ${pixelLimit.toLocaleString('en')} pixels but none of ${name} can be decoded; it ` +
        'is damaged or larger.',
    );
  const missing = finite ? missingSeconds(ffmpeg, input, end) : 0;
  if (cut || missing > 0)
    throw new FaceDetError(
      'VIDEO_TRUNCATED',
      `Expected a complete video but ${name} ends after ${count} frames, ` +
        `${missing > 0 ? `${missing.toFixed(2)} s before its stated length` : 'in the middle of one'}; the file ` +
        'was cut off.',
    );
}

// Only for containers that state an exact length; other lengths are estimated from the file size.
function missingSeconds(ffmpeg: Ffmpeg, { format, stream }: Input, end: number): number {
  const container = format.iformat?.name ?? '';
  if (!/\b(mov|matroska|avi|flv)\b/.test(container)) return 0;
  const length = streamDuration(ffmpeg, format, stream);
  if (length === null) return 0;
  const { num, den } = stream.timeBase;
  const isStated = stream.startTime !== ffmpeg.constants.AV_NOPTS_VALUE;
  const ownStart = isStated ? (Number(stream.startTime) * num) / den : 0;
  // MP4 states the duration of its pictures, other containers the time at which everything ends.
  const begin = container.includes('mov') ? ownStart : Math.min(ownStart, 0);
  // Half a second tolerates rounding in headers and a last picture without a duration.
  const missing = length - (end - begin);
  return missing > Math.max(0.5, 0.005 * length) ? missing : 0;
}
