import { FaceDetError } from '@facedet/checks';
import { COVARIANCE, MEAN } from './kalman.ts';
import { createTable, LOST, REMOVED, STATES, TENTATIVE, TRACKED, type TrackTable } from './table.ts';
import type { TrackerSnapshot, TrackSnapshot } from './types.ts';

/** A table's tracks as plain data. */
export function writeTracks(table: TrackTable): TrackSnapshot[] {
  return Array.from({ length: table.count }, (_, slot) => ({
    id: table.id[slot]!,
    state: STATES[table.state[slot]!]!,
    score: table.score[slot]!,
    startTime: table.startTime[slot]!,
    lastSeen: table.lastSeen[slot]!,
    startFrame: table.startFrame[slot]!,
    lastFrame: table.lastFrame[slot]!,
    hits: table.hits[slot]!,
    innovation: table.innovation[slot]!,
    ...(table.doomed[slot] ? { removed: true as const } : {}),
    mean: Array.from(table.mean.subarray(slot * MEAN, (slot + 1) * MEAN)),
    covariance: Array.from(table.covariance.subarray(slot * COVARIANCE, (slot + 1) * COVARIANCE)),
  }));
}

/** @throws FaceDetError `INVALID_SNAPSHOT` */
export function readTracks(snapshot: TrackerSnapshot): TrackTable {
  if (snapshot?.version !== 1) throw invalid(`version 1 but received ${snapshot?.version}`);
  const { time, frame, nextId, tracks } = snapshot;
  if (!(time === null || Number.isFinite(time)) || !Number.isInteger(frame) || !Number.isInteger(nextId) || !Array.isArray(tracks)) {
    throw invalid(`time, frame, nextId and tracks but received ${JSON.stringify({ time, frame, nextId, tracks: typeof tracks })}`);
  }
  const table = createTable(Math.max(16, tracks.length));
  for (const track of tracks as readonly TrackSnapshot[]) {
    if (!Array.isArray(track?.mean) || !Array.isArray(track.covariance)) throw invalid(`tracks with mean and covariance but received ${JSON.stringify(track)}`);
    const numbers = [track.id, track.score, track.startTime, track.lastSeen, track.startFrame, track.lastFrame, track.hits, track.innovation, ...track.mean, ...track.covariance];
    const code = [TENTATIVE, TRACKED, track.removed ? REMOVED : LOST][STATES.indexOf(track.state)];
    if (code === undefined || track.mean.length !== MEAN || track.covariance.length !== COVARIANCE || !numbers.every(Number.isFinite)) {
      throw invalid(`tracks of a state, ${MEAN} means, ${COVARIANCE} covariances and finite numbers but received ${JSON.stringify(track)}`);
    }
    const slot = table.count++;
    table.id[slot] = track.id;
    table.state[slot] = code;
    table.score[slot] = track.score;
    table.startTime[slot] = track.startTime;
    table.lastSeen[slot] = track.lastSeen;
    table.startFrame[slot] = track.startFrame;
    table.lastFrame[slot] = track.lastFrame;
    table.hits[slot] = track.hits;
    table.innovation[slot] = track.innovation;
    table.doomed[slot] = track.removed ? 1 : 0;
    table.mean.set(track.mean, slot * MEAN);
    table.covariance.set(track.covariance, slot * COVARIANCE);
  }
  return table;
}

const invalid = (expected: string) => new FaceDetError('INVALID_SNAPSHOT', `Expected a tracker's snapshot with ${expected}; take it from snapshot()`);
