/** A rectangle in pixels, floating point; `x, y` is the upper left corner, as in DOMRect. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The least a detection must have. Landmarks, embeddings and whatever else ride along on the caller's own object; the
 * tracker does not read them.
 */
export interface Detection {
  /**
   * In pixels, finite, within ±1e9; a box without area joins no track. `fromXyxy`, `fromXywh` and `fromMot` make
   * boxes of other forms.
   */
  readonly box: Readonly<Box>;
  /** Confidence in [0, 1]. */
  readonly score: number;
}

/**
 * - `tentative`: begun with this frame's detection, confirmed by a second one in the next frame, else forgotten. Not
 *   yet worth showing.
 * - `tracked`: confirmed, and found in the latest frame.
 * - `lost`: confirmed, not found in the latest frame; its box is a prediction. It takes up its identity where it is
 *   found again in time.
 */
export type TrackState = 'tentative' | 'tracked' | 'lost';

/** One identity at one moment. A value: later frames make new ones and leave this alone. */
export interface Track<D extends Detection = Detection> {
  /** From 1, never given twice before `reset()`. */
  readonly id: number;
  /**
   * The filtered state (after a detection) or the predicted one (without), pixels. It may reach over the picture's
   * edges.
   */
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
   * How far the last detection was from where it was expected: √(Δx² + Δy² + Δheight²) between their centres and
   * heights, in heights of the expected box; 0 for a new track. Large values say that prediction alone no longer
   * holds and that it is time to look again.
   */
  readonly innovation: number;
}

/**
 * How the camera moved since the last update: `[a, b, tx, c, d, ty]` takes a point of the last frame to `(a·x + b·y +
 * tx, c·x + d·y + ty)` in this one.
 */
export type CameraMotion = readonly [a: number, b: number, tx: number, c: number, d: number, ty: number];

/** What may come with a frame's detections. An unknown name is an error. */
export interface UpdateOptions {
  /**
   * Moves all predictions with the camera before they are compared with the detections. Numbers within ±1e9; |a·d −
   * b·c|, the factor of all areas, from 1e-6 to 1e6. Default: a camera at rest.
   */
  motion?: CameraMotion;
}

/**
 * Thresholds that belong together: `conservative` starts and keeps fewer tracks (fewer false ones), `aggressive` more
 * (fewer missed ones), `balanced` is the default.
 */
export type Preset = 'conservative' | 'balanced' | 'aggressive';

/**
 * Options of `createTracker`. Each is independent of the others: what isn't given, or is undefined, comes from the
 * preset and adapts to the thresholds that are given. Options that contradict each other, and unknown names, are
 * errors. In brackets: the names of the original ByteTrack.
 */
