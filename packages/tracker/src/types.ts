/** A rectangle in pixels, floating point; `x, y` is the upper left corner, as in DOMRect. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A point in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** What a detection must have; everything else stays on the caller's own object. */
export interface Detection {
  /**
   * In pixels, finite, within ±1e9; a box without area joins no track. `fromXyxy`, `fromXywh` and `fromMot` convert
   * boxes of other forms.
   */
  readonly box: Readonly<Box>;
  /** Confidence in [0, 1]. */
  readonly score: number;
  /** Points in pixels, finite, within ±1e9, which the track carries on. Any number of them; often absent. */
  readonly landmarks?: readonly Readonly<Point>[];
}

/**
 * The state of a track.
 *
 * - `tentative`: started by a detection of this frame. It is confirmed by a second detection in the next frame and ends
 *   without one. Not yet worth showing.
 * - `tracked`: confirmed, and detected in the latest frame.
 * - `lost`: confirmed, not detected in the latest frame; its box is a prediction. It keeps its ID if it is found again
 *   in time.
 */
export type TrackState = 'tentative' | 'tracked' | 'lost';

/** One track at one time: a value that later frames do not change. */
export interface Track<D extends Detection = Detection> {
  /** The track ID, from 1; never used again before `reset()`. */
  readonly id: number;
  /** The filtered box (with a detection) or the predicted one (without), pixels. It may extend beyond the image. */
  readonly box: Box;
  /** The score of the last detection, in [0, 1]. */
  readonly score: number;
  /**
   * The landmarks of the last detection that had any, pixels: as detected in that frame, afterwards moved and scaled
   * with the box. Absent before the first.
   */
  readonly landmarks?: PointsOf<NonNullable<D['landmarks']>>;
  readonly state: TrackState;
  /** The caller's own detection object that this track matched in this frame, or null. */
  readonly detection: D | null;
  /** Its index in the array given to `update`, or -1. */
  readonly detectionIndex: number;
  /** Time of the track's first detection, seconds. */
  readonly startTime: number;
  /** Time of its last detection, seconds. */
  readonly lastSeen: number;
  /** Number of detections so far, from 1. */
  readonly hits: number;
  /**
   * How far the last detection was from its prediction: √(Δx² + Δy² + Δheight²) between their centers and heights, as a
   * fraction of the predicted height; 0 for a new track. A large value says that predictions are no longer reliable and
   * that the detector should run again soon.
   */
  readonly innovation: number;
}

/** As many points as the detection's type declares. */
type PointsOf<L> = { [K in keyof L]: Point };

/**
 * The camera motion since the last update, as an affine `[a, b, tx, c, d, ty]`: a point x, y of the last frame is at
 * a·x + b·y + tx, c·x + d·y + ty in this one.
 */
export type CameraMotion = readonly [a: number, b: number, tx: number, c: number, d: number, ty: number];

/** Options of `update`. Unknown names are an error. */
export interface UpdateOptions {
  /**
   * Moves all predictions with the camera before they are matched with the detections. Numbers within ±1e9; |a·d −
   * b·c|, the factor of all areas, from 1e-6 to 1e6. Default: a camera that does not move.
   */
  motion?: CameraMotion;
}

/**
 * A set of thresholds: `conservative` starts and keeps fewer tracks (fewer false ones), `aggressive` more (fewer missed
 * ones), `balanced` is the default.
 */
export type TrackerPreset = 'conservative' | 'balanced' | 'aggressive';

/**
 * Options of `createTracker`.
 *
 * An option that is not given, or undefined, has the value of the preset, adapted to the thresholds that are given.
 * Options that contradict each other, and unknown names, are errors. In parentheses: the names in the original
 * ByteTrack.
 */
