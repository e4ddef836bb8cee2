import type { TrackSeries } from './track-series.ts';

/**
 * How much a box jitters: root mean squares, scaled such that independent noise of standard deviation σ on every frame
 * gives σ; null where there are too few frames.
 */
export interface Jitter {
  /** Of the center, in pixels (both axes together). */
  readonly centerPx: number | null;
  /** Of the center, as a fraction of the face's size √(width · height). */
  readonly center: number | null;
  /** Of the size √(width · height), in pixels. */
  readonly sizePx: number | null;
  /** Of the size, as a fraction of the size. */
  readonly size: number | null;
}

/** A running mean of squares. */
export class MeanSquare {
  #sum = 0;
  #count = 0;

  add(square: number): void {
    this.#sum += square;
    this.#count++;
  }

  /** The mean; null while nothing was added. */
  get mean(): number | null {
    return this.#count ? this.#sum / this.#count : null;
  }

  /** Root of the mean; null while nothing was added. */
  get root(): number | null {
    return this.#count ? Math.sqrt(this.#sum / this.#count) : null;
  }
}

/** Running jitter. */
export class JitterSum {
  readonly #centerPx = new MeanSquare();
  readonly #center = new MeanSquare();
  readonly #sizePx = new MeanSquare();
  readonly #size = new MeanSquare();

  /** Adds squared deviations of center and size in pixels, for a face of `faceSize` pixels. */
  add(center: number, size: number, faceSize: number): void {
    this.#centerPx.add(center);
    this.#sizePx.add(size);
    if (!(faceSize > 0)) return;
    this.#center.add(center / faceSize ** 2);
    this.#size.add(size / faceSize ** 2);
  }

  get value(): Jitter {
    return {
      centerPx: this.#centerPx.root,
      center: this.#center.root,
      sizePx: this.#sizePx.root,
      size: this.#size.root,
    };
  }
}

/**
 * Jitter without ground truth: the distance of each box from the interpolation of its two neighbors in time. Uniform
 * motion adds none; independent noise adds its own variance times 1 + (1 − w)² + w², with w the weight of the later
 * neighbor, which is divided out.
 */
export function jitterOf(all: readonly TrackSeries[]): Jitter {
  const sum = new JitterSum();
  for (const { frames, times, x, y, size } of all) {
    for (let k = 1; k + 1 < frames.length; k++) {
      if (frames[k + 1]! - frames[k - 1]! !== 2) continue;
      const w = (times[k]! - times[k - 1]!) / (times[k + 1]! - times[k - 1]!);
      const variance = 1 + (1 - w) ** 2 + w ** 2;
      const residual = (values: Float64Array): number => values[k]! - (1 - w) * values[k - 1]! - w * values[k + 1]!;
      sum.add((residual(x) ** 2 + residual(y) ** 2) / variance, residual(size) ** 2 / variance, size[k]!);
    }
  }
  return sum.value;
}

/**
 * Mean square of the center's acceleration in (face sizes / s²)², over three consecutive frames; null where there are
 * none.
 */
export function accelerationEnergy(all: readonly TrackSeries[]): number | null {
  const sum = new MeanSquare();
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
  return sum.mean;
}
