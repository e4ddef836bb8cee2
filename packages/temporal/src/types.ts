/** A point in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** A rectangle in pixels, floating point; `x, y` is the upper left corner, as in DOMRect. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * What the smoother needs of a face: the fields `id`, `box`, `score` and `landmarks` of a `Track` of @facedet/tracker.
 * Other fields are copied to the result.
 */
export interface TrackedFace {
  /** The track ID, the same number in every frame. */
  readonly id: number;
  readonly box: Readonly<Box>;
  /** Confidence, in any range. */
  readonly score: number;
  /** Any number of points that move with the box, pixels. */
  readonly landmarks?: readonly Readonly<Point>[];
}

/** Options of `createSmoother`. An option that is not given, or undefined, has its default. */
export interface SmootherOptions {
  /** `adaptive-ema` (default), or `one-euro` (Casiez et al., CHI 2012). */
  filter?: 'adaptive-ema' | 'one-euro';
  /**
   * Adaptive EMA: the weight of a new position per 1/30 s while a face does not move, in (0, 1]. Higher lags less at
   * the start of a motion; lets more jitter through. Default 0.3.
   */
  stillAlpha?: number;
  /**
   * Adaptive EMA: the same while a face moves fast, in [`stillAlpha`, 1]. Higher lags less; lets more jitter through.
   * Default 0.9.
   */
  fastAlpha?: number;
  /**
   * One Euro: the cutoff frequency while a face does not move, Hz, above 0. Higher lags less; lets more jitter through.
   * Default 1.5.
   */
  minCutoff?: number;
  /**
   * One Euro: how much the cutoff rises with the speed, in Hz per side of the face and second, from 0. Higher lags less
   * behind moving faces; lets more of their jitter through. Default 4.
   */
  beta?: number;
  /**
   * The weight of the old score after 1/30 s, in [0, 1). Higher keeps scores more stable; follows changes later.
   * Default 0.7.
   */
  scoreMomentum?: number;
  /**
   * After an absence longer than this, in seconds from 0, a track starts over without its old state. Higher smooths
   * over longer gaps; lets a face that comes back elsewhere glide there. Default 0.5.
   */
  resetAfterSeconds?: number;
}

/** The state of a smoother as plain data, which JSON preserves. */
export interface SmootherSnapshot {
  readonly version: 1;
  /** Time of the last frame, seconds; null before the first. */
  readonly time: number | null;
  readonly tracks: readonly SmoothedTrackSnapshot[];
}

/** One track of a `SmootherSnapshot`. */
export interface SmoothedTrackSnapshot {
  /** The track ID. */
  readonly id: number;
  /** Seconds. */
  readonly lastSeen: number;
  readonly score: number;
  /** Center x and y, then the landmarks' x and y. */
  readonly position: FilterState;
  /** Width and height. */
  readonly size: FilterState;
}

/** The state of a filter for some numbers that move together. */
export interface FilterState {
  /** The smoothed numbers. */
  values: number[];
  /**
   * Of the first two numbers, in sides of the face. Adaptive EMA: their mean residual per 1/30 s; One Euro: their
   * velocity per second.
   */
  motion: number[];
  /** Adaptive EMA: the mean distance of a residual from `motion`; One Euro: unused. */
  noise: number;
}

/** Smooths boxes, landmarks and scores of tracks over time. */
export interface Smoother {
  /**
   * Smooths one frame's faces: returns copies in input order, with smoothed `box`, `score` and `landmarks`.
   *
   * The first frame of a track is returned unchanged. A track may be absent for some frames; after `resetAfterSeconds`
   * it starts over.
   *
   * @param timestamp seconds, later than the last frame's
   * @throws FaceDetError `TIMESTAMP_NOT_INCREASING` for a timestamp that is not later; `INVALID_ARGUMENT` for faces
   * that are not an array, a number that is not finite or is beyond 1e9 pixels, or an ID twice. The state is unchanged
   * then
   */
  smooth<T extends TrackedFace>(faces: readonly T[], timestamp: number): T[];
  /** Forgets one track now, e.g. because it ended. Unknown IDs are not an error. */
  drop(id: number): void;
  /** Forgets all tracks and the time, e.g. at a shot cut. */
  reset(): void;
  /** Returns the state, for `restore` in a smoother with the same options. */
  snapshot(): SmootherSnapshot;
  /**
   * Continues from a state of `snapshot`.
   *
   * @throws FaceDetError `INVALID_SNAPSHOT` for anything that is not a smoother's snapshot; the state is unchanged then
   */
  restore(snapshot: SmootherSnapshot): void;
  /** Number of tracks in memory. */
  readonly size: number;
}
