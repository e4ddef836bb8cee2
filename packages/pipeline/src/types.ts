import type { Box, Detector, Face, FaceDetError, Frame, InputSize, Landmarks } from '@facedet/core';
import type { Tracker, TrackerOptions, TrackerSnapshot } from '@facedet/tracker';
import type { PendingRow } from './look-ahead.ts';
import type { ScheduleSnapshot } from './schedule.ts';
import type { CutState } from './shot-cut.ts';

/**
 * - `detected`: the detector saw it in this frame.
 * - `predicted`: nobody looked at this frame; the box is where the tracker expects the face.
 * - `interpolated`: filled in afterwards between two sightings (offline, with look-ahead).
 */
export type FaceState = 'detected' | 'predicted' | 'interpolated';

/** One face of one frame. */
export interface VideoFace {
  /** The identity, from 1; null without a tracker. */
  readonly id: number | null;
  /** Pixels of the frame. */
  readonly box: Box;
  /** In [0, 1]: of the detection, or of the last one. */
  readonly score: number;
  readonly landmarks?: Landmarks;
  readonly state: FaceState;
}

/** What the pipeline says of one frame. */
export interface FrameResult<F extends Frame = Frame> {
  /** The frame itself; open until the consumer asks for the next result, closed by the pipeline afterwards. */
  readonly frame: F;
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly faces: readonly VideoFace[];
  /** Detections that belong to none of `faces`: too weak to begin an identity, or seen only once. Who hides faces hides these too. */
  readonly others: readonly Face[];
  /** Whether the detector looked at this frame, whole or at crops. */
  readonly looked: boolean;
  /** Whether a shot ended before this frame. */
  readonly cut: boolean;
  /** Why the detection of this frame failed, where errors are skipped. `faces` then only holds predictions: treat the frame as unseen. */
  readonly error?: FaceDetError | Error;
}

/** What a smoother gets and gives: boxes and landmarks of identities at one time. */
export interface SmoothInput {
  readonly id: number;
  readonly box: Box;
  readonly score: number;
  readonly landmarks?: Landmarks;
}

/** Steadies boxes over time; `createSmoother` of @facedet/temporal makes one. */
export interface VideoSmoother {
  smooth<T extends SmoothInput>(faces: readonly T[], timestamp: number): T[];
  reset(): void;
  snapshot(): unknown;
  restore(snapshot: never): void;
}

/** What to do with a frame whose detection failed. */
export type ErrorPolicy = 'stop' | 'skip' | ((error: unknown, frame: { index: number; timestamp: number }) => 'stop' | 'skip');

/** Looks in between key frames at small crops around the predicted faces. */
export interface RefineOptions {
  /** The canvas of a crop; by default [64, 64], which shows a face at 29 pixels; measured, larger ones cost more and hold identities no better. */
  inputSize?: InputSize;
  /** Side of a crop in parts of the face's longer side; by default 2.2. */
  scale?: number;
}

/** Options of `createVideoDetector`. */
export interface VideoDetectorOptions {
  /** Finds the faces. In front of a tracker it should emit everything from the tracker's low threshold (.1) up. */
  detector: Detector;
  /** A tracker, its options, or false for none; by default one with its defaults. */
  tracker?: Tracker<Face> | TrackerOptions<Face> | false;
  /** A smoother, or false for none; by default the adaptive EMA of @facedet/temporal. It needs a tracker. */
  smoother?: VideoSmoother | false;
  /** Detect in every n-th frame only and predict in between, or `'auto'`: soon where tracks are unsure, rarely where nothing moves. Default 1. */
  detectEvery?: number | 'auto';
  /** With `detectEvery`: look at crops in between. Default false. */
  refine?: boolean | RefineOptions;
  /** Seconds that results are held back, so that gaps are filled and tracks reach back to their first appearance. Default 0: nothing is held back. */
  lookAhead?: number;
  /** Newest frame wins: frames that wait while all sessions are busy are dropped. Default false: every frame gets its result. */
  live?: boolean;
  /** Default `stop`. */
  onError?: ErrorPolicy;
  /** Whether shot cuts end the motion model. Default true. */
  shotCuts?: boolean;
  /** Without a tracker: the lowest score of a face that is shown, in [0, 1]. Default 0: all that the detector gives. */
  scoreThreshold?: number;
}

/** Milliseconds and counts since the detector was made (or reset). */
export interface VideoStatistics {
  /** Frames that got a result. */
  readonly totalFrames: number;
  /** Frames a second, from the first frame asked for to the last result taken; 0 before it. */
  readonly avgFps: number;
  readonly avgFacesPerFrame: number;
  /** Distinct ids in the results. */
  readonly identities: number;
  /** Frames that the detector looked at whole, and at crops only. */
  readonly detectedFrames: number;
  readonly refinedFrames: number;
  /** Frames dropped in live mode. */
  readonly droppedFrames: number;
  /** Frames whose detection failed and was skipped. */
  readonly failedFrames: number;
  readonly shotCuts: number;
  /** Mean milliseconds a frame: waiting for the source, from a detection's start to its end (calls overlap), tracking, smoothing, and the consumer's own. */
  readonly msPerFrame: { readonly source: number; readonly detect: number; readonly track: number; readonly smooth: number; readonly consumer: number };
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
  /** Each identity's last landmarks, relative to its box. */
  readonly landmarks: readonly (readonly [id: number, points: readonly number[]])[];
  /** Identities shown in the last frame that was looked at. */
  readonly shown: readonly number[];
  /** Index of the last frame that went through the tracker: with look-ahead, ahead of `lastIndex`. */
  readonly processed: number;
  /** What the test for shot cuts remembers. */
  readonly cut: Readonly<CutState>;
}

/** Detector, tracker and smoother over the frames of one video. */
export interface VideoDetector {
  /** One frame, online: its result without look-ahead. The caller closes the frame. */
  process<F extends Frame>(frame: F, options?: { signal?: AbortSignal }): Promise<FrameResult<F>>;
  /** All frames of a source, in order; up to `detector.concurrency` detections are in flight. Closes each frame after the consumer's turn with it. */
  run<F extends Frame>(frames: AsyncIterable<F> | Iterable<F>, options?: RunOptions): AsyncGenerator<FrameResult<F>, void, undefined>;
  readonly statistics: VideoStatistics;
  /** State after the last result given. */
  snapshot(): VideoSnapshot;
  /** Throws `INVALID_SNAPSHOT` for what no `snapshot()` gave. */
  restore(snapshot: VideoSnapshot): void;
  /** Back to the beginning: no identities, no time. */
  reset(): void;
}
