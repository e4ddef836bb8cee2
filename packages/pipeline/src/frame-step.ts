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

/** The output of tracker and smoother for one frame. */
export type TrackedFrame = Pick<PendingRow, 'faces' | 'tentative' | 'unmatchedDetections' | 'detectorRan' | 'cut'>;

/** The parts of a snapshot that one frame changes. */
export type StepSnapshot = Pick<VideoSnapshot, 'tracker' | 'smoother' | 'visibleIds' | 'cut'>;

/** Takes frames through shot cut test, tracker and smoother, and keeps the state between frames. */
export interface FrameStep {
  /** Whether `trackFrame` would find a shot cut before the frame. */
  isCut(frame: Frame, shot: Thumbnail | ShotVerdict | null): boolean;
  /**
   * `detections` is null if the detector did not run. `shot` is the frame's thumbnail, to be tested for a shot cut; the
   * verdict, if it is known already; or null. Rethrows errors of tracker and smoother; the state is then unchanged.
   */
  trackFrame(frame: Frame, detections: FrameDetections | null, shot: Thumbnail | ShotVerdict | null): TrackedFrame;
  snapshot(): StepSnapshot;
  restore(snapshot: StepSnapshot): void;
  reset(): void;
}

const NO_CUT: ShotVerdict = { cut: false, suspected: false };

/** Creates a step that has not seen a frame yet. */
export function createFrameStep(
  { tracker, smoother, scoreThreshold = 0, foreignParts }: Settings,
  statistics: StatisticsCounter,
): FrameStep {
  /** IDs of the tracks shown in the last frame on which the detector ran. */
  let visibleIds = new Set<number>();
  let shots: ShotState = initialShotState();

  function isCut({ timestamp }: Frame, shot: Thumbnail | ShotVerdict | null): boolean {
    if (!shot) return false;
    return 'cut' in shot ? shot.cut : nextShotState(shots, shot, timestamp).cut;
  }

  function trackFrame(
    frame: Frame,
    detections: FrameDetections | null,
    shot: Thumbnail | ShotVerdict | null,
  ): TrackedFrame {
    const shotsBefore = shots;
    let before: StepSnapshot | undefined;
    try {
      if (shot && !('cut' in shot)) shots = nextShotState(shots, shot, frame.timestamp);
      const { cut, suspected } = !shot ? NO_CUT : 'cut' in shot ? shot : shots;
      const ends = cut || suspected;
      // Otherwise only the tracker can throw, and an error leaves its state unchanged.
      if (ends || foreignParts) before = snapshot();
      if (ends) endShot();
      return { ...(tracker ? track(frame, detections) : select(detections)), cut };
    } catch (error) {
      if (before) restore(before);
      shots = shotsBefore;
      throw error;
    }
  }

  function select(detections: FrameDetections | null): Omit<TrackedFrame, 'cut'> {
    const faces = (detections?.faces ?? [])
      .filter(({ score }) => score >= scoreThreshold)
      .map((face): VideoFace => ({ id: null, ...face, state: 'detected' }));
    return { faces, tentative: [], unmatchedDetections: [], detectorRan: detections !== null };
  }

  function track(frame: Frame, detections: FrameDetections | null): Omit<TrackedFrame, 'cut'> {
    const { timestamp } = frame;
    // Without this check the tracker would use the time of the next frame, and the smoother would then reject it.
    if (timestamp === undefined) throw noTimestamp(frame);
    const detectorRan = detections !== null;
    const begin = performance.now();
    const tracks = detectorRan ? tracker!.update(detections.faces, timestamp) : tracker!.predict(timestamp);
    if (detectorRan) visibleIds = new Set(tracks.filter((t) => t.state === 'tracked').map((t) => t.id));
    const faces = tracks
      // Faces that have left the frame are not part of the result.
      .filter((t) => visibleIds.has(t.id) && (detectorRan || intersects(t.box, frame)))
      .map((t) => faceOf(t, detectorRan));
    const tentative = detectorRan ? tracks.filter((t) => t.state === 'tentative').map((t) => faceOf(t, true)) : [];
    const taken = new Set(tracks.map((t) => t.detectionIndex));
    statistics.spent('track', performance.now() - begin);
    return {
      faces: smooth(faces, timestamp),
      tentative,
      unmatchedDetections: detectorRan ? detections.faces.filter((_, i) => !taken.has(i)) : [],
      detectorRan,
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
    visibleIds.clear();
  }

  const snapshot = (): StepSnapshot => ({
    tracker: tracker?.snapshot() ?? null,
    smoother: smoother?.snapshot() ?? null,
    visibleIds: [...visibleIds],
    cut: snapshotShots(shots),
  });

  function restore(saved: StepSnapshot): void {
    if (tracker) tracker.restore(saved.tracker!);
    smoother?.restore(saved.smoother as never);
    visibleIds = new Set(saved.visibleIds);
    shots = restoreShots(saved.cut);
  }

  return {
    isCut,
    trackFrame,
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

/** The face of a track. Its landmarks are the detection's, or the last ones moved along with the box. */
function faceOf({ id, box, score, landmarks }: Track<Face>, isDetected: boolean): VideoFace & { id: number } {
  return { id, box, score, ...(landmarks && { landmarks }), state: isDetected ? 'detected' : 'predicted' };
}
