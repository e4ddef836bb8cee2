import type { Frame } from '@facedet/core';
import type { FrameDetections } from './frame-detection.ts';
import type { Settings } from './options.ts';
import { initialShotState, nextShotState, type ShotState, type ShotVerdict } from './shot-cut.ts';
import { restoreShots, snapshotShots } from './shot-snapshot.ts';
import type { Thumbnail } from './shot-thumbnail.ts';
import type { StatisticsCounter } from './statistics.ts';
import { selectFaces, trackFaces, type FrameFaces } from './track-faces.ts';
import type { VideoSnapshot } from './types.ts';

/** The output of tracker and smoother for one frame. */
export interface TrackedFrame extends FrameFaces {
  /** Whether a shot ended before the frame. */
  readonly cut: boolean;
}

/** The parts of a snapshot that one frame changes. */
export type StepSnapshot = Pick<VideoSnapshot, 'tracker' | 'smoother' | 'visibleIds' | 'cut'>;

/** Takes frames through shot cut test, tracker and smoother, and keeps the state between frames. */
export interface FrameStep {
  /** Whether `trackFrame` would find a shot cut before the frame. */
  isCut(frame: Frame, shot: Thumbnail | ShotVerdict | null): boolean;
  /**
   * `detections` is null if the detector did not run. `shot` is the frame's thumbnail, to be tested for a shot cut; the
   * verdict, if the schedule has tested the frame already; or null. Rethrows errors of tracker and smoother; the state
   * is then unchanged.
   */
  trackFrame(frame: Frame, detections: FrameDetections | null, shot: Thumbnail | ShotVerdict | null): TrackedFrame;
  snapshot(): StepSnapshot;
  restore(snapshot: StepSnapshot): void;
  reset(): void;
}

const NO_CUT: ShotVerdict = { cut: false, suspected: false };

/** The step before the first frame. */
export function createFrameStep(
  { tracker, smoother, scoreThreshold, foreignParts }: Settings,
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
      return { ...trackAndSmooth(frame, detections), cut };
    } catch (error) {
      if (before) restore(before);
      shots = shotsBefore;
      throw error;
    }
  }

  function trackAndSmooth(frame: Frame, detections: FrameDetections | null): FrameFaces {
    if (!tracker) return selectFaces(detections, scoreThreshold);
    const begin = performance.now();
    const tracked = trackFaces(tracker, visibleIds, frame, detections);
    const end = performance.now();
    statistics.spent('track', end - begin);
    if (!smoother) return tracked;
    const faces = smoother.smooth(tracked.faces, frame.timestamp);
    statistics.spent('smooth', performance.now() - end);
    return { ...tracked, faces };
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