export interface TrackerOptions<D extends Detection = Detection> {
  /** Default `balanced`. Its numbers are in `PRESETS`. */
  preset?: Preset;
  /**
   * High-score detections: from this score on, a detection is compared with all tracks in the first stage
   * (`track_thresh`). Default 0.5, in [0, 1], in `compat` below 1. Higher keeps false detections out of the tracks;
   * may lose faces that are turned away or blurred.
   */
  scoreThreshold?: number;
  /**
   * Low-score detections: from this score up to `scoreThreshold`, a detection may only continue a track that no
   * high-score one continues (0.1 in the original). Default 0.1, or `scoreThreshold` where that is lower; in [0,
   * `scoreThreshold`]. Higher trusts fewer weak detections; tracks are lost more often.
   */
  lowScoreThreshold?: number;
  /**
   * From this score on, an unmatched detection starts a track (`det_thresh`). In [`scoreThreshold`, 1]. Default
   * `scoreThreshold` + 0.1 (`aggressive`: + 0.05), but at most halfway from `scoreThreshold` to 1 (in `compat`: at
   * most 1), so that a score can reach it. Higher starts fewer false tracks; faces are tracked later.
   */
  newTrackThreshold?: number;
  /**
   * The first stage pairs a track and a detection only where 1 − IoU · score is below this (`match_thresh`). In (0,
   * 1]. Default 0.8. Higher accepts less overlap, for faces that move fast; may swap IDs in crowds. A detection whose
   * score is at most 1 − this matches nothing in that stage. After a gap of n > 1 thirtieths of a second the
   * similarity asked for, 1 − this, is divided by n^1.5 (n at most 30) for boxes of about one size (not in `compat`).
   */
  matchThreshold?: number;
  /**
   * A track ends when it has had no detection for longer than this, in seconds from 0, however long the gap between
   * two updates (`track_buffer`, in frames at 30 fps). Default 1. Higher keeps lost tracks longer; may give an ID to
   * another person. A track with a detection in the last update lives for 1.5 / `frameRate` at least.
   */
  maxLostSeconds?: number;
  /**
   * Updates per second, above 0. Default 30. Used where no timestamps are given, and for the shortest life of a
   * track: with timestamps, it is needed only where updates are farther apart than `maxLostSeconds`. Lower takes the
   * time between two updates for longer.
   */
  frameRate?: number;
  /**
   * The original ByteTrack, row for row: every update is one step of its clock, unconfirmed tracks are not predicted,
   * IoU counts one pixel more on each side, a score equal to `scoreThreshold` belongs to neither band, and a removed
   * track gets one more frame. Default false.
   */
  compat?: boolean;
  /**
   * How alike a track and a detection look, in [0, 1], e.g. (1 + cosine) / 2 of face embeddings that the caller keeps
   * for each `track.id`. It makes up half of the similarity in comparisons of high scores, where IoU · score is the
   * other half. From `minAffinity` on, it also lets a face be found again where boxes no longer overlap enough
   * (within three standard deviations of the prediction, boxes of about one size). Called once for each pair that may
   * match.
   */
  affinity?: (track: Track<D>, detection: D) => number;
  /**
   * The least affinity that stands in for missing overlap, in [0, 1]; needs `affinity`. Default 0.7: a cosine of 0.4,
   * above that of strangers (about 0, rarely 0.3). Higher finds fewer faces again; lower may give an ID to another
   * person. Where `affinity` returns the cosine itself, 0.4 is the same border.
   */
  minAffinity?: number;
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
   * Takes one frame's detections, in any order, and returns every live track: first those with a detection, in the
   * order of their detections, then those without, oldest first. A detection whose index no track carries was too
   * weak to start a track, had no area, or (in `compat`) was dropped as a duplicate. An empty array is a frame in
   * which the detector found nothing; for frames that the detector skipped, use `predict`.
   *
   * @param timestamp seconds, later than the last update's; by default 1 / `frameRate` after it (0 for the first)
   * @throws FaceDetError `INVALID_DETECTION` for a box or score that isn't finite, a negative size, a score outside
   * [0, 1]; `TIME_NOT_RISING` for a timestamp that isn't later; `TIME_NOT_SECONDS` for timestamps that look like
   * milliseconds: beyond ±1e11, or from the first step on all longer than 4 seconds and than any track lives, three
   * of them in a row within 25 %, with detections in each (not in `compat`); `INVALID_ARGUMENT` for options that are
   * unknown, a motion that isn't an affine or an affinity outside [0, 1]; `TOO_DENSE` where millions of pairs
   * overlap. The tracker then stays as it was
   */
  update(detections: readonly D[], timestamp?: number, options?: UpdateOptions): Track<D>[];
  /**
   * Where every live track is expected at a time not before the last update: for frames that the detector skips.
   * Tracks that have ended by then are left out. Changes no track, so that the order and number of such calls don't
   * matter.
   *
   * @throws FaceDetError `TIME_NOT_RISING` for a timestamp before the last update, `TIME_NOT_SECONDS` for one beyond
   * ±1e11
   */
  predict(timestamp: number): Track<D>[];
  /**
   * A shot cut, called before the first `update` of the new shot: all tracks end, no ID is returned again, and that
   * update confirms its tracks at once, as the first of a film does. IDs and time go on.
   */
  cut(): void;
  /** Back to the start: no tracks, no time, IDs from 1. */
  reset(): void;
  /**
   * The state, for `restore` in a tracker with the same options: both then give the same tracks for the same frames.
   */
  snapshot(): TrackerSnapshot;
  /** @throws FaceDetError `INVALID_SNAPSHOT` for what no `snapshot()` gave; the tracker then stays as it was */
  restore(snapshot: TrackerSnapshot): void;
  /** What the last `update` gave; after `restore` the same without detections. */
  readonly tracks: readonly Track<D>[];
  /** The lowest score that `update` makes use of: what a detector in front of the tracker should be asked for. */
  readonly lowScoreThreshold?: number;
}
