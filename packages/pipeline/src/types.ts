import type { Box, Detector, Face, FaceDetError, Frame, InputSize, Landmarks, Rotate } from '@facedet/core';
import type { ErrorData } from '@facedet/core/engine';
import type { Tracker, TrackerOptions, TrackerSnapshot } from '@facedet/tracker';
import type { OrientationSnapshot } from './orientation.ts';
import type { ScheduleSnapshot } from './schedule.ts';
import type { ShotSnapshot } from './shot-snapshot.ts';

/**
 * - `detected`: detected in this frame.
 * - `predicted`: not detected in this frame; the box is where the tracker expects the face.
 * - `interpolated`: filled in afterwards between two detections (offline, with look-ahead).
 */
export type FaceState = 'detected' | 'predicted' | 'interpolated';

/** One face of one frame. */
export interface VideoFace {
  /** The track ID, from 1; null without a tracker. */
  readonly id: number | null;
  /** Pixels of the frame. */
  readonly box: Box;
  /** Score of the detection, or of the track's last one, in [0, 1]. */
  readonly score: number;
  readonly landmarks?: Landmarks;
  readonly state: FaceState;
}

/** The result for one frame. */
export interface FrameResult<F extends Frame = Frame> {
  /**
   * The frame itself. Of `run`, it is open until the consumer asks for the next result, and closed afterwards; of
   * `process`, it stays the caller's.
   */
  readonly frame: F;
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly faces: readonly VideoFace[];
  /**
   * Detections from the tracker's low threshold up that belong to none of `faces`: too weak to start a track, or found
   * in one frame only. With `detectEvery` and `lookAhead`, between key frames, also such detections of the surrounding
   * key frames. Anonymizers must mask these too.
   */
  readonly unassigned: readonly Face[];
  /** Whether the detector ran on this frame, whole or in crops. */
  readonly detectorRan: boolean;
  /** Whether a shot ended before this frame. */
  readonly cut: boolean;
  /**
   * Why detection or tracking of this frame failed, where errors are skipped. `faces` then only holds what is
   * predicted or interpolated: treat the frame as unseen.
   */
  readonly error?: FaceDetError | Error;
}

/**
 * Optional parts of a frame, by which its picture can leave memory while look-ahead holds its result back. A frame
 * without `unload` and `reload` stays in memory; without `byteLength`, and if it is no `PixelBuffer`, its memory is not
 * counted.
 */
export interface UnloadableFrame {
  /** Bytes that the picture takes in memory. */
  readonly byteLength: number;
  /** Frees the picture until `reload`. Called once, when the detector and the tracker are done with the frame. */
  unload(): void;
  /** Brings the same picture back. Frames are reloaded in their order. */
  reload(): Promise<void>;
}

/** Input and output of a smoother: box and landmarks of one track at one time. */
export interface SmoothInput {
  readonly id: number;
  readonly box: Box;
  readonly score: number;
  readonly landmarks?: Landmarks;
}

/** Smooths boxes over time; `createSmoother` of @facedet/temporal makes one. */
export interface VideoSmoother {
  /** Returns smoothed copies of the faces, in the same order. `timestamp` is in seconds and must increase. */
  smooth<T extends SmoothInput>(faces: readonly T[], timestamp: number): T[];
  /** Forgets everything: at a shot cut, and before another video. */
  reset(): void;
  /** The state as plain data. */
  snapshot(): unknown;
  /** Restores a state that `snapshot` returned. */
  restore(snapshot: never): void;
}

/**
 * What to do with a frame whose detection failed, or whose detections or time the tracker refuses: `stop` ends the run
 * with its error, after the results before it; `skip` reports the error with the frame's result and goes on; a function
 * decides for each. A source that breaks always ends the run.
 */
export type ErrorPolicy =
  'stop' | 'skip' | ((error: unknown, frame: { index: number; timestamp: number }) => 'stop' | 'skip');

/** Detection between key frames in small crops around the predicted faces. */
export interface RefineOptions {
  /**
   * The network's input size for a crop; by default 64 × 64, which shows a face at 29 pixels. Larger costs more;
   * measured, it keeps track IDs no better.
   */
  inputSize?: InputSize | readonly InputSize[];
  /**
   * Side of a crop as a multiple of the face's longer side, at least 1. Higher finds faces that moved farther; shows
   * them smaller. Default 2.2.
   */
  scale?: number;
}

