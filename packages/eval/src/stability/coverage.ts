import { MINIMUM_OVERLAP, rowsOf, visitOverlaps } from '../boxes.ts';
import { createMatcher } from '../mot/bipartite-matching.ts';
import { CONTINUITY } from '../mot/clear.ts';
import { groupRows, type TrackRows } from '../mot/track-rows.ts';

/** A ground-truth face over time, and the rows of the tracks that match it. */
export interface CoveredFace {
  /** Rows of the ground truth in order of time. */
  readonly truth: Int32Array;
  /** For each of them the row of the matched track, or −1. */
  readonly track: Int32Array;
}

/**
 * Matches tracks to ground-truth faces at IoU 0.5 for the largest sum of IoU, and keeps the matches of the frame before
 * where they still overlap enough (as CLEAR does). Ground truth with score 0 is ignored.
 */
export function coverage(truth: TrackRows, tracks: TrackRows): CoveredFace[] {
  const truthFrames = groupRows(truth, truth.frames);
  const trackFrames = groupRows(tracks, tracks.frames);
  const lastTracks = new Map<number, number>();
  const faces = new Map<number, { truth: number[]; track: number[] }>();
  const match = createMatcher();
  for (const frame of [...truthFrames.keys()].sort((a, b) => a - b)) {
    const truthRows = truthFrames.get(frame)!;
    const trackRows = trackFrames.get(frame) ?? [];
    const row: number[] = [];
    const column: number[] = [];
    const gain: number[] = [];
    visitOverlaps(rowsOf(truth.boxes, truthRows), rowsOf(tracks.boxes, trackRows), (i, j, iou) => {
      if (iou < MINIMUM_OVERLAP) return;
      row.push(i);
      column.push(j);
      gain.push(iou + (lastTracks.get(truth.ids[truthRows[i]!]!) === tracks.ids[trackRows[j]!] ? CONTINUITY : 0));
    });
    const rowToColumn = match(truthRows.length, trackRows.length, { row, column, gain, count: gain.length });
    truthRows.forEach((truthRow, i) => {
      const trackRow = rowToColumn[i]! >= 0 ? trackRows[rowToColumn[i]!]! : -1;
      const id = truth.ids[truthRow]!;
      if (trackRow >= 0) lastTracks.set(id, tracks.ids[trackRow]!);
      let face = faces.get(id);
      if (!face) faces.set(id, (face = { truth: [], track: [] }));
      face.truth.push(truthRow);
      face.track.push(trackRow);
    });
  }
  return Array.from(faces.values(), (face) => ({
    truth: Int32Array.from(face.truth),
    track: Int32Array.from(face.track),
  }));
}
