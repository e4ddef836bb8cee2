import { FaceDetError } from '@facedet/core';
import type { Ffmpeg } from './load.ts';

/** FFmpeg's text for a negative return value. */
export function ffmpegMessage({ FFmpegError }: Ffmpeg, code: number): string {
  return FFmpegError.strerror(code);
}

/** Returns `code` if it is not negative; else throws a `FaceDetError` whose message ends with FFmpeg's reason. */
export function check(ffmpeg: Ffmpeg, code: number, errorCode: string, message: string): number {
  if (code >= 0) return code;
  throw failure(ffmpeg, code, errorCode, message);
}

/** The error for a negative return value. Errors of the file system have codes of their own. */
export function failure(ffmpeg: Ffmpeg, code: number, errorCode: string, message: string): FaceDetError {
  const { constants } = ffmpeg;
  const cause = ffmpeg.FFmpegError.fromCode(code) ?? undefined;
  if (code === constants.AVERROR_ENOENT) return new FaceDetError('NOT_FOUND', `${message}: no such file.`, { cause });
  if (code === constants.AVERROR_EACCES) return new FaceDetError('NO_ACCESS', `${message}: not permitted.`, { cause });
  if (code === constants.AVERROR_ENOSPC)
    return new FaceDetError('DISK_FULL', `${message}: no space is left on the disk. What was written so far is kept.`, {
      cause,
    });
  // Demuxers and muxers return -1 for an unspecified error. It has the same value as EPERM but says nothing of
  // permissions.
  const reason = code === constants.AVERROR_EPERM ? 'FFmpeg gives no reason' : ffmpegMessage(ffmpeg, code);
  return new FaceDetError(errorCode, `${message}: ${reason}.`, { cause });
}
