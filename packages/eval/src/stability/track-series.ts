import { groupRows, type TrackRows } from '../mot/track-rows.ts';

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

/** Center and size √(width · height) of a row's box, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** Center and size of a row's box; a negative area has size 0. */
export function placeOf({ boxes }: TrackRows, row: number): Place {
  const [x = 0, y = 0, width = 0, height = 0] = boxes.subarray(4 * row, 4 * row + 4);
  return { x: x + width / 2, y: y + height / 2, size: Math.sqrt(Math.max(0, width * height)) };
}

/**
 * Splits rows by track ID, each track in order of time.
 *
 * @param times seconds of each frame. Rows with score 0 are ignored (ground truth marks ignored rows so).
 */
export function seriesOf(rows: TrackRows, times: Float64Array): TrackSeries[] {
  return [...groupRows(rows, rows.ids)].map(([id, list]) => {
    list.sort((a, b) => rows.frames[a]! - rows.frames[b]!);
    const places = list.map((row) => placeOf(rows, row));
    return {
      id,
      frames: Int32Array.from(list, (row) => rows.frames[row]!),
      times: Float64Array.from(list, (row) => times[rows.frames[row]! - 1]!),
      x: Float64Array.from(places, ({ x }) => x),
      y: Float64Array.from(places, ({ y }) => y),
      size: Float64Array.from(places, ({ size }) => size),
    };
  });
}
