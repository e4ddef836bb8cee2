import { FaceDetError, type Box, type Face, type Frame, type Landmarks } from '@facedet/core';
import type { Track } from '@facedet/tracker';
import type { FrameDetections } from './frame-detection.ts';
import type { PendingRow } from './look-ahead.ts';
import type { Settings } from './options.ts';
import { initialShotState, nextShotState, type ShotState, type ShotVerdict } from './shot-cut.ts';
import { restoreShots, snapshotShots } from './shot-snapshot.ts';
import type { Thumbnail } from './shot-thumbnail.ts';
import type { StatisticsCounter } from './statistics.ts';
import type { VideoFace, VideoSnapshot } from './types.ts';

/** What tracker and smoother made of one frame. */
export type FollowedFrame = Pick<PendingRow, 'faces' | 'tentative' | 'unmatched' | 'looked' | 'cut'>;

/** The parts of a snapshot that one frame changes. */
export type StepSnapshot = Pick<VideoSnapshot, 'tracker' | 'smoother' | 'landmarks' | 'shown' | 'cut'>;

/** One frame's way through shot cut, tracker and smoother, and all that is remembered of it for the next frame. */
export interface FrameStep {
  /** Whether `follow` would find a shot cut before the frame. */
  isCut(frame: Frame, shot: Thumbnail | ShotVerdict | null): boolean;
  /**
   * `detections` is null where the detector did not run. `shot` is the frame's thumbnail, to be tested for a shot cut;
   * the verdict, where that is known; or null. Throws what tracker or smoother throw; the state is then as it
   * was.
   */
  follow(frame: Frame, detections: FrameDetections | null, shot: Thumbnail | ShotVerdict | null): FollowedFrame;
  snapshot(): StepSnapshot;
  restore(snapshot: StepSnapshot): void;
  reset(): void;
}

const NO_CUT: ShotVerdict = { cut: false, suspected: false };

/** A step without memory of any frame. */
export function createFrameStep(
  { tracker, smoother, scoreThreshold = 0, foreignParts }: Settings,
  statistics: StatisticsCounter,
): FrameStep {
  /** Each track's last landmarks, relative to its box. */
  let landmarks = new Map<number, readonly number[]>();
  /** Tracks shown in the last frame in which the detector ran. */
  let shown = new Set<number>();
  let shots: ShotState = initialShotState();

  function isCut({ timestamp }: Frame, shot: Thumbnail | ShotVerdict | null): boolean {
    if (!shot) return false;
    return 'cut' in shot ? shot.cut : nextShotState(shots, shot, timestamp).cut;
  }

  function follow(
    frame: Frame,
    detections: FrameDetections | null,
    shot: Thumbnail | ShotVerdict | null,
  ): FollowedFrame {
    const shotsBefore = shots;
    let before: StepSnapshot | undefined;
    try {
      if (shot && !('cut' in shot)) shots = nextShotState(shots, shot, frame.timestamp);
      const { cut, suspected } = !shot ? NO_CUT : 'cut' in shot ? shot : shots;
      const ends = cut || suspected;
      // Otherwise the tracker is the only part that throws, and is then as it was.
      if (ends || foreignParts) before = snapshot();
      if (ends) endShot();
      return { ...(tracker ? track(frame, detections) : select(detections)), cut };
    } catch (error) {
      if (before) restore(before);
      shots = shotsBefore;
      throw error;
    }
  }

  function select(detections: FrameDetections | null): Omit<FollowedFrame, 'cut'> {
    const faces = (detections?.faces ?? [])
      .filter(({ score }) => score >= scoreThreshold)
      .map((face): VideoFace => ({ id: null, ...face, state: 'detected' }));
    return { faces, tentative: [], unmatched: [], looked: detections !== null };
  }

  function track(frame: Frame, detections: FrameDetections | null): Omit<FollowedFrame, 'cut'> {
    const { timestamp } = frame;
    // The tracker would take none for the time of the next frame, and the smoother refuses it afterwards.
    if (timestamp === undefined) throw noTimestamp(frame);
    const looked = detections !== null;
    const begin = performance.now();
    const tracks = looked ? tracker!.update(detections.faces, timestamp) : tracker!.predict(timestamp);
    if (looked) shown = new Set(tracks.filter((t) => t.state === 'tracked' && t.detection).map((t) => t.id));
    const faces = tracks
      .filter((t) => shown.has(t.id) && (looked || intersectsFrame(t.box, frame)))
      .map((t) => faceOf(t, looked));
    const tentative = looked
      ? tracks.filter((t) => t.state === 'tentative' && t.detection).map((t) => faceOf(t, true))
      : [];
    const taken = new Set(tracks.map((t) => t.detectionIndex));
    if (looked) forget(tracks);
    statistics.spent('track', performance.now() - begin);
    return {
      faces: smooth(faces, timestamp),
      tentative,
      unmatched: looked ? detections.faces.filter((_, i) => !taken.has(i)) : [],
      looked,
    };
  }

  function smooth(faces: readonly (VideoFace & { id: number })[], timestamp: number): VideoFace[] {
    if (!smoother) return [...faces];
    const begin = performance.now();
    const result = smoother.smooth(faces, timestamp);
    statistics.spent('smooth', performance.now() - begin);
    return result;
  }

  function faceOf(track: Track<Face>, looked: boolean): VideoFace & { id: number } {
    const { id, box, score, detection } = track;
    if (detection?.landmarks)
      landmarks.set(
        id,
        detection.landmarks.flatMap((p) => [(p.x - box.x) / box.width, (p.y - box.y) / box.height]),
      );
    const relative = landmarks.get(id);
    const points =
      detection?.landmarks ??
      (relative &&
        ([0, 2, 4, 6, 8].map((k) => ({
          x: box.x + relative[k]! * box.width,
          y: box.y + relative[k + 1]! * box.height,
        })) as Landmarks));
    return { id, box, score, ...(points ? { landmarks: points } : {}), state: looked ? 'detected' : 'predicted' };
  }

  /** Keeps only what live tracks need, so that memory does not grow with the film. */
  function forget(tracks: readonly Track[]): void {
    if (landmarks.size <= 2 * tracks.length + 16) return;
    const alive = new Set(tracks.map((t) => t.id));
    landmarks = new Map([...landmarks].filter(([id]) => alive.has(id)));
  }

  function endShot(): void {
    tracker?.cut();
    smoother?.reset();
    landmarks.clear();
    shown.clear();
  }

  const snapshot = (): StepSnapshot => ({
    tracker: tracker?.snapshot() ?? null,
    smoother: smoother?.snapshot() ?? null,
    landmarks: [...landmarks],
    shown: [...shown],
    cut: snapshotShots(shots),
  });

  function restore(saved: StepSnapshot): void {
    if (tracker) tracker.restore(saved.tracker!);
    smoother?.restore(saved.smoother as never);
    landmarks = new Map(saved.landmarks);
    shown = new Set(saved.shown);
    shots = restoreShots(saved.cut);
  }

  return {
    isCut,
    follow,
    snapshot,
    restore,
    reset() {
      endShot();
      tracker?.reset();
      shots = initialShotState();
    },
  };
}

function noTimestamp({ index }: Frame): FaceDetError {
  return new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected a timestamp in seconds for frame ${index} but received undefined; give the time of each frame.`,
  );
}

/** Whether any part of a predicted box is inside the frame: who left is not shown on his way. */
function intersectsFrame(box: Box, frame: Frame): boolean {
  return box.x < frame.width && box.y < frame.height && box.x + box.width > 0 && box.y + box.height > 0;
}
