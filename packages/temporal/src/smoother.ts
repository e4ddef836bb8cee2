import { over, REFERENCE_RATE } from './adaptive-ema.ts';
import { checkFaces } from './input.ts';
import { resolveOptions } from './options.ts';
import { copyIdentity, readIdentities } from './snapshot.ts';
import type { Box, FilterState, Identified, Point, Smoother, SmootherOptions } from './types.ts';

/** Shorter steps count as this, seconds: a speed must stay a number. */
const MIN_SECONDS = 1e-6;

interface Identity {
  lastSeen: number;
  score: number;
  position: FilterState;
  size: FilterState;
}

/**
 * Steadies boxes and landmarks of identities over time: still faces stand still, moving ones are followed within a
 * frame. Each identity has a state of its own.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an option that is unknown or out of its range
 *
 * @example
 * const smoother = createSmoother();
 * const [steady] = smoother.smooth([{ id: 1, box: { x: 10, y: 20, width: 40, height: 50 }, score: 0.9 }], 0);
 */
export function createSmoother(options: SmootherOptions = {}): Smoother {
  const { filter, scoreMomentum, resetAfterSeconds } = resolveOptions(options);
  let identities = new Map<number, Identity>();
  let time: number | null = null;

  function smooth<T extends Identified>(faces: readonly T[], timestamp: number): T[] {
    checkFaces(faces, timestamp, time);
    time = timestamp;
    const steady = faces.map((face) => {
      const known = identities.get(face.id);
      const identity = known && !isOver(known, timestamp) ? follow(known, face, timestamp) : begin(face, timestamp);
      identities.set(face.id, identity);
      return { ...face, ...shape(identity, face) };
    });
    for (const [id, identity] of identities) if (isOver(identity, timestamp)) identities.delete(id);
    return steady;
  }

  const isOver = (identity: Identity, now: number) => now - identity.lastSeen > resetAfterSeconds + 1e-9;

  const begin = (face: Identified, lastSeen: number): Identity => ({
    lastSeen,
    score: face.score,
    position: filter.start(positionOf(face)),
    size: filter.start([face.box.width, face.box.height]),
  });

  function follow(identity: Identity, face: Identified, now: number): Identity {
    const { position, size } = identity;
    const seconds = Math.max(now - identity.lastSeen, MIN_SECONDS);
    const scale = Math.max(Math.sqrt(Math.abs(size.values[0]! * size.values[1]!)), 1e-3);
    const next = positionOf(face);
    if (next.length !== position.values.length) {
      // New landmarks have no history; start from the raw values.
      position.values = [...position.values.slice(0, 2), ...next.slice(2)];
    }
    filter.step(position, next, scale, seconds);
    filter.step(size, [face.box.width, face.box.height], scale, seconds);
    identity.score += over(1 - scoreMomentum, seconds * REFERENCE_RATE) * (face.score - identity.score);
    identity.lastSeen = now;
    return identity;
  }

  return {
    smooth,
    drop: (id) => void identities.delete(id),
    reset() {
      identities.clear();
      time = null;
    },
    snapshot: () => ({
      version: 1,
      time,
      identities: Array.from(identities, ([id, identity]) => copyIdentity({ id, ...identity })),
    }),
    restore(snapshot) {
      identities = new Map(readIdentities(snapshot).map(({ id, ...identity }) => [id, identity]));
      time = snapshot.time;
    },
    get size() {
      return identities.size;
    },
  };
}

/** Centre, then landmarks, as one vector: what moves together is steadied together. */
function positionOf({ box, landmarks }: Identified): number[] {
  const values = [box.x + box.width / 2, box.y + box.height / 2];
  for (const point of landmarks ?? []) values.push(point.x, point.y);
  return values;
}

function shape(
  { position, size, score }: Identity,
  face: Identified,
): { box: Box; score: number; landmarks?: Point[] } {
  const [width, height] = size.values as [number, number];
  const box = { x: position.values[0]! - width / 2, y: position.values[1]! - height / 2, width, height };
  if (!face.landmarks) return { box, score };
  return {
    box,
    score,
    landmarks: face.landmarks.map((_, k) => ({ x: position.values[2 + 2 * k]!, y: position.values[3 + 2 * k]! })),
  };
}
