import { FaceDetError } from '@facedet/core';
import { received } from '@facedet/core/engine';
import { isOrientationSnapshot } from './orientation.ts';
import type { VideoSnapshot } from './types.ts';

/** Whether a value has all the parts of a snapshot; tracker and smoother check their own. */
export function isSnapshot(value: Partial<VideoSnapshot> | null | undefined): value is VideoSnapshot {
  return (
    value?.version === 1 &&
    Boolean(value.schedule && value.cut) &&
    isOrientationSnapshot(value.orientation) &&
    areArrays(value.pending, value.visibleIds) &&
    Number.isInteger(value.lastIndex) &&
    Number.isInteger(value.processed) &&
    value.pending!.every(
      (row) =>
        Number.isInteger(row?.index) &&
        areArrays(row.faces, row.tentative, row.unmatchedDetections, row.nearbyDetections),
    )
  );
}

/** The error for an invalid snapshot. */
export function invalidSnapshot(snapshot: unknown, withTracker: boolean, cause?: unknown): FaceDetError {
  const missing = missingParts(snapshot);
  const found = missing.length ? `one without ${missing.join(', ')}` : received(snapshot);
  return new FaceDetError(
    'INVALID_SNAPSHOT',
    `Expected a snapshot of a video detector ${withTracker ? 'with' : 'without'} a tracker, version 1, but received ` +
      `${found}; start from the beginning instead.`,
    { cause },
  );
}

/** Names of the parts that a snapshot of another release of this package lacks. */
function missingParts(snapshot: unknown): string[] {
  if ((snapshot as Partial<VideoSnapshot> | null | undefined)?.version !== 1) return [];
  return Object.keys(PARTS).filter((name) => (snapshot as Record<string, unknown>)[name] === undefined);
}

const PARTS = {
  lastIndex: 0,
  tracker: 0,
  smoother: 0,
  schedule: 0,
  pending: 0,
  visibleIds: 0,
  processed: 0,
  cut: 0,
  orientation: 0,
} satisfies Record<Exclude<keyof VideoSnapshot, 'version'>, 0>;

const areArrays = (...values: unknown[]) => values.every(Array.isArray);
