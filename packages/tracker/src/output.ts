import { MEAN } from './kalman.ts';
import { placeLandmarks } from './landmarks.ts';
import { STATES, type TrackTable } from './table.ts';
import type { Box, Detection, Track } from './types.ts';
import type { Workspace } from './workspace.ts';

/** The tracks with a detection in this update, in the order of the detections. */
export function activeTracks<D extends Detection>(
  table: TrackTable,
  { slotOf, ended, newSlot }: Workspace,
  detections: readonly D[],
): Track<D>[] {
  const tracks: Track<D>[] = [];
  for (let i = 0; i < detections.length; i++) {
    const slot = slotOf[i]!;
    if (slot === -1 || ended[slot]) continue;
    tracks.push(toTrack(table, newSlot[slot]!, detections[i]!, i));
  }
  return tracks;
}

/** The tracks of the selected slots, without detections, oldest first. */
export function selectTracks<D extends Detection>(table: TrackTable, select: (slot: number) => boolean): Track<D>[] {
  const tracks: Track<D>[] = [];
  for (let slot = 0; slot < table.count; slot++) if (select(slot)) tracks.push(toTrack<D>(table, slot));
  return tracks;
}

/** The public form of a track. */
export function toTrack<D extends Detection>(
  table: TrackTable,
  slot: number,
  detection: D | null = null,
  detectionIndex = -1,
): Track<D> {
  const box = boxOf(table, slot);
  const relative = table.landmarks[slot];
  const points = detection?.landmarks?.length
    ? detection.landmarks.map(({ x, y }) => ({ x, y }))
    : relative && placeLandmarks(relative, box);
  const track: Track<D> = {
    id: table.id[slot]!,
    box,
    score: table.score[slot]!,
    state: STATES[table.state[slot]!]!,
    detection,
    detectionIndex,
    startTime: table.startTime[slot]!,
    lastSeen: table.lastSeen[slot]!,
    hits: table.hits[slot]!,
    innovation: table.innovation[slot]!,
  };
  // Assigned, not spread into the literal: a spread makes the tracks of every frame slow to create.
  return points ? Object.assign(track, { landmarks: points }) : track;
}

/** The box of a slot's mean. */
export function boxOf({ mean }: TrackTable, slot: number): Box {
  const m = slot * MEAN;
  const height = mean[m + 3]!;
  const width = mean[m + 2]! * height;
  return { x: mean[m]! - width / 2, y: mean[m + 1]! - height / 2, width, height };
}
