import { FaceDetError, received } from '@facedet/checks';
import type { FilterState, IdentitySnapshot, SmootherSnapshot } from './types.ts';

/**
 * The identities of a snapshot, copied.
 *
 * @throws FaceDetError `INVALID_SNAPSHOT`
 */
export function readIdentities(snapshot: SmootherSnapshot): IdentitySnapshot[] {
  const { version, time, identities } = snapshot ?? ({} as Partial<SmootherSnapshot>);
  if (version !== 1 || !Array.isArray(identities) || !(time === null || isNumber(time))) throw invalid(snapshot);
  return identities.map((identity: IdentitySnapshot) => {
    if (!isIdentity(identity) || !(identity.lastSeen <= (time ?? -Infinity))) throw invalid(identity);
    return copyIdentity(identity);
  });
}

/** A copy that later frames don't change. */
export function copyIdentity({ id, lastSeen, score, position, size }: IdentitySnapshot): IdentitySnapshot {
  return { id, lastSeen, score, position: copyState(position), size: copyState(size) };
}

const copyState = ({ values, motion, noise }: FilterState): FilterState => ({
  values: [...values],
  motion: [...motion],
  noise,
});

function isIdentity(identity: IdentitySnapshot | null): boolean {
  const { id, lastSeen, score, position, size } = identity ?? ({} as Partial<IdentitySnapshot>);
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

/** Far beyond what a filter can hold, and far from where its products overflow. */
const MAX_NUMBER = 1e100;

const isNumber = (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= MAX_NUMBER;

const invalid = (value: unknown) =>
  new FaceDetError(
    'INVALID_SNAPSHOT',
    `Expected a smoother's snapshot of version 1 but received ${received(value)}; take it from snapshot().`,
  );
