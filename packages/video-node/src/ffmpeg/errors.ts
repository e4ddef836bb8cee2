import { FaceDetError } from '@facedet/core';
import type { Ffmpeg } from './load.ts';

/** The text FFmpeg has for one of its negative return values. */
export function ffmpegMessage({ FFmpegError }: Ffmpeg, code: number): string {
  return FFmpegError.strerror(code);
}

/** Returns `code` where it is no error; else throws `FaceDetError`, the message ended by FFmpeg's own reason. */
export function check(ffmpeg: Ffmpeg, code: number, errorCode: string, message: string): number {
  if (code >= 0) return code;
  throw failure(ffmpeg, code, errorCode, message);
}

/** The error for a negative return value. What the system says about files and disks has codes of its own. */
export function failure(ffmpeg: Ffmpeg, code: number, errorCode: string, message: string): FaceDetError {
  const { constants } = ffmpeg;
  const cause = ffmpeg.FFmpegError.fromCode(code) ?? undefined;
  if (code === constants.AVERROR_ENOENT) return new FaceDetError('NOT_FOUND', `${message}: no such file.`, { cause });
  if (code === constants.AVERROR_EACCES) return new FaceDetError('NO_ACCESS', `${message}: not permitted.`, { cause });
  if (code === constants.AVERROR_ENOSPC)
    return new FaceDetError(
      'DISK_FULL',
      `${message}: no space is left on the disk. What was written up to here is kept.`,
      { cause },
    );
  // -1, which is also EPERM, is what demuxers and muxers give without a reason: it is no matter of permission.
  const reason = code === constants.AVERROR_EPERM ? 'FFmpeg gives no reason' : ffmpegMessage(ffmpeg, code);
  return new FaceDetError(errorCode, `${message}: ${reason}.`, { cause });
}
