import type { Association } from './association.ts';
import { correct, initiate, MEAN, measurementOf } from './kalman.ts';
import { relativeLandmarks } from './landmarks.ts';
import type { CommonSettings } from './options.ts';
import { boxOf } from './output.ts';
import type { BoxSelection } from './overlap.ts';
import { compact, LOST, REMOVED, TENTATIVE, TRACKED, type TrackTable } from './table.ts';
import type { Detection } from './types.ts';
import { writeCorners, type Workspace } from './workspace.ts';

/** One update of the tracker. */
export interface Update {
  readonly detections: readonly Detection[];
  /** Seconds. */
  readonly time: number;
  /** Its number, 1 for the first of a video or a shot. */
  readonly frame: number;
}

/** Two tracks whose boxes have a smaller IoU distance (1 − IoU) than this are one; as in the original. */
const DUPLICATE_THRESHOLD = 0.15;

/** Whether a prediction for a time includes a track. */
export function isLive(settings: CommonSettings, tracks: TrackTable, slot: number, time: number): boolean {
  return tracks.state[slot] !== REMOVED && settings.policy.isLive(settings, tracks, slot, time);
}

/** Marks the tracks that have ended before an update. */
export function endTimedOut(settings: CommonSettings, { tracks, ended }: Workspace, time: number): void {
  for (let slot = 0; slot < tracks.count; slot++)
    ended[slot] = settings.policy.endsBefore(settings, tracks, slot, time) ? 1 : 0;
}

/** After matching: updates, starts, ends and merges tracks. */
export function advanceTracks(
  settings: CommonSettings,
  work: Workspace,
  association: Association,
  update: Update,
): void {
  for (let slot = 0; slot < work.tracks.count; slot++) updateTrack(settings, work, slot, update);
  startTracks(settings, work, update);
  settings.policy.endAfter(settings, work, update.frame);
  mergeDuplicates(settings, work, association, update);
  compact(work.tracks, work.ended, work.newSlot);
}

/** Corrects a track by its detection; without one, a confirmed track is lost and a tentative one ends. */
function updateTrack(settings: CommonSettings, work: Workspace, slot: number, update: Update): void {
  const { tracks, detectionOf, ended, scores } = work;
  const index = detectionOf[slot]!;
  if (index === -1) {
    if (tracks.state[slot] === TENTATIVE) ended[slot] = 1;
    else if (tracks.state[slot] === TRACKED) tracks.state[slot] = LOST;
    return;
  }
  const detection = update.detections[index]!;
  const measured = measurementOf(detection.box);
  const { mean } = tracks;
  const m = slot * MEAN;
  const expectedHeight = mean[m + 3]!;
  tracks.innovation[slot] =
    Math.hypot(measured[0] - mean[m]!, measured[1] - mean[m + 1]!, measured[3] - expectedHeight) / expectedHeight;
  const { policy, highScoreThreshold } = settings;
  const isHigh = policy.reaches(highScoreThreshold, scores[index]!);
  correct(tracks, slot, measured, isHigh ? 1 : policy.lowScoreNoiseScale);
  tracks.state[slot] = TRACKED;
  recordDetection(work, slot, index, update);
}

/**
 * Starts a track for each unmatched high-score detection from `newTrackThreshold` up. Tracks of the first frame are
 * confirmed at once.
 */
function startTracks(settings: CommonSettings, work: Workspace, update: Update): void {
  const { tracks, detectionOf, ended, scores, slotOf } = work;
  const { detections, time, frame } = update;
  for (let i = 0; i < detections.length; i++) {
    if (slotOf[i] !== -1 || scores[i]! < settings.newTrackThreshold) continue;
    if (!settings.policy.reaches(settings.highScoreThreshold, scores[i]!)) continue;
    const slot = tracks.count++;
    initiate(tracks, slot, measurementOf(detections[i]!.box));
    tracks.id[slot] = tracks.nextId++;
    tracks.state[slot] = frame === 1 ? TRACKED : TENTATIVE;
    tracks.startTime[slot] = time;
    tracks.startFrame[slot] = frame;
    tracks.hits[slot] = tracks.innovation[slot] = tracks.removedOnce[slot] = ended[slot] = 0;
    tracks.landmarks[slot] = null;
    recordDetection(work, slot, i, update);
    detectionOf[slot] = i;
    slotOf[i] = slot;
  }
}

/** Keeps what a track has of its last detection, once the filter has its box. Landmarks stay until it has new ones. */
function recordDetection({ tracks, scores }: Workspace, slot: number, index: number, update: Update): void {
  const { landmarks } = update.detections[index]!;
  if (landmarks?.length) tracks.landmarks[slot] = relativeLandmarks(landmarks, boxOf(tracks, slot));
  tracks.score[slot] = scores[index]!;
  tracks.lastSeen[slot] = update.time;
  tracks.lastFrame[slot] = update.frame;
  tracks.hits[slot]!++;
}

/**
 * Of a found and a lost track that cover each other, keeps the one with the longer history. An older lost track takes
 * over the detection, which the original drops.
 */
function mergeDuplicates(
  settings: CommonSettings,
  work: Workspace,
  { visitOverlaps }: Association,
  update: Update,
): void {
  const { policy } = settings;
  const { tracks, trackBoxes, detectionOf, ended, slotOf } = work;
  const { count, state, startFrame, lastFrame } = tracks;
  writeCorners(work, policy.edgePixels);
  const found: BoxSelection = { boxes: trackBoxes, indices: work.stageSlots, count: 0 };
  const lost: BoxSelection = { boxes: trackBoxes, indices: work.lostSlots, count: 0 };
  for (let slot = 0; slot < count; slot++) {
    if (ended[slot]) continue;
    const selection = state[slot]! >= LOST ? lost : found;
    selection.indices[selection.count++] = slot;
  }
  visitOverlaps(found, lost, (foundIndex, lostIndex, iou) => {
    if (1 - iou >= DUPLICATE_THRESHOLD) return;
    const a = found.indices[foundIndex]!;
    const b = lost.indices[lostIndex]!;
    const foundIsOlder = lastFrame[a]! - startFrame[a]! > lastFrame[b]! - startFrame[b]!;
    if (foundIsOlder || !policy.mergesDetections) {
      ended[foundIsOlder ? b : a] = 1;
    } else if (!ended[a] && !ended[b] && state[b] === LOST) {
      ended[a] = 1;
      detectionOf[b] = detectionOf[a]!;
      slotOf[detectionOf[a]!] = b;
      updateTrack(settings, work, b, update);
    }
  });
}
