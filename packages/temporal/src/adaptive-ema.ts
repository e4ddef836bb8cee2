import type { Filter } from './filter.ts';

/** Frames a second to which the shares below belong. */
export const REFERENCE_RATE = 30;

// Found on synthetic motion with noise of 1 to 5 % of the face's side, so that jitter is at most half wherever the lag
// is to be seen. In sides of the face.
const MOTION_SHARE = 0.25; // of a residual taken into the usual one
const NOISE_SHARE = 0.05; // of its deviation taken into the usual deviation
const START_NOISE = 0.02;
const DOUBT = 0.6; // of the usual deviation: a mean residual below it is noise
const SLOW_FROM = 0.002;
const SLOW_TO = 0.008;
// of α for slow motion, where `fast` is .6 above `still` as by default: lags by less than a frame, still halves jitter
const SLOW_RISE = 0.28;
const FAST_FROM = 0.06;
const FAST_TO = 0.16;
const JUMP_FROM = 0.12; // of a single residual, or three usual deviations
const JUMP_RANGE = 0.2;

/**
 * An exponential moving average whose α follows the motion. It moves by α · residual (new value − state), where α is
 * `still` while residuals only scatter and rises to
 * `fast` as their mean stands out from their scatter, or at once when one is too large to be scatter. Both are measured
 * in sides of the face and a thirtieth of a second; so neither
 * the distance of a face nor the frame rate matters.
 */
export function adaptiveEma(still: number, fast: number): Filter {
  const slow = still + (SLOW_RISE / 0.6) * (fast - still);
  return {
    start: (values) => ({ values: [...values], motion: [0, 0], noise: START_NOISE }),
    step(state, values, scale, seconds) {
      const steps = seconds * REFERENCE_RATE;
      const { motion } = state;
      const dx = (values[0]! - state.values[0]!) / (scale * steps);
      const dy = (values[1]! - state.values[1]!) / (scale * steps);
      const share = over(MOTION_SHARE, steps);
      motion[0]! += share * (dx - motion[0]!);
      motion[1]! += share * (dy - motion[1]!);
      state.noise += over(NOISE_SHARE, steps) * (Math.hypot(dx - motion[0]!, dy - motion[1]!) - state.noise);
      const mean = Math.hypot(motion[0]!, motion[1]!);
      const steady =
        still +
        (slow - still) * rise(mean - DOUBT * state.noise, SLOW_FROM, SLOW_TO) +
        (fast - slow) * rise(mean, FAST_FROM, FAST_TO);
      const jumpFrom = Math.max(JUMP_FROM, 3 * state.noise);
      const sudden = still + (fast - still) * rise(Math.hypot(dx, dy), jumpFrom, jumpFrom + JUMP_RANGE);
      const alpha = over(Math.max(steady, sudden), steps);
      for (let i = 0; i < values.length; i++) state.values[i]! += alpha * (values[i]! - state.values[i]!);
    },
  };
}

/** The share after `steps` steps that each take `share`. */
export const over = (share: number, steps: number): number => 1 - (1 - share) ** steps;

const rise = (x: number, from: number, to: number): number => Math.min(1, Math.max(0, (x - from) / (to - from)));
