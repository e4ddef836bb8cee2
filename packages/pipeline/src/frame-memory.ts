import { isRasterSource, type Frame, type RasterSource } from '@facedet/core';
import type { UnloadableFrame } from './types.ts';

/** Frees a frame's native memory, where it has any. */
export function closeFrame(frame: Frame): void {
  (frame as Partial<RasterSource> | null | undefined)?.close?.();
}

/** Bytes of a frame's picture; 0 where that is not known. */
export function bytesOf(frame: Frame): number {
  const { byteLength } = frame as Partial<UnloadableFrame>;
  if (typeof byteLength === 'number' && byteLength >= 0) return byteLength;
  return isRasterSource(frame) ? 0 : frame.data.byteLength;
}

/** Whether a frame's picture can leave memory and come back. */
export function isUnloadable(frame: Frame): frame is Frame & UnloadableFrame {
  const { unload, reload } = frame as Partial<UnloadableFrame>;
  return typeof unload === 'function' && typeof reload === 'function';
}
