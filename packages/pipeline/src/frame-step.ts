import type { Face, FaceDetError, Frame } from '@facedet/core';
import { invalidArgument } from '@facedet/core/engine';
import type { Track } from '@facedet/tracker';
import type { FrameDetections } from './frame-detection.ts';
import type { Settings } from './options.ts';
import { intersects } from './refine.ts';
import { initialShotState, nextShotState, type ShotState, type ShotVerdict } from './shot-cut.ts';
import { restoreShots, snapshotShots } from './shot-snapshot.ts';
import type { Thumbnail } from './shot-thumbnail.ts';
import type { StatisticsCounter } from './statistics.ts';
import type { PendingRow, VideoFace, VideoSnapshot } from './types.ts';

/** What tracker and smoother made of one frame. */
export type FollowedFrame = Pick<PendingRow, 'faces' | 'tentative' | 'unmatched' | 'looked' | 'cut'>;

/** The parts of a snapshot that one frame changes. */
export type StepSnapshot = Pick<VideoSnapshot, 'tracker' | 'smoother' | 'shown' | 'cut'>;

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
    if (looked) shown = new Set(tracks.filter((t) => t.state === 'tracked').map((t) => t.id));
    const faces = tracks
      // Faces that have left the frame are not shown.
      .filter((t) => shown.has(t.id) && (looked || intersects(t.box, frame)))
      .map((t) => faceOf(t, looked));
    const tentative = looked ? tracks.filter((t) => t.state === 'tentative').map((t) => faceOf(t, true)) : [];
    const taken = new Set(tracks.map((t) => t.detectionIndex));
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

  function endShot(): void {
    tracker?.cut();
    smoother?.reset();
    shown.clear();
  }

  const snapshot = (): StepSnapshot => ({
    tracker: tracker?.snapshot() ?? null,
    smoother: smoother?.snapshot() ?? null,
    shown: [...shown],
    cut: snapshotShots(shots),
  });

  function restore(saved: StepSnapshot): void {
    if (tracker) tracker.restore(saved.tracker!);
    smoother?.restore(saved.smoother as never);
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
  return invalidArgument(`a timestamp in seconds for frame ${index}`, undefined, 'give the time of each frame');
}

/** The face that a track shows: landmarks are the detection's own, or those that moved with the box since the last. */
function faceOf({ id, box, score, landmarks }: Track<Face>, looked: boolean): VideoFace & { id: number } {
  return { id, box, score, ...(landmarks && { landmarks }), state: looked ? 'detected' : 'predicted' };
}