/** Options of `createVideoDetector`. */
export interface VideoDetectorOptions {
  /**
   * Finds the faces. In front of a tracker it is asked for everything from the tracker's low threshold up (0.1 by
   * default), whatever its own threshold: weak detections continue tracks through blur and occlusion. A detector that
   * ignores `scoreThreshold` of a call must be made with a low one.
   */
  detector: Detector;
  /**
   * A tracker, its options, or false for none; by default one with its defaults. A tracker of your own has the score
   * that the detector is asked for in `lowScoreThreshold`; without it the detector keeps its own threshold. Faces have
   * the `landmarks` of its tracks.
   */
  tracker?: Tracker<Face> | TrackerOptions<Face> | false;
  /** A smoother, or false for none; by default the adaptive EMA of @facedet/temporal. It needs a tracker. */
  smoother?: VideoSmoother | false;
  /**
   * Detect in every n-th frame only (by its `index`) and in the first frame of each shot, and predict in between.
   * Higher costs less; fast faces are followed worse and new ones found later. `'auto'`: at once after a shot cut or
   * where something moves at the picture's borders, soon where a track is new or lost, its last score below 0.5 or its
   * last innovation large, every tenth frame where none of this holds, every fifth in an empty scene. Default 1.
   */
  detectEvery?: number | 'auto';
  /**
   * With `detectEvery`: detect in small crops around the predicted faces in between, one batch per frame. Default
   * false.
   */
  refine?: boolean | RefineOptions;
  /**
   * Seconds that results are held back, 0 to 60, so that gaps are filled and tracks reach back to their first
   * appearance. Higher fills longer gaps; delays results and keeps more frames open. Default 0. Only for `run`.
   */
  lookAhead?: number;
  /**
   * Bytes of frames that `lookAhead` keeps in memory at most. Frames beyond it are unloaded and reloaded where they can
   * be (`UnloadableFrame`); others may take four times as much, then the earliest results come before `lookAhead` has
   * passed and are counted in `earlyResults`. Higher takes more memory; saves the time of reloading. Default: no limit.
   */
  lookAheadBytes?: number;
  /**
   * Newest frame wins: frames that wait while all sessions are busy are dropped. Default false: every frame gets its
   * result.
   */
  live?: boolean;
  /** How the run handles a frame that fails. Default `stop`. */
  onError?: ErrorPolicy;
  /** Whether tracks end at shot cuts: hard cuts, cuts through black or white, dissolves. Default true. */
  shotCuts?: boolean;
  /**
   * Only with `tracker: false`: the lowest score of a face, in [0, 1]; the detector is asked for it. Higher shows fewer
   * false faces and misses more real ones. Default: the detector's own. A tracker has thresholds of its own: `tracker:
   * { highScoreThreshold, lowScoreThreshold }`.
   */
  displayThreshold?: number;
  /**
   * Degrees by which frames are turned clockwise before detection: a number, or a list for several runs per frame. It
   * replaces the detector's own `rotate`, which is the default. `'auto'`: found in the first frames of each shot and
   * kept, found again where faces are lost.
   */
  rotate?: Rotate;
}

/** Milliseconds and counts since the video detector was made or reset, or since its last run began. */
export interface VideoStatistics {
  /** Frames that got a result. */
  readonly totalFrames: number;
  /** Frames per second, from the first frame read to the last result; 0 before it. */
  readonly avgFps: number;
  readonly avgFacesPerFrame: number;
  /** Distinct track IDs in the results. */
  readonly identities: number;
  /** Frames on which the detector ran: on the whole frame, and on crops only. */
  readonly detectedFrames: number;
  readonly refinedFrames: number;
  /** Frames dropped in live mode. */
  readonly droppedFrames: number;
  /** Frames with an error that was skipped. */
  readonly failedFrames: number;
  /** Results given before `lookAhead` had passed, as their frames took too much memory (`lookAheadBytes`). */
  readonly earlyResults: number;
  readonly shotCuts: number;
  /**
   * Mean milliseconds per frame: waiting for the source, from a detection's start to its end (calls overlap), tracking,
   * smoothing, and the consumer's own.
   */
  readonly msPerFrame: {
    readonly source: number;
    readonly detect: number;
    readonly track: number;
    readonly smooth: number;
    readonly consumer: number;
  };
}

