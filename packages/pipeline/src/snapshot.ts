import { FaceDetError, received } from '@facedet/checks';
import { isOrientationSnapshot } from './orientation.ts';
import type { VideoSnapshot } from './types.ts';

/** Whether a value has all the parts of a snapshot; tracker and smoother check their own. */
export function isSnapshot(value: Partial<VideoSnapshot> | null | undefined): value is VideoSnapshot {
  return (
    value?.version === 1 &&
    Boolean(value.schedule && value.cut) &&
    isOrientationSnapshot(value.orientation) &&
    areArrays(value.pending, value.landmarks, value.shown) &&
    Number.isInteger(value.lastIndex) &&
    Number.isInteger(value.processed) &&
    value.pending!.every(
      (row) => Number.isInteger(row?.index) && areArrays(row.faces, row.tentative, row.unmatched, row.nearby),
    )
  );
}

/** The error for what is none. */
export function invalidSnapshot(snapshot: unknown, withTracker: boolean, cause?: unknown): FaceDetError {
  return new FaceDetError(
    'INVALID_SNAPSHOT',
    `Expected a snapshot of a video detector ${withTracker ? 'with' : 'without'} a tracker, version 1, but received ` +
      `${received(snapshot)}; start from the beginning instead.`,
    { cause },
  );
}

const areArrays = (...values: unknown[]) => values.every(Array.isArray);
