import type { YuvPlanes } from '@facedet/draw';
import type { FrameResult } from '@facedet/pipeline';
import type { VideoFrame } from '../../read/frame.ts';
import type { Row } from '../rows.ts';

/** One frame of a run on its way to the outputs. The frame is open until all of them are done with it. */
export interface SinkFrame {
  readonly frame: VideoFrame;
  /** What was found in the frame. */
  readonly row: Row;
  /** The row that is written: with `anonymize`, all that is masked. */
  readonly writtenRow: Row;
  /** When the frame is no longer shown, in seconds. */
  readonly until: number;
  /** What is done to the picture; undefined where it stays as it is. */
  readonly edit: ((planes: YuvPlanes) => void) | undefined;
  /** Undefined where the row comes from an interrupted run. */
  readonly result: FrameResult<VideoFrame> | undefined;
}

/**
 * Where a run's results go. Calls come one at a time. An output is complete before any output gets its final name, so
 * that an interruption between two names loses nothing.
 */
export interface Sink {
  /**
   * Frames that an interrupted run left whole: the first one that the sink still needs. `Infinity` where it needs none.
   */
  readonly frames: number;
  /** Takes a frame; one that it has already changes nothing. */
  write(item: SinkFrame): Promise<void> | void;
  /** Completes the output under its partial name, flushed to the disk. */
  complete(): Promise<void> | void;
  /** Gives the output its final name. */
  commit(): Promise<void> | void;
  /** Leaves what there is under its partial name, readable. Called after an error as well, and after `complete`. */
  leave(): Promise<void> | void;
  /** In place of `leave`, where nothing was written: removes the output in progress. */
  discard(): Promise<void> | void;
}
