import { boxesOfRows, MINIMUM_OVERLAP, visitOverlaps } from '../boxes.ts';
import { CONTINUITY } from '../mot/clear.ts';
import { createPairMatcher } from '../mot/pair-matcher.ts';
import type { TrackRows } from '../mot/rows.ts';

/** Which track is on which true face, frame by frame. */
export interface Coverage {
  /** For each true identity, its rows in order of time and the row of the track on it, or −1. */
  readonly faces: readonly { readonly id: number; readonly truth: Int32Array; readonly track: Int32Array }[];
}

/**
 * Matches tracks to true faces at IoU 0.5 for the most overlap, a match of the frame before first (as CLEAR does).
 * Truth with score 0 does not count.
 */
export function coverage(truth: TrackRows, tracks: TrackRows): Coverage {
  const truthFrames = countingRows(truth);
  const trackFrames = countingRows(tracks);
  const last = new Map<number, number>();
  const faces = new Map<number, { truth: number[]; track: number[] }>();
  const match = createPairMatcher();
  for (const frame of [...truthFrames.keys()].sort((a, b) => a - b)) {
    const truthRows = truthFrames.get(frame)!;
    const trackRows = trackFrames.get(frame) ?? [];
    const row: number[] = [];
    const col: number[] = [];
    const gain: number[] = [];
    visitOverlaps(boxesOfRows(truth, truthRows), boxesOfRows(tracks, trackRows), (i, j, iou) => {
      if (iou < MINIMUM_OVERLAP) return;
      row.push(i);
      col.push(j);
      gain.push(iou + (last.get(truth.ids[truthRows[i]!]!) === tracks.ids[trackRows[j]!] ? CONTINUITY : 0));
    });
    const rowToCol = match(truthRows.length, trackRows.length, { row, col, gain, count: gain.length });
    truthRows.forEach((truthRow, i) => {
      const trackRow = rowToCol[i]! >= 0 ? trackRows[rowToCol[i]!]! : -1;
      const id = truth.ids[truthRow]!;
      if (trackRow >= 0) last.set(id, tracks.ids[trackRow]!);
      let face = faces.get(id);
      if (!face) faces.set(id, (face = { truth: [], track: [] }));
      face.truth.push(truthRow);
      face.track.push(trackRow);
    });
  }
  return {
    faces: [...faces].map(([id, face]) => ({
      id,
      truth: Int32Array.from(face.truth),
      track: Int32Array.from(face.track),
    })),
  };
}

function countingRows(rows: TrackRows): Map<number, number[]> {
  const frames = new Map<number, number[]>();
  rows.frames.forEach((frame, row) => {
    if (rows.scores[row] === 0) return;
    const list = frames.get(frame);
    if (list) list.push(row);
    else frames.set(frame, [row]);
  });
  return frames;
}
