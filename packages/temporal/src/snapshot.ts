import { FaceDetError, received } from '@facedet/checks';
import type { FilterState, SmoothedTrackSnapshot, SmootherSnapshot } from './types.ts';

/**
 * The tracks of a snapshot, copied.
 *
 * @throws FaceDetError `INVALID_SNAPSHOT`
 */
export function readTracks(snapshot: SmootherSnapshot): SmoothedTrackSnapshot[] {
  const { version, time, tracks } = snapshot ?? ({} as Partial<SmootherSnapshot>);
  if (version !== 1 || !Array.isArray(tracks) || !(time === null || isNumber(time))) throw invalid(snapshot);
  return tracks.map((track: SmoothedTrackSnapshot) => {
    if (!isTrack(track) || !(track.lastSeen <= (time ?? -Infinity))) throw invalid(track);
    return copyTrack(track);
  });
}

/** A copy that later frames do not change. */
export function copyTrack({ id, lastSeen, score, position, size }: SmoothedTrackSnapshot): SmoothedTrackSnapshot {
  return { id, lastSeen, score, position: copyState(position), size: copyState(size) };
}

const copyState = ({ values, motion, noise }: FilterState): FilterState => ({
  values: [...values],
  motion: [...motion],
  noise,
});

function isTrack(track: SmoothedTrackSnapshot | null): boolean {
  const { id, lastSeen, score, position, size } = track ?? ({} as Partial<SmoothedTrackSnapshot>);
  return (
    [id, lastSeen, score].every(isNumber) &&
    isState(position) &&
    position.values.length % 2 === 0 &&
    isState(size) &&
    size.values.length === 2
  );
}

function isState(state: FilterState | null | undefined): state is FilterState {
  const { values, motion, noise } = state ?? ({} as Partial<FilterState>);
  if (!Array.isArray(values) || !Array.isArray(motion)) return false;
  return values.length >= 2 && motion.length === 2 && [...values, ...motion, noise].every(isNumber);
}

/** Far beyond any filter state, and far below the overflow of its products. */
const MAX_NUMBER = 1e100;

const isNumber = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_NUMBER;

const invalid = (value: unknown) =>
  new FaceDetError(
    'INVALID_SNAPSHOT',
    `Expected a smoother's snapshot of version 1 but received ${received(value)}; take it from snapshot().`,
  );
