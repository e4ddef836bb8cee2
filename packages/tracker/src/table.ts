import { COVARIANCE, MEAN } from './kalman.ts';
import type { Box, Detection, Track, TrackState } from './types.ts';

/**
 * Codes of a track's state within the table; `REMOVED` only in `compat`, for the one frame that the original still
 * looks at such a track.
 */
export const TENTATIVE = 0;
export const TRACKED = 1;
export const LOST = 2;
export const REMOVED = 3;

/** The public name of each. */
export const STATES: readonly TrackState[] = ['tentative', 'tracked', 'lost', 'lost'];

/** All live tracks, a column a quantity, a slot a track; slots are in the order of identities. */
export type TrackTable = ReturnType<typeof createTable>;

/** An empty table with room for `capacity` tracks. */
export function createTable(capacity: number) {
  return {
    capacity,
    count: 0,
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
    /** 1 where the original's list of removed tracks has the identity. */
    doomed: new Uint8Array(capacity),
    mean: new Float64Array(capacity * MEAN),
    covariance: new Float64Array(capacity * COVARIANCE),
  };
}

const single = [
  'id',
  'state',
  'score',
  'startTime',
  'lastSeen',
  'startFrame',
  'lastFrame',
  'hits',
  'innovation',
  'doomed',
] as const;

/** A table with the same tracks and room for at least `capacity`. */
export function withCapacity(table: TrackTable, capacity: number): TrackTable {
  if (table.capacity >= capacity) return table;
  const larger = createTable(Math.max(capacity, table.capacity * 2));
  copyTable(table, larger);
  return larger;
}

/** Copies all tracks of `from` into `to`, which has room for them. */
export function copyTable(from: TrackTable, to: TrackTable): void {
  const { count } = from;
  to.count = count;
  for (const column of single) to[column].set(from[column].subarray(0, count));
  to.mean.set(from.mean.subarray(0, count * MEAN));
  to.covariance.set(from.covariance.subarray(0, count * COVARIANCE));
}

/**
 * Drops the tracks whose slot is marked in `drop`, keeping the order of the others; `moved` learns each one's new slot,
 * or -1.
 */
export function compact(table: TrackTable, drop: Uint8Array, moved: Int32Array): void {
  let kept = 0;
  for (let slot = 0; slot < table.count; slot++) {
    moved[slot] = drop[slot] ? -1 : kept;
    if (drop[slot]) continue;
    if (kept < slot) {
      for (const column of single) table[column][kept] = table[column][slot]!;
      table.mean.copyWithin(kept * MEAN, slot * MEAN, (slot + 1) * MEAN);
      table.covariance.copyWithin(kept * COVARIANCE, slot * COVARIANCE, (slot + 1) * COVARIANCE);
    }
    kept++;
  }
  table.count = kept;
}

/** The box of a slot's mean. */
export function boxOf(table: TrackTable, slot: number): Box {
  const m = slot * MEAN;
  const height = table.mean[m + 3]!;
  const width = table.mean[m + 2]! * height;
  return { x: table.mean[m]! - width / 2, y: table.mean[m + 1]! - height / 2, width, height };
}

/** A slot as the public sees it. */
export function describe<D extends Detection>(
  table: TrackTable,
  slot: number,
  detection: D | null,
  detectionIndex: number,
): Track<D> {
  return {
    id: table.id[slot]!,
    box: boxOf(table, slot),
    score: table.score[slot]!,
    state: STATES[table.state[slot]!]!,
    detection,
    detectionIndex,
    startTime: table.startTime[slot]!,
    lastSeen: table.lastSeen[slot]!,
    hits: table.hits[slot]!,
    innovation: table.innovation[slot]!,
  };
}
