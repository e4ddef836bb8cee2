import { FaceDetError } from '@facedet/checks';

/**
 * What the steps between updates say about the unit of the timestamps. Milliseconds show as regular steps that are
 * longer than any track lives, from the first step on. One shorter step, at any time, says that they are seconds:
 * pauses of a stream that once ran at a usual rate are never refused.
 */
export interface Cadence {
  /** Whether a short step has been seen. */
  readonly seconds: boolean;
  /** Long steps in a row that differ by less than `REGULAR` from the first of them. */
  readonly longSteps: number;
  /** The first of them, in the unit of the timestamps. */
  readonly step: number;
}

export const UNKNOWN: Cadence = { seconds: false, longSteps: 0, step: 0 };
export const SECONDS: Cadence = { seconds: true, longSteps: 0, step: 0 };

/** Steps up to this, seconds, are never suspicious. Milliseconds at up to 250 frames per second are above it. */
const SHORT = 4;
/** So many long steps in a row are an error, where none is longer or shorter than another by more than this factor. */
const ERROR_STEPS = 3;
const REGULAR = 1.25;

/**
 * The cadence after one more step. `longest` is the time that a track lives without a detection, `faces` whether
 * there was a track to continue and a detection that might have: where either is missing, a step says nothing about the
 * unit.
 */
export function afterStep(cadence: Cadence, step: number, longest: number, faces: boolean): Cadence {
  if (cadence.seconds || isShort(step, longest)) return SECONDS;
  if (!faces || noSeconds(cadence)) return cadence;
  const regular = step <= cadence.step * REGULAR && step * REGULAR >= cadence.step;
  return regular ? { ...cadence, longSteps: cadence.longSteps + 1 } : { seconds: false, longSteps: 1, step };
}

/** Whether the timestamps are in another unit. This stays so until a short step. */
export const noSeconds = ({ longSteps }: Cadence) => longSteps >= ERROR_STEPS;

/** Whether a step is one that milliseconds would not have. */
export const isShort = (step: number, longest: number) => step <= Math.max(SHORT, longest);

/** The error for timestamps that are no seconds. */
export function notSeconds({ step }: Cadence, longest: number): FaceDetError {
  const short = (value: number) => Number(value.toPrecision(3));
  const received = `${ERROR_STEPS} steps of about ${short(step)}, over which no track lives (${short(longest)} s)`;
  const next =
    'divide by 1000 where they are milliseconds and call reset(), ' +
    'or raise maxLostSeconds above the time between two updates';
  return new FaceDetError('TIME_NOT_SECONDS', `Expected timestamps in seconds but received ${received}; ${next}.`);
}
