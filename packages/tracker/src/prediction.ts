import { MEAN, predict, warp } from './kalman.ts';
import type { CommonSettings } from './options.ts';
import { LOST, TENTATIVE, type TrackTable } from './table.ts';
import type { CameraMotion } from './types.ts';
import { writeCorners, type Workspace } from './workspace.ts';

/** Fraction of its width and height that a predicted box keeps at least. */
const MIN_SHRINK = 0.25;

/**
 * Predicts the tracks `steps` filter steps ahead for an update, moves them with the camera and writes their corners.
 */
export function predictTracks(
  { policy }: CommonSettings,
  work: Workspace,
  steps: number,
  motion: CameraMotion | undefined,
): void {
  const { tracks } = work;
  for (let slot = 0; slot < tracks.count; slot++) {
    if (policy.predictsTentative || tracks.state[slot] !== TENTATIVE)
      predictTrack(tracks, slot, steps, policy.limitsShrinking);
    if (motion) warp(tracks, slot, motion);
  }
  writeCorners(work, policy.edgePixels);
}

/** Predicts every track `steps` filter steps ahead, the tentative ones too. */
export function predictAll({ policy }: CommonSettings, tracks: TrackTable, steps: number): void {
  for (let slot = 0; slot < tracks.count; slot++) predictTrack(tracks, slot, steps, policy.limitsShrinking);
}

function predictTrack(tracks: TrackTable, slot: number, steps: number, limitsShrinking: boolean): void {
  const { mean, state } = tracks;
  const m = slot * MEAN;
  const aspect = mean[m + 2]!;
  const height = mean[m + 3]!;
  // As in the original: a lost track must not continue to grow or shrink.
  if (state[slot]! >= LOST) mean[m + 7] = 0;
  predict(tracks, slot, steps);
  if (!limitsShrinking) return;
  mean[m + 2] = Math.max(mean[m + 2]!, aspect * MIN_SHRINK);
  mean[m + 3] = Math.max(mean[m + 3]!, height * MIN_SHRINK);
}
