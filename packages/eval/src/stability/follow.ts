import { assign } from '@facedet/tracker';
import { overlaps } from '../mot/overlaps.ts';
import type { TrackRows } from '../mot/rows.ts';

/** Which track is on which true face, frame by frame. */
export interface Coverage {
  /** For each true identity, its rows in order of time and the row of the track on it, or −1. */
  readonly faces: readonly { readonly id: number; readonly truth: Int32Array; readonly track: Int32Array }[];
}

const minimumOverlap = 0.5;
const continuity = 1000;

/** Matches tracks to true faces at IoU .5 for the most overlap, a match of the frame before first (as CLEAR does). Truth with score 0 does not count. */
export function coverage(truth: TrackRows, tracks: TrackRows): Coverage {
  const truthFrames = rowsByFrame(truth);
  const trackFrames = rowsByFrame(tracks);
  const last = new Map<number, number>();
  const faces = new Map<number, { truth: number[]; track: number[] }>();
  for (const frame of [...truthFrames.keys()].sort((a, b) => a - b)) {
    const truthRows = truthFrames.get(frame)!;
    const trackRows = trackFrames.get(frame) ?? [];
    const cols = trackRows.length;
    const cost = overlaps(boxesOf(truth, truthRows), boxesOf(tracks, trackRows)).map((overlap, k) => {
      if (overlap < minimumOverlap) return 0;
      const isKept = last.get(truth.ids[truthRows[Math.floor(k / cols)]!]!) === tracks.ids[trackRows[k % cols]!];
      return -overlap - (isKept ? continuity : 0);
    });
    const { rowToCol } = assign(cost, truthRows.length, cols);
    truthRows.forEach((row, i) => {
      const col = rowToCol[i]!;
      const match = col >= 0 && cost[i * cols + col]! < 0 ? trackRows[col]! : -1;
      const id = truth.ids[row]!;
      if (match >= 0) last.set(id, tracks.ids[match]!);
      let face = faces.get(id);
      if (!face) faces.set(id, (face = { truth: [], track: [] }));
      face.truth.push(row);
      face.track.push(match);
    });
  }
  return { faces: [...faces].map(([id, face]) => ({ id, truth: Int32Array.from(face.truth), track: Int32Array.from(face.track) })) };
}

function rowsByFrame(rows: TrackRows): Map<number, number[]> {
  const frames = new Map<number, number[]>();
  rows.frames.forEach((frame, row) => {
    if (rows.scores[row] === 0) return;
    const list = frames.get(frame);
    if (list) list.push(row);
    else frames.set(frame, [row]);
  });
  return frames;
}

function boxesOf(rows: TrackRows, indices: readonly number[]): Float64Array {
  const boxes = new Float64Array(4 * indices.length);
  indices.forEach((row, i) => boxes.set(rows.boxes.subarray(4 * row, 4 * row + 4), 4 * i));
  return boxes;
}
