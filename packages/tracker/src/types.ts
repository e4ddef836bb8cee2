/** A rectangle in pixels, floating point; `x, y` is the upper left corner, as in DOMRect. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The least a detection must have. Landmarks, embeddings and whatever else ride along on the caller's own object. */
export interface Detection {
  readonly box: Readonly<Box>;
  /** Confidence in [0, 1]. */
  readonly score: number;
}

/**
 * - `tentative`: begun with this frame's detection, confirmed by a second one in the next frame, else forgotten. Not yet worth showing.
 * - `tracked`: confirmed, and found in the latest frame.
 * - `lost`: confirmed, not found in the latest frame; its box is a prediction. It takes up its identity where it is found again in time.
 */
export type TrackState = 'tentative' | 'tracked' | 'lost';

/** One identity at one moment. A value: later frames make new ones and leave this alone. */
export interface Track<D extends Detection = Detection> {
  /** From 1, never given twice before `reset()`. */
  readonly id: number;
  /** The filtered state (after a detection) or the predicted one (without), pixels. It may reach over the picture's edges. */
  readonly box: Box;
  /** The score of the last detection, in [0, 1]. */
  readonly score: number;
  readonly state: TrackState;
  /** The caller's own object that this track matched in this frame, or null. */
  readonly detection: D | null;
  /** Its index in the array given to `update`, or -1. */
  readonly detectionIndex: number;
  /** When the track's first detection was seen, seconds. */
  readonly startTime: number;
  /** When its last detection was seen, seconds. */
  readonly lastSeen: number;
  /** Number of detections so far, from 1. */
  readonly hits: number;
  /**
   * How far the last detection was from where it was expected: √(Δx² + Δy² + Δheight²) between their centres and heights, in heights of
   * the expected box; 0 for a new track. Large values say that prediction alone no longer holds and that it is time to look again.
   */
  readonly innovation: number;
}

/** How the camera moved since the last update: `[a, b, tx, c, d, ty]` takes a point of the last frame to `(a·x + b·y + tx, c·x + d·y + ty)` in this one. */
export type CameraMotion = readonly [a: number, b: number, tx: number, c: number, d: number, ty: number];

/** What may come with a frame's detections. */
export interface UpdateOptions {
  /** Moves all predictions with the camera before they are compared with the detections. */
  motion?: CameraMotion;
}

/**
 * Thresholds that belong together:
 * `conservative` starts and keeps fewer tracks (fewer false ones), `aggressive` more (fewer missed ones), `balanced` is the default.
 */
export type Preset = 'conservative' | 'balanced' | 'aggressive';

/** Options of `createTracker`. Each stands alone; what isn't given comes from the preset. */
export interface TrackerOptions<D extends Detection = Detection> {
  /** Default `balanced`. Its numbers stand in `PRESETS`. */
  preset?: Preset;
  /** Detections from this score on are compared first, with all tracks. Default .5, in [0, 1]. */
  scoreThreshold?: number;
  /** Detections from this score up to `scoreThreshold` may only continue tracks that no better one continues. Default .1, in [0, 1]. */
  lowScoreThreshold?: number;
  /** An unmatched detection from this score on starts a track. Default `scoreThreshold` + .1. */
  newTrackThreshold?: number;
  /**
   * The first comparison pairs a track and a detection only where 1 − IoU · score is below this, in (0, 1]. Default .8.
   * After a gap of n > 1 thirtieths of a second the similarity asked for, 1 − this, is divided by n^1.5 for boxes of about one size (not in `compat`).
   */
  matchThreshold?: number;
  /** How long a lost track waits to be found again, seconds. Default 1. */
  maxLostSeconds?: number;
  /** Updates a second where no timestamps are given. Default 30. */
  frameRate?: number;
  /**
   * The original ByteTrack, row for row: every update is one step of its clock, unconfirmed tracks are not predicted, IoU counts one pixel
   * more on each side, a score equal to `scoreThreshold` belongs to neither band, and a removed track gets one more frame. Default false.
   */
  compat?: boolean;
  /**
   * How alike a track and a detection look, in [0, 1], e.g. from face embeddings that the caller keeps for each `track.id`. It makes up half of
   * the similarity in comparisons of high scores, where IoU · score is the other half, and lets a face be found again where boxes no longer
   * overlap (within three standard deviations of the prediction). Called once for each pair that is near enough.
   */
  affinity?: (track: Track<D>, detection: D) => number;
}

/** The state of a tracker as plain data; `JSON.parse(JSON.stringify(s))` is as good as `s`. */
export interface TrackerSnapshot {
  readonly version: 1;
  /** Seconds of the last update, or null before the first. */
  readonly time: number | null;
  /** Updates since the start or the last cut. */
  readonly frame: number;
  readonly nextId: number;
  readonly tracks: readonly TrackSnapshot[];
}

/** One track of a `TrackerSnapshot`. */
export interface TrackSnapshot {
  readonly id: number;
  readonly state: TrackState;
  readonly score: number;
  readonly startTime: number;
  readonly lastSeen: number;
  readonly startFrame: number;
  readonly lastFrame: number;
  readonly hits: number;
  readonly innovation: number;
  /** Only in `compat`: the original's list of removed tracks has it. */
  readonly removed?: true;
  /** Centre x, y, aspect, height, and their velocities a step. */
  readonly mean: readonly number[];
  /** For each of the four: variance, covariance with its velocity, variance of the velocity. */
  readonly covariance: readonly number[];
}

/** Follows identities through frames of detections. */
export interface Tracker<D extends Detection = Detection> {
  /**
   * Takes one frame's detections, in any order, and gives every live track: first those with a detection, in the order of their detections, then
   * those without, oldest first. A detection whose index no track carries was too weak to start a track, had no area, or (in `compat`) was dropped as a duplicate.
   * An empty array is a frame in which nothing was found; don't call it for a frame that nobody looked at (see `predict`).
   *
   * @param timestamp seconds, later than the last update's; by default 1 / `frameRate` after it (0 for the first)
   * @throws FaceDetError `INVALID_DETECTION` for a box or score that isn't finite or a score outside [0, 1], `TIME_NOT_RISING` for a timestamp that isn't later,
   * `INVALID_ARGUMENT` for a motion that isn't an affine, `TOO_DENSE` where millions of pairs overlap; the tracker then stays as it was
   */
  update(detections: readonly D[], timestamp?: number, options?: UpdateOptions): Track<D>[];
  /**
   * Where every live track is expected at a time not before the last update: for frames between those that a detector looks at. Changes nothing, so that the
   * order and number of such questions don't matter.
   *
   * @throws FaceDetError `TIME_NOT_RISING` for a timestamp before the last update
   */
  predict(timestamp: number): Track<D>[];
  /** A shot cut: all tracks end, none is found again; identities and time go on, and the next frame confirms its tracks at once, as the first does. */
  cut(): void;
  /** Back to the beginning: no tracks, no time, identities from 1. */
  reset(): void;
  /** The state, for `restore` in a tracker with the same options: both then give the same tracks for the same frames. */
  snapshot(): TrackerSnapshot;
  /** @throws FaceDetError `INVALID_SNAPSHOT` for what no `snapshot()` gave; the tracker then stays as it was */
  restore(snapshot: TrackerSnapshot): void;
  /** What the last `update` gave; after `restore` the same without detections. */
  readonly tracks: readonly Track<D>[];
  /** The lowest score that `update` makes use of: what a detector in front of the tracker should be asked for. */
  readonly lowScoreThreshold?: number;
}
