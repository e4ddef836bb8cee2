import { compound, STEPS_PER_SECOND } from './adaptive-ema.ts';
import { checkFaces } from './input.ts';
import { resolveOptions, type Settings } from './options.ts';
import { copyTrack, readTracks } from './snapshot.ts';
import type { Box, FilterState, TrackedFace, Point, Smoother, SmootherOptions } from './types.ts';

/** Shorter steps count as this, seconds, so that a speed stays finite. */
const MIN_SECONDS = 1e-6;
/** Smaller faces count as this, pixels, so that motion in sides of the face stays finite. */
const MIN_SCALE = 1e-3;

/** The state of one track. */
interface TrackState {
  lastSeen: number;
  score: number;
  position: FilterState;
  size: FilterState;
}

/**
 * Creates a smoother of the boxes, landmarks and scores of tracks.
 *
 * Faces that do not move stay in place; moving ones are followed within a frame. Each track has a state of its own.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an option that is unknown or out of its range
 *
 * @example
 * const smoother = createSmoother();
 * const [smoothed] = smoother.smooth([{ id: 1, box: { x: 10, y: 20, width: 40, height: 50 }, score: 0.9 }], 0);
 */
export function createSmoother(options: SmootherOptions = {}): Smoother {
  const settings = resolveOptions(options);
  let tracks = new Map<number, TrackState>();
  let time: number | null = null;

  const isExpired = (track: TrackState, now: number) => now - track.lastSeen > settings.resetAfterSeconds + 1e-9;

  function smooth<T extends TrackedFace>(faces: readonly T[], timestamp: number): T[] {
    checkFaces(faces, timestamp, time);
    time = timestamp;
    const smoothed = faces.map((face) => {
      const known = tracks.get(face.id);
      let track: TrackState;
      if (known && !isExpired(known, timestamp)) {
        updateTrack(settings, known, face, timestamp);
        track = known;
      } else {
        track = startTrack(settings, face, timestamp);
      }
      tracks.set(face.id, track);
      return { ...face, ...smoothedFields(track, face) };
    });
    for (const [id, track] of tracks) if (isExpired(track, timestamp)) tracks.delete(id);
    return smoothed;
  }

  return {
    smooth,
    drop: (id) => void tracks.delete(id),
    reset() {
      tracks.clear();
      time = null;
    },
    snapshot: () => ({
      version: 1,
      time,
      tracks: Array.from(tracks, ([id, track]) => copyTrack({ id, ...track })),
    }),
    restore(snapshot) {
      tracks = new Map(readTracks(snapshot).map(({ id, ...track }) => [id, track]));
      time = snapshot.time;
    },
    get size() {
      return tracks.size;
    },
  };
}

const startTrack = ({ filter }: Settings, face: TrackedFace, lastSeen: number): TrackState => ({
  lastSeen,
  score: face.score,
  position: filter.start(positionOf(face)),
  size: filter.start([face.box.width, face.box.height]),
});

function updateTrack({ filter, scoreMomentum }: Settings, track: TrackState, face: TrackedFace, now: number): void {
  const { position, size } = track;
  const seconds = Math.max(now - track.lastSeen, MIN_SECONDS);
  const scale = Math.max(Math.sqrt(Math.abs(size.values[0]! * size.values[1]!)), MIN_SCALE);
  const next = positionOf(face);
  if (next.length !== position.values.length) {
    // New landmarks have no history; start from the raw values.
    position.values = [...position.values.slice(0, 2), ...next.slice(2)];
  }
  filter.step(position, next, scale, seconds);
  filter.step(size, [face.box.width, face.box.height], scale, seconds);
  track.score += compound(1 - scoreMomentum, seconds * STEPS_PER_SECOND) * (face.score - track.score);
  track.lastSeen = now;
}

/** Center, then landmarks, as one vector: numbers that move together are smoothed together. */
function positionOf({ box, landmarks }: TrackedFace): number[] {
  const values = [box.x + box.width / 2, box.y + box.height / 2];
  for (const point of landmarks ?? []) values.push(point.x, point.y);
  return values;
}

function smoothedFields(
  { position, size, score }: TrackState,
  face: TrackedFace,
): { box: Box; score: number; landmarks?: Point[] } {
  const [width, height] = size.values as [number, number];
  const box = { x: position.values[0]! - width / 2, y: position.values[1]! - height / 2, width, height };
  if (!face.landmarks) return { box, score };
  const landmarks = face.landmarks.map((_, k) => ({
    x: position.values[2 + 2 * k]!,
    y: position.values[3 + 2 * k]!,
  }));
  return { box, score, landmarks };
}
