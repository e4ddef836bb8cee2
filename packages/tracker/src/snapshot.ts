import { FaceDetError, received } from '@facedet/checks';
import { COVARIANCE, MEAN } from './kalman.ts';
import { createTable, LOST, NUMBER_COLUMNS, REMOVED, STATES, TENTATIVE, TRACKED, type TrackTable } from './table.ts';
import type { TrackerSnapshot, TrackSnapshot } from './types.ts';

/** A table's tracks as plain data. */
export function writeTracks(table: TrackTable): TrackSnapshot[] {
  return Array.from({ length: table.count }, (_, slot) => ({
    id: table.id[slot]!,
    state: STATES[table.state[slot]!]!,
    ...numbersOf(table, slot),
    ...(table.removedOnce[slot] ? { removed: true as const } : {}),
    mean: Array.from(table.mean.subarray(slot * MEAN, (slot + 1) * MEAN)),
    covariance: Array.from(table.covariance.subarray(slot * COVARIANCE, (slot + 1) * COVARIANCE)),
    ...(table.landmarks[slot] ? { landmarks: [...table.landmarks[slot]] } : {}),
  }));
}

const numbersOf = (table: TrackTable, slot: number) =>
  Object.fromEntries(NUMBER_COLUMNS.map((name) => [name, table[name][slot]])) as Pick<
    TrackSnapshot,
    (typeof NUMBER_COLUMNS)[number]
  >;

/**
 * The tracks of a snapshot, which may come from a file.
 *
 * @throws FaceDetError `INVALID_SNAPSHOT`
 */
export function readTracks(snapshot: TrackerSnapshot): TrackTable {
  if (snapshot?.version !== 1) throw invalid('version 1', snapshot?.version);
  const { time, frame, nextId, tracks } = snapshot;
  if (!(time === null || Number.isFinite(time))) throw invalid('a time in seconds or null', time);
  if (!isInteger(frame, 0)) throw invalid('frame, a count of updates,', frame);
  if (!isInteger(nextId, 1)) throw invalid('nextId, an integer from 1,', nextId);
  if (!Array.isArray(tracks)) throw invalid('an array of tracks', tracks);
  const table = createTable(Math.max(16, tracks.length));
  table.nextId = nextId;
  const ids = new Set<number>();
  for (const track of tracks as readonly TrackSnapshot[]) {
    const state = checkTrack(track);
    if (!(track.id < nextId) || ids.has(track.id)) throw invalid(`one track per ID below nextId (${nextId})`, track.id);
    ids.add(track.id);
    const slot = table.count++;
    table.id[slot] = track.id;
    table.state[slot] = state;
    for (const name of NUMBER_COLUMNS) table[name][slot] = track[name];
    table.removedOnce[slot] = track.removed ? 1 : 0;
    table.mean.set(track.mean, slot * MEAN);
    table.covariance.set(track.covariance, slot * COVARIANCE);
    table.landmarks[slot] = track.landmarks?.length ? [...track.landmarks] : null;
  }
  return table;
}

/** Checks a track and returns the code of its state. */
function checkTrack(track: TrackSnapshot): number {
  if (!Array.isArray(track?.mean) || track.mean.length !== MEAN) throw invalid(`tracks with ${MEAN} means`, track);
  if (!Array.isArray(track.covariance) || track.covariance.length !== COVARIANCE)
    throw invalid(`tracks with ${COVARIANCE} covariances`, track);
  const { mean, covariance } = track;
  const numbers = [...NUMBER_COLUMNS.map((name) => track[name]), ...mean, ...covariance];
  if (!isInteger(track.id, 1) || !numbers.every(Number.isFinite))
    throw invalid('tracks with an ID from 1 and finite numbers', track);
  // The filter divides by sums of the positions' variances, every third number.
  if (covariance.some((value, i) => i % 3 === 0 && value < 0)) throw invalid('variances from 0', track);
  const landmarks: unknown = track.landmarks ?? [];
  if (!Array.isArray(landmarks) || landmarks.length % 2 !== 0 || ![...landmarks].every(Number.isFinite))
    throw invalid('landmarks as pairs of finite numbers', landmarks);
  const state = [TENTATIVE, TRACKED, track.removed ? REMOVED : LOST][STATES.indexOf(track.state)];
  if (state === undefined) throw invalid('tracks that are tentative, tracked or lost', track.state);
  return state;
}

const isInteger = (value: unknown, from: number) => Number.isSafeInteger(value) && (value as number) >= from;

const invalid = (expected: string, value: unknown) =>
  new FaceDetError(
    'INVALID_SNAPSHOT',
    `Expected a tracker's snapshot with ${expected} but received ${received(value)}; take it from snapshot().`,
  );
