import type { TrackRows } from '../mot/rows.ts';

/** One identity over time. */
export interface Series {
  readonly id: number;
  /** Frames in which it is seen, from 1, rising. */
  readonly frames: Int32Array;
  readonly times: Float64Array;
  /** Centre in pixels. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** √(width · height) in pixels. */
  readonly size: Float64Array;
}

/** The identities of some rows, each in order of time. Rows with score 0 don't count (ground truth marks them so). */
export function seriesOf(rows: TrackRows, times: Float64Array): Series[] {
  const byId = new Map<number, number[]>();
  rows.ids.forEach((id, row) => {
    if (rows.scores[row] === 0) return;
    const list = byId.get(id);
    if (list) list.push(row);
    else byId.set(id, [row]);
  });
  return [...byId].map(([id, list]) => {
    list.sort((a, b) => rows.frames[a]! - rows.frames[b]!);
    const box = (row: number, k: number): number => rows.boxes[4 * row + k]!;
    const column = (value: (row: number) => number): Float64Array => Float64Array.from(list, value);
    return {
      id,
      frames: Int32Array.from(list, (row) => rows.frames[row]!),
      times: column((row) => times[rows.frames[row]! - 1]!),
      x: column((row) => box(row, 0) + box(row, 2) / 2),
      y: column((row) => box(row, 1) + box(row, 3) / 2),
      size: column((row) => Math.sqrt(Math.max(0, box(row, 2) * box(row, 3)))),
    };
  });
}

/** Root of a mean of squares that is added up piece by piece; null while it is empty. */
export function rootMeanSquare() {
  let sum = 0;
  let count = 0;
  return {
    add(square: number): void {
      sum += square;
      count++;
    },
    get value(): number | null {
      return count ? Math.sqrt(sum / count) : null;
    },
    get square(): number | null {
      return count ? sum / count : null;
    },
  };
}

/**
 * How much a box trembles: root mean squares, scaled such that independent noise of standard deviation σ on every frame
 * gives σ.
 */
export interface Jitter {
  /** Of the centre, in pixels (both axes together). */
  readonly centerPx: number | null;
  /** Of the centre, as a part of the face's size √(width · height). */
  readonly center: number | null;
  /** Of the size √(width · height), in pixels. */
  readonly sizePx: number | null;
  /** Of the size, as a part of the size. */
  readonly size: number | null;
}

/**
 * Jitter without truth: how far each box is from where its two neighbours in time lead to expect it. Steady motion does
 * not count;
 * independent noise does, with a variance of 1 + (1 − w)² + w² times its own, w the share of the later neighbour.
 */
export function ownJitter(all: readonly Series[]): Jitter {
  const sums = {
    centerPx: rootMeanSquare(),
    center: rootMeanSquare(),
    sizePx: rootMeanSquare(),
    size: rootMeanSquare(),
  };
  for (const { frames, times, x, y, size } of all) {
    for (let k = 1; k + 1 < frames.length; k++) {
      if (frames[k + 1]! - frames[k - 1]! !== 2) continue;
      const w = (times[k]! - times[k - 1]!) / (times[k + 1]! - times[k - 1]!);
      const variance = 1 + (1 - w) ** 2 + w ** 2;
      const residual = (values: Float64Array): number => values[k]! - (1 - w) * values[k - 1]! - w * values[k + 1]!;
      const center = (residual(x) ** 2 + residual(y) ** 2) / variance;
      const change = residual(size) ** 2 / variance;
      sums.centerPx.add(center);
      sums.sizePx.add(change);
      if (!(size[k]! > 0)) continue;
      sums.center.add(center / size[k]! ** 2);
      sums.size.add(change / size[k]! ** 2);
    }
  }
  return { centerPx: sums.centerPx.value, center: sums.center.value, sizePx: sums.sizePx.value, size: sums.size.value };
}

/**
 * Mean square of the centre's acceleration in face sizes per second², over three frames in a row; null where there are
 * none.
 */
export function accelerationEnergy(all: readonly Series[]): number | null {
  const sum = rootMeanSquare();
  for (const { frames, times, x, y, size } of all) {
    for (let k = 1; k + 1 < frames.length; k++) {
      if (frames[k + 1]! - frames[k - 1]! !== 2 || !(size[k]! > 0)) continue;
      const before = times[k]! - times[k - 1]!;
      const after = times[k + 1]! - times[k]!;
      const acceleration = (values: Float64Array): number =>
        (2 * ((values[k + 1]! - values[k]!) / after - (values[k]! - values[k - 1]!) / before)) / (before + after);
      sum.add((acceleration(x) ** 2 + acceleration(y) ** 2) / size[k]! ** 2);
    }
  }
  return sum.square;
}
