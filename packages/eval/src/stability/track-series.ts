import type { TrackRows } from '../mot/track-rows.ts';

/** One track over time. */
export interface TrackSeries {
  readonly id: number;
  /** Frames in which the track has a box, from 1, ascending. */
  readonly frames: Int32Array;
  /** Seconds. */
  readonly times: Float64Array;
  /** Center in pixels. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** √(width · height) in pixels. */
  readonly size: Float64Array;
}

/**
 * Splits rows by track ID, each track in order of time.
 *
 * @param times seconds of each frame. Rows with score 0 are ignored (ground truth marks ignored rows so).
 */
export function seriesOf(rows: TrackRows, times: Float64Array): TrackSeries[] {
  const byId = new Map<number, number[]>();
  rows.ids.forEach((id, row) => {
    if (rows.scores[row] === 0) return;
    const list = byId.get(id);
    if (list) list.push(row);
    else byId.set(id, [row]);
  });
  return [...byId].map(([id, list]) => {
    list.sort((a, b) => rows.frames[a]! - rows.frames[b]!);
    const side = (row: number, k: number): number => rows.boxes[4 * row + k]!;
    const column = (value: (row: number) => number): Float64Array => Float64Array.from(list, value);
    return {
      id,
      frames: Int32Array.from(list, (row) => rows.frames[row]!),
      times: column((row) => times[rows.frames[row]! - 1]!),
      x: column((row) => side(row, 0) + side(row, 2) / 2),
      y: column((row) => side(row, 1) + side(row, 3) / 2),
      size: column((row) => Math.sqrt(Math.max(0, side(row, 2) * side(row, 3)))),
    };
  });
}
