import { COVARIANCE, MEAN } from './kalman.ts';
import type { TrackState } from './types.ts';

/**
 * Codes of a track's state in the table. `REMOVED` occurs only in `compat`, for the one frame in which the original can
 * still match such a track.
 */
export const TENTATIVE = 0;
export const TRACKED = 1;
export const LOST = 2;
export const REMOVED = 3;

/** The public name of each state. */
export const STATES: readonly TrackState[] = ['tentative', 'tracked', 'lost', 'lost'];

/** All live tracks: one column per quantity, one slot per track; slots are in the order of the track IDs. */
export type TrackTable = ReturnType<typeof createTable>;

/** Creates an empty table with room for `capacity` tracks. */
export function createTable(capacity: number) {
  return {
    capacity,
    count: 0,
    /** The ID of the next track that starts. */
    nextId: 1,
    id: new Float64Array(capacity),
    state: new Uint8Array(capacity),
    score: new Float64Array(capacity),
    /** Seconds. */
    startTime: new Float64Array(capacity),
    lastSeen: new Float64Array(capacity),
    /** Numbers of updates. */
    startFrame: new Float64Array(capacity),
    lastFrame: new Float64Array(capacity),
    hits: new Float64Array(capacity),
    innovation: new Float64Array(capacity),
    /** 1 where the track has been removed before; only in `compat`. */
    removedOnce: new Uint8Array(capacity),
    mean: new Float64Array(capacity * MEAN),
    covariance: new Float64Array(capacity * COVARIANCE),
    /** Landmarks of the last detection that had any, relative to the box (see landmarks.ts); never changed in place. */
    landmarks: new Array<readonly number[] | null>(capacity).fill(null),
  };
}

/** The columns that a snapshot holds under the same names. */
export const NUMBER_COLUMNS = [
  'score',
  'startTime',
  'lastSeen',
  'startFrame',
  'lastFrame',
  'hits',
  'innovation',
] as const;

const scalarColumns = ['id', 'state', 'removedOnce', ...NUMBER_COLUMNS] as const;

/** Copies all tracks of `from` into `to`, which must have room for them. */
export function copyTable(from: TrackTable, to: TrackTable): void {
  const { count } = from;
  to.count = count;
  to.nextId = from.nextId;
  for (const column of scalarColumns) to[column].set(from[column].subarray(0, count));
  to.mean.set(from.mean.subarray(0, count * MEAN));
  to.covariance.set(from.covariance.subarray(0, count * COVARIANCE));
  for (let slot = 0; slot < count; slot++) to.landmarks[slot] = from.landmarks[slot]!;
}

/**
 * Removes the tracks whose slot is marked in `ended` and keeps the order of the others. Writes each track's new slot,
 * or -1, to `newSlot`.
 */
export function compact(table: TrackTable, ended: Uint8Array, newSlot: Int32Array): void {
  let kept = 0;
  for (let slot = 0; slot < table.count; slot++) {
    newSlot[slot] = ended[slot] ? -1 : kept;
    if (ended[slot]) continue;
    if (kept < slot) {
      for (const column of scalarColumns) table[column][kept] = table[column][slot]!;
      table.mean.copyWithin(kept * MEAN, slot * MEAN, (slot + 1) * MEAN);
      table.covariance.copyWithin(kept * COVARIANCE, slot * COVARIANCE, (slot + 1) * COVARIANCE);
      table.landmarks[kept] = table.landmarks[slot]!;
    }
    kept++;
  }
  table.count = kept;
}
