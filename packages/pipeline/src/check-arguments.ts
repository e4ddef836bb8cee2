import { FaceDetError, type Frame } from '@facedet/core';
import { invalidArgument } from '@facedet/core/engine';

/**
 * Throws `INVALID_ARGUMENT` for a value that is not a frame, and `INDEX_NOT_RISING` for one that is not after the last.
 */
export function checkFrame(frame: Frame, last: number): void {
  const index: unknown = (frame as Frame | null | undefined)?.index;
  if (!Number.isInteger(index) || (index as number) < 0) {
    throw invalidArgument("an integer from 0 for the frame's index", index, 'count frames from 0');
  }
  if ((index as number) <= last) {
    throw new FaceDetError(
      'INDEX_NOT_RISING',
      `Expected a frame after index ${last} but received index ${index as number}; call reset() before another video.`,
    );
  }
}

/** Throws `INVALID_ARGUMENT` for what is no signal; null and undefined are none. */
export function checkSignal(signal: unknown): void {
  // By its methods: one of another realm is no instance of this realm's class.
  const { throwIfAborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (signal === undefined || signal === null) return;
  if (typeof throwIfAborted === 'function' && typeof addEventListener === 'function') return;
  throw invalidArgument('an AbortSignal for signal', signal, '`new AbortController().signal` is one');
}

/** Throws `INVALID_ARGUMENT` for what cannot be called. */
export function checkProgress(onProgress: unknown): void {
  if (onProgress === undefined || typeof onProgress === 'function') return;
  throw invalidArgument('a function for onProgress', onProgress, 'it is called with the statistics');
}

/** Throws `INVALID_ARGUMENT` for what is no source of frames. */
export function checkSource(frames: unknown): void {
  const source = (frames ?? {}) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterate = source[Symbol.asyncIterator] ?? source[Symbol.iterator];
  if (typeof frames === 'object' && typeof iterate === 'function') return;
  throw invalidArgument('an iterable or async iterable of frames', frames, 'process() takes single frames');
}
