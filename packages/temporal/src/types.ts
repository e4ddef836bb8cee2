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

/** What is smoothed: one identity at one moment. Whatever else the object carries comes along unchanged. */
export interface SmoothInput {
  /** The identity; its state is kept as long as it comes back in time. */
  readonly id: number;
  readonly box: Readonly<Box>;
  /** Confidence in [0, 1]. */
  readonly score: number;
  readonly landmarks?: readonly Readonly<Point>[];
}

/** Steadies boxes, landmarks and scores over time, each identity for itself. */
export interface Smoother {
  /** New objects of the caller's own type, in the same order, with `box`, `landmarks` and `score` smoothed. `timestamp` in seconds, rising. */
  smooth<T extends SmoothInput>(faces: readonly T[], timestamp: number): T[];
  /** Forgets one identity, or all. */
  reset(id?: number): void;
  /** The state as plain data (JSON), for `restore` in a smoother with the same options. */
  snapshot(): SmootherSnapshot;
  restore(snapshot: SmootherSnapshot): void;
}

/** The state of a smoother as plain data. */
export interface SmootherSnapshot {
  readonly version: 1;
  readonly time: number | null;
  readonly faces: readonly unknown[];
}
