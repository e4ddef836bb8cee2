import { FaceDetError } from '@facedet/checks';

/**
 * What the steps between updates say about the unit of the timestamps. Milliseconds show as regular steps that are
 * longer than any track lives, from the first step onwards. One shorter step, at any time, shows that they are seconds:
 * pauses of a stream that once ran at a usual rate are never refused.
 */
export interface Cadence {
  /** Whether a short step has occurred. */
  readonly isSeconds: boolean;
  /** Long steps in a row that differ from the first of them by less than `MAX_STEP_RATIO`. */
  readonly longSteps: number;
  /** The first of them, in the unit of the timestamps. */
  readonly step: number;
}

export const UNKNOWN: Cadence = { isSeconds: false, longSteps: 0, step: 0 };
export const SECONDS: Cadence = { isSeconds: true, longSteps: 0, step: 0 };

/** Steps up to this, seconds, are never suspicious. Milliseconds at up to 250 fps have longer steps. */
const SHORT_STEP = 4;
/** As many long steps in a row are an error, where none differs from the first by more than the factor. */
const ERROR_STEPS = 3;
const MAX_STEP_RATIO = 1.25;

/** One step between two updates. */
export interface Step {
  /** In the unit of the timestamps. */
  readonly length: number;
  /** Seconds that a track lives without a detection. */
  readonly maxUnseenSeconds: number;
  /**
   * Whether there was a track to continue and a detection that might have continued it. Otherwise the step says nothing
   * about the unit.
   */
  readonly hasFaces: boolean;
}

/** The cadence after one more step. */
export function nextCadence(cadence: Cadence, { length, maxUnseenSeconds, hasFaces }: Step): Cadence {
  if (cadence.isSeconds || isShortStep(length, maxUnseenSeconds)) return SECONDS;
  if (!hasFaces || isOtherUnit(cadence)) return cadence;
  const isRegular = length <= cadence.step * MAX_STEP_RATIO && length * MAX_STEP_RATIO >= cadence.step;
  return isRegular
    ? { ...cadence, longSteps: cadence.longSteps + 1 }
    : { isSeconds: false, longSteps: 1, step: length };
}

/** Whether the timestamps are in another unit than seconds. This stays so until a short step. */
export const isOtherUnit = ({ longSteps }: Cadence) => longSteps >= ERROR_STEPS;

/** Whether a step is shorter than milliseconds would give. */
export const isShortStep = (step: number, maxUnseenSeconds: number) => step <= Math.max(SHORT_STEP, maxUnseenSeconds);

/** The error for timestamps that are not seconds. */
export function otherUnitError({ step }: Cadence, maxUnseenSeconds: number): FaceDetError {
  const short = (value: number) => Number(value.toPrecision(3));
  const received =
    `${ERROR_STEPS} steps of about ${short(step)}, ` + `longer than any track lives (${short(maxUnseenSeconds)} s)`;
  const next =
    'divide by 1000 where they are milliseconds and call reset(), ' +
    'or raise maxLostSeconds above the time between two updates';
  return new FaceDetError('TIME_NOT_SECONDS', `Expected timestamps in seconds but received ${received}; ${next}.`);
}
