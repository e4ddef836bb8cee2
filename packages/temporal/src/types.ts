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
 * The least that can be steadied: something with an identity. Whatever else the caller's object carries comes back with
 * it.
 */
export interface Identified {
  /** The identity, the same number in every frame. */
  readonly id: number;
  readonly box: Readonly<Box>;
  /** Confidence; its range is kept. */
  readonly score: number;
  /** Any number of points that move with the box. */
  readonly landmarks?: readonly Readonly<Point>[];
}

/** Options of `createSmoother`. What is not given, or `undefined`, has its default. */
export interface SmootherOptions {
  /** `adaptive-ema` (default), or `one-euro` (Casiez et al., CHI 2012). */
  filter?: 'adaptive-ema' | 'one-euro';
  /**
   * Adaptive EMA: the share of a new position that is taken over in 1/30 s while a face keeps still, in (0, 1].
   * Higher lags less at the start of a motion; lets more jitter through. Default 0.3.
   */
  stillAlpha?: number;
  /**
   * Adaptive EMA: the same while a face moves fast, in [`stillAlpha`, 1]. Higher lags less; lets more jitter through.
   * Default 0.9.
   */
  fastAlpha?: number;
  /**
   * One Euro: cutoff frequency while a face keeps still, Hz, above 0. Higher lags less; lets more jitter through.
   * Default 1.5.
   */
  minCutoff?: number;
  /**
   * One Euro: how much the cutoff rises, Hz, for each side of the face that it moves in a second, from 0. Higher lags
   * less behind moving faces; lets more of their jitter through. Default 4.
   */
  beta?: number;
  /**
   * The share of a score that stays after 1/30 s, in [0, 1). Higher keeps scores steadier; follows changes later.
   * Default 0.7.
   */
  scoreMomentum?: number;
  /**
   * After an absence longer than this, seconds, from 0, an identity starts over and its old state is forgotten. Higher
   * smooths over longer gaps; lets a face that comes back elsewhere glide there. Default 0.5.
   */
  resetAfterSeconds?: number;
}

/** The state of a smoother as plain data; `JSON.parse(JSON.stringify(s))` is as good as `s`. */
export interface SmootherSnapshot {
  readonly version: 1;
  /** Seconds of the last frame, or null before the first. */
  readonly time: number | null;
  readonly identities: readonly IdentitySnapshot[];
}

/** One identity of a `SmootherSnapshot`. */
export interface IdentitySnapshot {
  readonly id: number;
  /** Seconds. */
  readonly lastSeen: number;
  readonly score: number;
  /** Centre x and y, then the landmarks' x and y. */
  readonly position: FilterState;
  /** Width and height. */
  readonly size: FilterState;
}

/** What a filter remembers of some numbers that move together. */
export interface FilterState {
  /** The steadied numbers. */
  values: number[];
  /**
   * Adaptive EMA: the usual residual of the first two; One Euro: the velocity of each a second. In sides of the face.
   */
  motion: number[];
  /** Adaptive EMA: the usual distance of a residual from `motion`; One Euro: unused. */
  noise: number;
}

/** Steadies boxes and landmarks of identities over time. */
export interface Smoother {
  /**
   * One frame's faces in, the same objects' copies out in the same order, with `box`, `score` and `landmarks` steadied.
   * An identity's first frame comes out as it went in. An identity may be absent for a while; after `resetAfterSeconds`
   * it starts over.
   *
   * @param timestamp seconds, later than the last frame's
   * @throws FaceDetError `TIME_NOT_RISING` for a timestamp that isn't later, `INVALID_ARGUMENT` for what is no array of
   * faces, a number that isn't finite (or beyond 1e9 pixels) or an identity twice; the state is unchanged then
   */
  smooth<T extends Identified>(faces: readonly T[], timestamp: number): T[];
  /** Forgets one identity now, e.g. when its track ended. Unknown ones are no error. */
  drop(id: number): void;
  /** Forgets all and the time as well, e.g. at a shot cut. */
  reset(): void;
  /** The state, for `restore` in a smoother with the same options. */
  snapshot(): SmootherSnapshot;
  /** @throws FaceDetError `INVALID_SNAPSHOT` for what no `snapshot()` gave */
  restore(snapshot: SmootherSnapshot): void;
  /** Number of identities remembered. */
  readonly size: number;
}
