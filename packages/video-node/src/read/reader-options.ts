import type { CaptureOptions, InputLimits } from './input.ts';

/** A change of a live source's connection. */
export interface ConnectionChange {
  /** `lost`: the next attempt follows after `delay`; `restored`: frames arrive again. */
  readonly state: 'lost' | 'restored';
  /** Attempts since the last frame, from 1. */
  readonly attempt: number;
  /** Seconds until the next attempt; 0 when restored. */
  readonly delay: number;
  /** Why the connection was lost, if known. */
  readonly error?: Error;
}

/** How a source is read; all defaults are resolved. */
export interface ReaderOptions {
  readonly capture: CaptureOptions;
  /** Frames per second (fps) of a folder of pictures. */
  readonly pictureRate: number;
  readonly threads: number;
  readonly hwaccel: 'auto' | 'none';
  readonly deinterlace: boolean;
  readonly after?: { readonly index: number; readonly timestamp: number } | undefined;
  /** Attempts in a row to reopen a lost stream; may be Infinity. */
  readonly reconnects: number;
  /** Attempts in a row to open a stream for the first time. */
  readonly firstConnects: number;
  /** Whether a picture of a folder that can't be read ends the source. */
  readonly onPictureError: 'skip' | 'stop';
  readonly limits: InputLimits;
  readonly signal: AbortSignal;
  /** Called when a stream is lost, before each attempt to reopen it, and when it is back. */
  readonly onReconnect: (change: ConnectionChange) => void;
}