/** Options of `run`. */
export interface RunOptions {
  /** Ends the run: the generator throws the signal's reason, and every frame is closed. */
  signal?: AbortSignal;
  /** Called after each result. */
  onProgress?: (statistics: VideoStatistics) => void;
}

/** The state as plain data, to go on later with the same options. */
export interface VideoSnapshot {
  readonly version: 1;
  /** Index of the last frame whose result was given, or -1. */
  readonly lastIndex: number;
  readonly tracker: TrackerSnapshot | null;
  readonly smoother: unknown;
  readonly schedule: ScheduleSnapshot;
  /** Results that look-ahead still held back. */
  readonly pending: readonly PendingRow[];
  /** IDs of the tracks shown in the last frame on which the detector ran. */
  readonly visibleIds: readonly number[];
  /** Index of the last frame that went through the tracker: with look-ahead, ahead of `lastIndex`. */
  readonly processed: number;
  /** State of the test for shot cuts. */
  readonly cut: ShotSnapshot;
  /** State of the choice of orientations. */
  readonly orientation: OrientationSnapshot;
}

/** Detector, tracker and smoother over the frames of one video. */
export interface VideoDetector {
  /**
   * One frame, online: its result without look-ahead. The caller closes the frame. It continues the video of the last
   * `process`, `run` or `restore`; call `reset()` before the first frame of another video. After an error nothing has
   * changed: the same frame may come again.
   *
   * Rejects with what the detector throws, `INVALID_DETECTION` for what it returns, `TIMESTAMP_NOT_INCREASING` (all
   * unless `onError` skips them), the signal's reason, `INDEX_NOT_RISING` for a frame that is not after the last, and
   * `BUSY` while another call is in progress.
   */
  process<F extends Frame>(frame: F, options?: { signal?: AbortSignal }): Promise<FrameResult<F>>;
  /**
   * All frames of a source, in order. While the consumer has one, the detector runs on those after it:
   * `detector.concurrency` detections are kept in flight, and as many wait behind them. Closes each frame after the
   * consumer's turn with it, and all of them when the consumer leaves.
   *
   * Each run is a new video, as after `reset()`: no tracks, IDs from 1, statistics at 0. Only right after `restore()`
   * it continues the snapshot's video. It begins when its first result is asked for, and ends with its last, an error,
   * or the consumer's `break`; until then other calls throw `BUSY`. Throws as `process` does, and what the source
   * threw, after the results before it.
   */
  run<F extends Frame>(
    frames: AsyncIterable<F> | Iterable<F>,
    options?: RunOptions,
  ): AsyncGenerator<FrameResult<F>, void, undefined>;
  readonly statistics: VideoStatistics;
  /** State after the last result given. */
  snapshot(): VideoSnapshot;
  /**
   * Continues after the snapshot's last result: the next `run` takes the frames from `lastIndex + 1` on and passes over
   * earlier ones. Throws `INVALID_SNAPSHOT` for a value that is not a `snapshot()`, and `BUSY` during a run; nothing
   * has changed then.
   */
  restore(snapshot: VideoSnapshot): void;
  /** Back to the beginning: no tracks, no time, IDs from 1, statistics at 0. Throws `BUSY` during a run. */
  reset(): void;
}

/** One frame's faces while look-ahead holds them back. */
export interface PendingRow {
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  /** Confirmed faces; look-ahead adds and replaces some until the result is emitted. */
  faces: VideoFace[];
  /** Faces of tentative tracks. */
  readonly tentative: VideoFace[];
  /** Detections assigned to no track; a track that starts later may be extended back to them. */
  readonly unmatchedDetections: Face[];
  /**
   * For frames between key frames: new faces of the next key frame, and detections without a track ID of the last
   * one. These faces may be in this frame too.
   */
  readonly nearbyDetections: Face[];
  readonly detectorRan: boolean;
  /** Whether the detector ran on crops only. */
  readonly refined: boolean;
  readonly cut: boolean;
  /** The error of this frame's detection or tracking, if it was skipped. */
  readonly error?: ErrorData;
}
