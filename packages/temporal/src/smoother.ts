import { adaptiveEma, over, REFERENCE_RATE } from './adaptive-ema.ts';
import { FaceDetError } from '@facedet/checks';
import type { Filter } from './filter.ts';
import { oneEuro } from './one-euro.ts';
import type { Box, FilterState, Identified, Point, Smoother, SmootherOptions, SmootherSnapshot } from './types.ts';

interface Identity {
  lastSeen: number;
  score: number;
  position: FilterState;
  size: FilterState;
}

/**
 * Steadies boxes and landmarks of identities over time: still faces stand still, moving ones are followed within a frame. Each identity has a state of its own.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an option out of its range
 *
 * @example
 * const smoother = createSmoother();
 * const [steady] = smoother.smooth([{ id: 1, box: { x: 10, y: 20, width: 40, height: 50 }, score: 0.9 }], 0);
 */
export function createSmoother(options: SmootherOptions = {}): Smoother {
  const { filter, scoreMomentum, resetAfterSeconds } = resolve(options);
  let identities = new Map<number, Identity>();
  let time: number | null = null;

  function smooth<T extends Identified>(faces: readonly T[], timestamp: number): T[] {
    check(faces, timestamp, time);
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
    const seconds = now - identity.lastSeen;
    const scale = Math.max(Math.sqrt(Math.abs(size.values[0]! * size.values[1]!)), 1e-3);
    const next = positionOf(face);
    if (next.length !== position.values.length) {
      // Landmarks came or went: those that are new have nothing to be steadied by.
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
    snapshot: () => ({ version: 1, time, identities: Array.from(identities, ([id, identity]) => structured({ id, ...identity })) }),
    restore(snapshot) {
      identities = readIdentities(snapshot);
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

function shape({ position, size, score }: Identity, face: Identified): { box: Box; score: number; landmarks?: Point[] } {
  const [width, height] = size.values as [number, number];
  const box = { x: position.values[0]! - width / 2, y: position.values[1]! - height / 2, width, height };
  if (!face.landmarks) return { box, score };
  return { box, score, landmarks: face.landmarks.map((_, k) => ({ x: position.values[2 + 2 * k]!, y: position.values[3 + 2 * k]! })) };
}

function resolve(options: SmootherOptions): { filter: Filter; scoreMomentum: number; resetAfterSeconds: number } {
  const { filter = 'adaptive-ema', stillAlpha = 0.3, fastAlpha = Math.max(0.9, stillAlpha), minCutoff = 1.5, beta = 4, scoreMomentum = 0.7, resetAfterSeconds = 0.5 } = options;
  within('stillAlpha', stillAlpha, 'in (0, 1]', stillAlpha > 0 && stillAlpha <= 1);
  within('fastAlpha', fastAlpha, `in [${stillAlpha}, 1]`, fastAlpha >= stillAlpha && fastAlpha <= 1);
  within('minCutoff', minCutoff, 'above 0', minCutoff > 0 && minCutoff < Infinity);
  within('beta', beta, 'from 0', beta >= 0 && beta < Infinity);
  within('scoreMomentum', scoreMomentum, 'in [0, 1)', scoreMomentum >= 0 && scoreMomentum < 1);
  within('resetAfterSeconds', resetAfterSeconds, 'from 0', resetAfterSeconds >= 0);
  if (filter !== 'adaptive-ema' && filter !== 'one-euro') throw new FaceDetError('INVALID_ARGUMENT', `Expected adaptive-ema or one-euro for filter but received ${String(filter)}`);
  return { filter: filter === 'one-euro' ? oneEuro(minCutoff, beta) : adaptiveEma(stillAlpha, fastAlpha), scoreMomentum, resetAfterSeconds };
}

function within(name: string, value: unknown, range: string, holds: boolean): void {
  if (typeof value !== 'number' || !holds) throw new FaceDetError('INVALID_ARGUMENT', `Expected a number ${range} for ${name} but received ${String(value)} of type ${typeof value}`);
}

function check(faces: readonly Identified[], timestamp: number, last: number | null): void {
  if (!Number.isFinite(timestamp)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a timestamp in seconds but received ${String(timestamp)}`);
  if (last !== null && !(timestamp > last)) {
    throw new FaceDetError('TIME_NOT_RISING', `Expected a timestamp after ${last} s, the last frame's, but received ${timestamp} s; call reset() to begin anew`);
  }
  const ids = new Set<number>();
  faces.forEach((face, index) => {
    const { x, y, width, height } = face.box;
    // One sum finds what isn't finite in any of them.
    let sum = x + y + width + height + face.score + face.id;
    for (const point of face.landmarks ?? []) sum += point.x + point.y;
    if (!Number.isFinite(sum)) throw new FaceDetError('INVALID_ARGUMENT', `Expected finite numbers for face ${index} but received ${JSON.stringify({ id: face.id, box: face.box, score: face.score, landmarks: face.landmarks })}`);
    if (ids.has(face.id)) throw new FaceDetError('INVALID_ARGUMENT', `Expected each identity once but received ${face.id} again at face ${index}`);
    ids.add(face.id);
  });
}

function readIdentities(snapshot: SmootherSnapshot): Map<number, Identity> {
  const invalid = (received: unknown) => new FaceDetError('INVALID_SNAPSHOT', `Expected a smoother's snapshot of version 1 but received ${JSON.stringify(received)}; take it from snapshot()`);
  if (snapshot?.version !== 1 || !Array.isArray(snapshot.identities) || !(snapshot.time === null || Number.isFinite(snapshot.time))) throw invalid(snapshot);
  return new Map((snapshot.identities as SmootherSnapshot['identities']).map((identity) => {
    if (!identity) throw invalid(identity);
    const { id, lastSeen, score, position, size } = identity;
    const numbers = [id, lastSeen, score, position?.noise, size?.noise, ...(position?.values ?? []), ...(size?.values ?? []), ...(position?.motion ?? []), ...(size?.motion ?? [])];
    const whole = position?.values?.length >= 2 && size?.values?.length === 2 && position.motion?.length === 2 && size.motion?.length === 2;
    if (!whole || !numbers.every(Number.isFinite)) throw invalid(identity);
    return [id, structured({ lastSeen, score, position, size })];
  }));
}

/** A copy that later frames don't change. */
function structured<T extends Identity>(identity: T): T {
  const copy = (state: FilterState): FilterState => ({ values: [...state.values], motion: [...state.motion], noise: state.noise });
  return { ...identity, position: copy(identity.position), size: copy(identity.size) };
}