export interface TrackerOptions<D extends Detection = Detection> {
  /** Default `balanced`. `PRESETS` has the values of each. */
  preset?: TrackerPreset;
  /**
   * The high-score threshold (`track_thresh`): detections with this score and above are matched with all tracks in the
   * first stage. Default 0.5, in [0, 1], in `compat` below 1. Higher keeps false detections out of the tracks; may lose
   * faces that are turned away or blurred.
   */
  highScoreThreshold?: number;
  /**
   * The low-score threshold (0.1 in the original): a detection between this and `highScoreThreshold` may only continue
   * a track that no high-score detection continues. Default 0.1, or `highScoreThreshold` where that is lower; in [0,
   * `highScoreThreshold`]. Higher uses fewer weak detections; tracks are lost more often.
   */
  lowScoreThreshold?: number;
  /**
   * The score with which an unmatched detection starts a track (`det_thresh`). In [`highScoreThreshold`, 1]. Default
   * `highScoreThreshold` + 0.1 (`aggressive`: + 0.05), but at most halfway from `highScoreThreshold` to 1 (in `compat`:
   * at most 1), so that a score can reach it. Higher starts fewer false tracks; faces are tracked later.
   */
  newTrackThreshold?: number;
  /**
   * The first stage matches a track and a detection only where 1 − IoU · score is below this (`match_thresh`). In (0,
   * 1]. Default 0.8. Higher accepts less overlap, for faces that move fast; may swap IDs in crowds.
   *
   * A detection whose score is at most 1 − this matches nothing in that stage. After a gap of n > 1 thirtieths of a
   * second, the required similarity, 1 − this, is divided by n^1.5 (n at most 30) for boxes of about one size (not in
   * `compat`).
   */
  matchThreshold?: number;
  /**
   * A track ends when it has had no detection for longer than this, in seconds from 0, however long the gap between two
   * updates (`track_buffer`, in frames at 30 fps). Default 1. Higher keeps lost tracks longer; may give an ID to
   * another person. A track with a detection in the last update lives for at least 1.5 / `frameRate`.
   */
  maxLostSeconds?: number;
  /**
   * Updates per second, above 0. Default 30. Used where no timestamps are given, and for the minimum life of a track:
   * with timestamps, it is needed only where updates are farther apart than `maxLostSeconds`. Higher takes the time
   * between two updates to be shorter; without timestamps, lost tracks then last for more updates.
   */
  frameRate?: number;
  /**
   * Reproduces the original ByteTrack row for row: every update is one step of its clock, unconfirmed tracks are not
   * predicted, IoU adds one pixel to each side, a score equal to `highScoreThreshold` is in neither band, and a removed
   * track can be found for one more frame. Default false.
   */
  compat?: boolean;
  /**
   * Returns how similar a track and a detection look, in [0, 1], e.g. (1 + cosine) / 2 of face embeddings that the
   * caller keeps for each `track.id`. Called once for each pair that may match.
   *
   * It makes up half of the similarity of high-score pairs; IoU · score is the other half. From `minAffinity` up, it
   * also lets a face be found again where boxes no longer overlap enough (within three standard deviations of the
   * prediction, boxes of about one size).
   */
  affinity?: (track: Track<D>, detection: D) => number;
  /**
   * The lowest affinity that replaces missing overlap, in [0, 1]; needs `affinity`. Default 0.7: a cosine of 0.4, above
   * that of strangers (about 0, rarely 0.3). Higher finds fewer faces again; lower may give an ID to another person.
   * Where `affinity` returns the cosine itself, 0.4 is equivalent.
   */
  minAffinity?: number;
}

/** The state of a tracker as plain data, which JSON preserves. */
export interface TrackerSnapshot {
  readonly version: 1;
  /** Time of the last update, seconds; null before the first. */
  readonly time: number | null;
  /** Number of updates since the start or the last shot cut. */
  readonly frame: number;
  /** The ID of the next track that starts. */
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
  /** Only in `compat`: the track has been removed before. */
  readonly removed?: true;
  /** Center x and y, aspect ratio, height, and their velocities per 1/30 s. */
  readonly mean: readonly number[];
  /** For each of the four: variance, covariance with its velocity, variance of the velocity. */
  readonly covariance: readonly number[];
  /** x and y of each landmark, as fractions of the box's width and height from its upper left corner. */
  readonly landmarks?: readonly number[];
}

/** Tracks detections from frame to frame. */
export interface Tracker<D extends Detection = Detection> {
  /**
   * Takes one frame's detections, in any order, and returns the active tracks: those with a detection in this frame, in
   * the order of the detections. `lost` has the others.
   *
   * A detection whose index no track carries was too weak to start a track, had no area, or (in `compat`) was dropped
   * as a duplicate. An empty array is a frame in which the detector found nothing; for frames that the detector
   * skipped, use `predict`.
   *
   * @param timestamp seconds, later than the last update's; by default 1 / `frameRate` after it (0 for the first)
   * @throws FaceDetError `INVALID_DETECTION` for a number that is not finite, a negative size or a score outside [0,
   * 1]; `TIMESTAMP_NOT_INCREASING` for a timestamp that is not later; `TIME_NOT_SECONDS` for timestamps that look like
   * milliseconds: beyond ±1e11, or from the first step onwards all longer than 4 seconds and than any track lives,
   * three of them in a row within 25 %, with detections in each (not in `compat`); `INVALID_ARGUMENT` for unknown
   * options, an invalid motion or an affinity outside [0, 1]; `TOO_DENSE` where millions of pairs overlap. The tracker
   * is unchanged then
   */
  update(detections: readonly D[], timestamp?: number, options?: UpdateOptions): Track<D>[];
  /**
   * Returns where every live track is expected at a time not before the last update: for frames that the detector
   * skips. Tracks that have ended by then are not included. It changes no track, so the order and number of calls do
   * not matter.
   *
   * @throws FaceDetError `TIMESTAMP_NOT_INCREASING` for a timestamp before the last update, `TIME_NOT_SECONDS` for one
   * beyond ±1e11
   */
  predict(timestamp: number): Track<D>[];
  /**
   * Ends all tracks at a shot cut; call it before the first `update` of the new shot. No ID is used again, and that
   * update confirms its tracks at once, like the first of a video. IDs and time continue.
   */
  cut(): void;
  /** Returns to the initial state: no tracks, no time, IDs from 1. */
  reset(): void;
  /** Returns the state, for `restore` in a tracker with the same options, which then returns the same tracks. */
  snapshot(): TrackerSnapshot;
  /**
   * Continues from a state of `snapshot`.
   *
   * @throws FaceDetError `INVALID_SNAPSHOT` for anything that is not a tracker's snapshot; the tracker is unchanged
   * then
   */
  restore(snapshot: TrackerSnapshot): void;
  /**
   * Every live track: what the last `update` returned, then the lost ones; after `restore` the same without detections,
   * oldest first.
   */
  readonly tracks: readonly Track<D>[];
  /** The lost ones of `tracks`, oldest first: predicted, and not worth showing. */
  readonly lost: readonly Track<D>[];
  /** The lowest score that `update` uses: the score threshold for a detector in front of the tracker. */
  readonly lowScoreThreshold?: number;
}
