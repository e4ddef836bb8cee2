import type { Filter } from './filter.ts';

/** Steps per second for which the fractions below are given: one step is 1/30 s. */
export const STEPS_PER_SECOND = 30;

// Tuned on synthetic motion with noise of 1 to 5 % of the face's side, so that jitter is half or less wherever the lag
// is visible. Lengths are in sides of the face, fractions per step.
const MOTION_FRACTION = 0.25; // of a residual that enters the mean residual
const NOISE_FRACTION = 0.05; // of its deviation that enters the mean deviation
const START_NOISE = 0.02;
const NOISE_GATE = 0.6; // of the mean deviation: a mean residual below it is noise
const SLOW_FROM = 0.002;
const SLOW_TO = 0.008;
// Share of the range from `stillAlpha` to `fastAlpha` for slow motion, where the range is 0.6 as by default: lags by
// less than a frame, and still halves jitter.
const SLOW_RISE = 0.28;
const FAST_FROM = 0.06;
const FAST_TO = 0.16;
const JUMP_FROM = 0.12; // of a single residual, or three mean deviations
const JUMP_RANGE = 0.2;

/**
 * An exponential moving average whose α follows the motion: the state moves by α · residual (new value − state).
 *
 * α is `stillAlpha` while residuals only scatter, and rises to `fastAlpha` as their mean exceeds their scatter, or at
 * once when one residual is too large to be scatter. Both are measured in sides of the face per 1/30 s, so neither the
 * distance of a face nor the frame rate matters.
 */
export function adaptiveEma(stillAlpha: number, fastAlpha: number): Filter {
  const range = fastAlpha - stillAlpha;
  const slowAlpha = stillAlpha + (SLOW_RISE / 0.6) * range;
  return {
    start: (values) => ({ values: [...values], motion: [0, 0], noise: START_NOISE }),
    step(state, values, scale, seconds) {
      const steps = seconds * STEPS_PER_SECOND;
      const { motion } = state;
      const dx = (values[0]! - state.values[0]!) / (scale * steps);
      const dy = (values[1]! - state.values[1]!) / (scale * steps);
      const fraction = compound(MOTION_FRACTION, steps);
      motion[0]! += fraction * (dx - motion[0]!);
      motion[1]! += fraction * (dy - motion[1]!);
      const deviation = Math.hypot(dx - motion[0]!, dy - motion[1]!);
      state.noise += compound(NOISE_FRACTION, steps) * (deviation - state.noise);
      const mean = Math.hypot(motion[0]!, motion[1]!);
      const motionAlpha =
        stillAlpha +
        (slowAlpha - stillAlpha) * ramp(mean - NOISE_GATE * state.noise, SLOW_FROM, SLOW_TO) +
        (fastAlpha - slowAlpha) * ramp(mean, FAST_FROM, FAST_TO);
      const jumpFrom = Math.max(JUMP_FROM, 3 * state.noise);
      const jumpAlpha = stillAlpha + range * ramp(Math.hypot(dx, dy), jumpFrom, jumpFrom + JUMP_RANGE);
      const alpha = compound(Math.max(motionAlpha, jumpAlpha), steps);
      for (let i = 0; i < values.length; i++) state.values[i]! += alpha * (values[i]! - state.values[i]!);
    },
  };
}

/** The fraction of `steps` steps with the given fraction each. */
export const compound = (fraction: number, steps: number): number => 1 - (1 - fraction) ** steps;

/** Rises linearly from 0 at `from` to 1 at `to`. */
const ramp = (x: number, from: number, to: number): number => Math.min(1, Math.max(0, (x - from) / (to - from)));
