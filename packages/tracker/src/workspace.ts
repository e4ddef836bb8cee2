import { MEAN } from './kalman.ts';
import { createTable, withCapacity, type TrackTable } from './table.ts';

/**
 * What one update is worked out in: a copy of the tracks, so that an error leaves the tracker as it was, and room by
 * slot (a track's place in the table) or by detection. Made once; `reserve` makes it larger.
 */
export interface Workspace {
  tracks: TrackTable;
  /** By slot: corners of the predicted box, four numbers each. */
  trackBoxes: Float64Array;
  /** By slot: the index of its detection, or -1. */
  match: Int32Array;
  /** By slot: 1 where the track ends with this update. */
  drop: Uint8Array;
  /** By slot: its slot after the dropped ones are gone, or -1. */
  moved: Int32Array;
  /** By detection: corners of its box, four numbers each. */
  detectionBoxes: Float64Array;
  /** By detection; -1 for a box without area. */
  scores: Float64Array;
  /** By detection: the slot of its track, or -1. */
  owner: Int32Array;
  /** Places in choices of tracks and of detections, and what is written by place of a track. */
  rowIndex: Int32Array;
  colIndex: Int32Array;
  rowToCol: Int32Array;
  reach: Float64Array;
}

export function createWorkspace(): Workspace {
  return {
    tracks: createTable(64),
    trackBoxes: new Float64Array(0),
    match: new Int32Array(0),
    drop: new Uint8Array(0),
    moved: new Int32Array(0),
    detectionBoxes: new Float64Array(0),
    scores: new Float64Array(0),
    owner: new Int32Array(0),
    rowIndex: new Int32Array(0),
    colIndex: new Int32Array(0),
    rowToCol: new Int32Array(0),
    reach: new Float64Array(0),
  };
}

/** Makes room for so many tracks, a new one for each detection, and so many detections. */
export function reserve(work: Workspace, tracks: number, detections: number): void {
  work.tracks = withCapacity(work.tracks, tracks + detections);
  if (work.match.length < tracks + detections) {
    const room = 2 * (tracks + detections);
    work.trackBoxes = new Float64Array(4 * room);
    work.match = new Int32Array(room);
    work.drop = new Uint8Array(room);
    work.moved = new Int32Array(room);
    work.reach = new Float64Array(room);
    work.rowIndex = new Int32Array(room);
    work.rowToCol = new Int32Array(room);
  }
  if (work.owner.length < detections) {
    work.detectionBoxes = new Float64Array(8 * detections);
    work.scores = new Float64Array(2 * detections);
    work.owner = new Int32Array(2 * detections);
    work.colIndex = new Int32Array(2 * detections);
  }
}

/** Writes the corners of all tracks' boxes, right and bottom plus `extra`. */
export function writeCorners({ tracks: { count, mean }, trackBoxes }: Workspace, extra: number): void {
  for (let slot = 0; slot < count; slot++) {
    const m = slot * MEAN;
    const height = mean[m + 3]!;
    const width = mean[m + 2]! * height;
    trackBoxes[4 * slot] = mean[m]! - width / 2;
    trackBoxes[4 * slot + 1] = mean[m + 1]! - height / 2;
    trackBoxes[4 * slot + 2] = mean[m]! + width / 2 + extra;
    trackBoxes[4 * slot + 3] = mean[m + 1]! + height / 2 + extra;
  }
}
