import { MEAN } from './kalman.ts';
import { copyTable, createTable, type TrackTable } from './table.ts';

/**
 * The buffers of one update: a copy of the tracks, so that an error leaves the tracker unchanged, and arrays by slot (a
 * track's place in the table) or by detection.
 */
export type Workspace = ReturnType<typeof createWorkspace>;

/** Creates buffers for up to `capacity` slots; there are never more detections than slots. */
export function createWorkspace(capacity: number) {
  return {
    tracks: createTable(capacity),
    /** By slot: the predicted box as left, top, right, bottom. */
    trackBoxes: new Float64Array(4 * capacity),
    /** By slot: the index of its detection, or -1. */
    detectionOf: new Int32Array(capacity),
    /** By slot: 1 where the track ends with this update. */
    ended: new Uint8Array(capacity),
    /** By slot: its slot once the ended tracks are removed, or -1. */
    newSlot: new Int32Array(capacity),
    /** By detection: its box as left, top, right, bottom. */
    detectionBoxes: new Float64Array(4 * capacity),
    /** By detection; -1 for a box without area. */
    scores: new Float64Array(capacity),
    /** By detection: the slot of its track, or -1. */
    slotOf: new Int32Array(capacity),
    /** The slots that take part in a stage; where duplicates are merged, those of the found tracks. */
    stageSlots: new Int32Array(capacity),
    /** By position in `stageSlots`: the position of its detection in `stageDetections`, or -1. */
    assigned: new Int32Array(capacity),
    /** By position in `stageSlots`: how far around the track detections are considered, pixels. */
    margins: new Float64Array(capacity),
    /** The detections that take part in a stage. */
    stageDetections: new Int32Array(capacity),
    /** The slots of lost tracks, where duplicates are merged. */
    lostSlots: new Int32Array(capacity),
  };
}

/**
 * Copies the tracks into the workspace. Returns it, or a larger one where it has no room for that many detections and a
 * new track per detection.
 */
export function loadTracks(work: Workspace, table: TrackTable, detections: number): Workspace {
  const slots = table.count + detections;
  // The table may have less or more room than the arrays: the tracker swaps it with its own.
  const hasRoom = Math.min(work.tracks.capacity, work.ended.length) >= slots;
  const loaded = hasRoom ? work : createWorkspace(2 * slots);
  copyTable(table, loaded.tracks);
  return loaded;
}

/** Writes the corners of all tracks' boxes, with `edgePixels` added to right and bottom. */
export function writeCorners({ tracks: { count, mean }, trackBoxes }: Workspace, edgePixels: number): void {
  for (let slot = 0; slot < count; slot++) {
    const m = slot * MEAN;
    const height = mean[m + 3]!;
    const width = mean[m + 2]! * height;
    trackBoxes[4 * slot] = mean[m]! - width / 2;
    trackBoxes[4 * slot + 1] = mean[m + 1]! - height / 2;
    trackBoxes[4 * slot + 2] = mean[m]! + width / 2 + edgePixels;
    trackBoxes[4 * slot + 3] = mean[m + 1]! + height / 2 + edgePixels;
  }
}
