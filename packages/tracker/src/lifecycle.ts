import type { createAssociation } from './association.ts';
import { correct, initiate, MEAN } from './kalman.ts';
import { DUPLICATE_THRESHOLD, isHigh, LOW_SCORE_SPREAD, type Limits } from './options.ts';
import type { Choice } from './overlap.ts';
import { LOST, REMOVED, TENTATIVE, TRACKED, type TrackTable } from './table.ts';
import type { Detection } from './types.ts';
import { writeCorners, type Workspace } from './workspace.ts';

/** One update: its detections, its time in seconds and its number, 1 for the first of a video or a shot. */
export interface Update<D extends Detection = Detection> {
  readonly detections: readonly D[];
  readonly time: number;
  readonly frame: number;
}

/** Whether a track has ended by a time: its last detection is too long ago. */
export function hasEnded({ maxLostSeconds, maxUnseenSeconds }: Limits, tracks: TrackTable, slot: number, time: number) {
  const longest = tracks.state[slot] === LOST ? maxLostSeconds : maxUnseenSeconds;
  return time - tracks.lastSeen[slot]! > longest + 1e-9;
}

/** Marks the tracks that have ended before this update. The original counts frames, after the update. */
export function dropEnded(limits: Limits, { tracks, drop }: Workspace, time: number): void {
  for (let slot = 0; slot < tracks.count; slot++) {
    drop[slot] = !limits.compat && hasEnded(limits, tracks, slot, time) ? 1 : 0;
  }
}

/** Takes a slot's detection into its state; without one, a confirmed track is lost and a tentative one ends. */
export function updateTrack(limits: Limits, work: Workspace, slot: number, update: Update): void {
  const { tracks, match, drop, scores } = work;
  const index = match[slot]!;
  if (index === -1) {
    if (tracks.state[slot] === TENTATIVE) drop[slot] = 1;
    else if (tracks.state[slot] === TRACKED) tracks.state[slot] = LOST;
    return;
  }
  const { x, y, width, height } = update.detections[index]!.box;
  const cx = x + width / 2;
  const cy = y + height / 2;
  const { mean } = tracks;
  const m = slot * MEAN;
  tracks.innovation[slot] = Math.hypot(cx - mean[m]!, cy - mean[m + 1]!, height - mean[m + 3]!) / mean[m + 3]!;
  const spread = limits.compat || isHigh(limits, scores[index]!) ? 1 : LOW_SCORE_SPREAD;
  correct(mean, tracks.covariance, slot, cx, cy, width / height, height, spread);
  tracks.state[slot] = TRACKED;
  tracks.score[slot] = scores[index]!;
  tracks.lastSeen[slot] = update.time;
  tracks.lastFrame[slot] = update.frame;
  tracks.hits[slot]!++;
}

/**
 * Starts a track for each high score that is left, and returns the next ID. Those of the first frame are confirmed at
 * once.
 */
export function startTracks(limits: Limits, work: Workspace, update: Update, firstId: number): number {
  const { tracks, match, drop, scores, owner } = work;
  const { detections, time, frame } = update;
  let id = firstId;
  for (let i = 0; i < detections.length; i++) {
    if (owner[i] !== -1 || !isHigh(limits, scores[i]!) || scores[i]! < limits.newTrackThreshold) continue;
    const slot = tracks.count++;
    const { x, y, width, height } = detections[i]!.box;
    initiate(tracks.mean, tracks.covariance, slot, x + width / 2, y + height / 2, width / height, height);
    tracks.id[slot] = id++;
    tracks.state[slot] = frame === 1 ? TRACKED : TENTATIVE;
    tracks.score[slot] = scores[i]!;
    tracks.startTime[slot] = tracks.lastSeen[slot] = time;
    tracks.startFrame[slot] = tracks.lastFrame[slot] = frame;
    tracks.hits[slot] = 1;
    tracks.innovation[slot] = tracks.doomed[slot] = drop[slot] = 0;
    match[slot] = i;
    owner[i] = slot;
  }
  return id;
}

/**
 * The end of tracks in `compat`. The original takes a removed track from its list of lost ones a frame late, so that it
 * can be found again once more; and one that was found then is gone the next time it is lost.
 */
export function expireCompat({ frameRate, maxLostSeconds }: Limits, { tracks, drop }: Workspace, frame: number): void {
  const maxLostFrames = Math.floor(frameRate * maxLostSeconds + 1e-9);
  for (let slot = 0; slot < tracks.count; slot++) {
    if (tracks.state[slot]! < LOST) continue;
    if (tracks.doomed[slot]) drop[slot] = 1;
    // A track lost in this frame is checked from the next frame on, also with a buffer of 0.
    if (frame - tracks.lastFrame[slot]! <= Math.max(1, maxLostFrames)) continue;
    tracks.state[slot] = REMOVED;
    tracks.doomed[slot] = 1;
  }
}

/**
 * Of a found and a lost track that cover each other, the one of the longer history stays; the older takes up the
 * detection, which the original drops.
 */
export function mergeDuplicates(
  limits: Limits,
  work: Workspace,
  { visitOverlaps }: Pick<ReturnType<typeof createAssociation>, 'visitOverlaps'>,
  update: Update,
): void {
  const { tracks, trackBoxes, match, drop, owner } = work;
  const { count, state, startFrame, lastFrame } = tracks;
  writeCorners(work, limits.compat ? 1 : 0);
  const found: Choice = { boxes: trackBoxes, index: work.rowIndex, count: 0 };
  const lost: Choice = { boxes: trackBoxes, index: work.rowToCol, count: 0 };
  for (let slot = 0; slot < count; slot++) {
    if (drop[slot]) continue;
    if (state[slot]! >= LOST) lost.index[lost.count++] = slot;
    else found.index[found.count++] = slot;
  }
  visitOverlaps(found, lost, (row, col, iou) => {
    const a = found.index[row]!;
    const b = lost.index[col]!;
    if (1 - iou >= DUPLICATE_THRESHOLD) return;
    const older = lastFrame[a]! - startFrame[a]! > lastFrame[b]! - startFrame[b]!;
    if (limits.compat || older) {
      drop[older ? b : a] = 1;
    } else if (!drop[a] && !drop[b] && state[b] === LOST) {
      drop[a] = 1;
      match[b] = match[a]!;
      owner[match[a]!] = b;
      updateTrack(limits, work, b, update);
    }
  });
}
