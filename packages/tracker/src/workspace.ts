import { MEAN } from './kalman.ts';
import { copyTable, createTable, withCapacity, type TrackTable } from './table.ts';

/**
 * The buffers of one update: a copy of the tracks, so that an error leaves the tracker unchanged, and arrays by slot (a
 * track's place in the table) or by detection. Made once per tracker; `loadTracks` makes it larger.
 */
export interface Workspace {
  tracks: TrackTable;
  /** By slot: the predicted box as left, top, right, bottom. */
  trackBoxes: Float64Array;
  /** By slot: the index of its detection, or -1. */
  detectionOf: Int32Array;
  /** By slot: 1 where the track ends with this update. */
  ended: Uint8Array;
  /** By slot: its slot once the ended tracks are removed, or -1. */
  newSlot: Int32Array;
  /** By detection: its box as left, top, right, bottom. */
  detectionBoxes: Float64Array;
  /** By detection; -1 for a box without area. */
  scores: Float64Array;
  /** By detection: the slot of its track, or -1. */
  slotOf: Int32Array;
  /**
   * The slots and detections that take part in a stage, and by position of the slot its detection and search margin.
   */
  stageSlots: Int32Array;
  stageDetections: Int32Array;
  assigned: Int32Array;
  margins: Float64Array;
  /** The slots of lost tracks, where duplicates are merged. */
  lostSlots: Int32Array;
}

export function createWorkspace(): Workspace {
  return {
    tracks: createTable(64),
    trackBoxes: new Float64Array(0),
    detectionOf: new Int32Array(0),
    ended: new Uint8Array(0),
    newSlot: new Int32Array(0),
    detectionBoxes: new Float64Array(0),
    scores: new Float64Array(0),
    slotOf: new Int32Array(0),
    stageSlots: new Int32Array(0),
    stageDetections: new Int32Array(0),
    assigned: new Int32Array(0),
    margins: new Float64Array(0),
    lostSlots: new Int32Array(0),
  };
}

/** Copies the tracks into the workspace, with room for that many detections and a new track per detection. */
export function loadTracks(work: Workspace, table: TrackTable, detections: number): void {
  const slots = table.count + detections;
  work.tracks = withCapacity(work.tracks, slots);
  copyTable(table, work.tracks);
  if (work.detectionOf.length < slots) {
    work.trackBoxes = new Float64Array(8 * slots);
    work.detectionOf = new Int32Array(2 * slots);
    work.ended = new Uint8Array(2 * slots);
    work.newSlot = new Int32Array(2 * slots);
    work.stageSlots = new Int32Array(2 * slots);
    work.assigned = new Int32Array(2 * slots);
    work.margins = new Float64Array(2 * slots);
    work.lostSlots = new Int32Array(2 * slots);
  }
  if (work.slotOf.length < detections) {
    work.detectionBoxes = new Float64Array(8 * detections);
    work.scores = new Float64Array(2 * detections);
    work.slotOf = new Int32Array(2 * detections);
    work.stageDetections = new Int32Array(2 * detections);
  }
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
