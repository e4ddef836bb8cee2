import type { Frame } from '@facedet/core';
import { bytesOf, closeFrame, isUnloadable } from './frame-memory.ts';
import type { PendingRow, UnloadableFrame } from './types.ts';

/** A frame whose row look-ahead may still hold back. */
export interface BufferedFrame<F extends Frame> {
  readonly frame: F;
  readonly row: PendingRow;
  /** What `row.error` is the data of. */
  readonly error: Error | undefined;
}

/** How long results are held back, and how much memory their frames may take. */
export interface HoldLimits {
  /** Seconds. */
  readonly lookAhead: number;
  readonly lookAheadBytes: number;
}

/** Frames whose results are held back, in order. */
export interface HeldFrames<F extends Frame> {
  readonly length: number;
  readonly rows: PendingRow[];
  /** Takes the newest frame; its picture is unloaded where the frames held would take too much memory. */
  push(item: BufferedFrame<F>): void;
  /** Whether the first result is due when the newest frame has this timestamp: `early` where memory is the reason. */
  due(timestamp: number): 'in time' | 'early' | null;
  /** Reloads the first frame's picture where it was unloaded; rejects with what the frame's `reload` rejects with. */
  load(): Promise<void>;
  /** Removes and returns the first result, after `load`. */
  shift(): BufferedFrame<F>;
  /** Closes all frames. */
  close(): void;
}

/** Frames from which the memory of the whole look-ahead is estimated. */
const MIN_FRAMES = 3;
/** Factor of the byte limit for frames that can't be reloaded: less look-ahead costs more than memory. */
const KEPT_FACTOR = 4;

/** No frames yet. */
export function createHeldFrames<F extends Frame>({ lookAhead, lookAheadBytes }: HoldLimits): HeldFrames<F> {
  const items: { readonly buffered: BufferedFrame<F>; readonly bytes: number; unloaded: boolean }[] = [];
  let total = 0; // bytes of all frames held, were all of them loaded
  let kept = 0; // bytes of those that are

  /** The bytes that all frames of the look-ahead will take, by those that are held. */
  function expected(): number {
    const seconds = items.at(-1)!.buffered.row.timestamp - items[0]!.buffered.row.timestamp;
    if (items.length < MIN_FRAMES || !(seconds > 0)) return total;
    return Math.max(total, (total / items.length) * (items.length - 1) * (lookAhead / seconds));
  }

  return {
    get length() {
      return items.length;
    },
    get rows() {
      return items.map(({ buffered }) => buffered.row);
    },
    push(buffered) {
      const { frame } = buffered;
      const item = { buffered, bytes: bytesOf(frame), unloaded: false };
      items.push(item);
      total += item.bytes;
      if (lookAhead > 0 && isUnloadable(frame) && expected() > lookAheadBytes) {
        frame.unload();
        item.unloaded = true;
      } else {
        kept += item.bytes;
      }
    },
    due(timestamp) {
      if (!items.length) return null;
      // Negated, so that a frame without a valid timestamp does not wait.
      if (!(timestamp - items[0]!.buffered.row.timestamp < lookAhead)) return 'in time';
      return kept > KEPT_FACTOR * lookAheadBytes ? 'early' : null;
    },
    async load() {
      const item = items[0]!;
      if (!item.unloaded) return;
      await (item.buffered.frame as unknown as UnloadableFrame).reload();
      item.unloaded = false;
      kept += item.bytes;
    },
    shift() {
      const { buffered, bytes } = items.shift()!;
      total -= bytes;
      kept -= bytes;
      return buffered;
    },
    close() {
      for (const { buffered } of items.splice(0)) closeFrame(buffered.frame);
    },
  };
}
