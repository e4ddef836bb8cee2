import type { Filter } from './filter.ts';

/** Cutoff of the filter of the velocity, Hz, as in the paper. */
const VELOCITY_CUTOFF = 1;

/**
 * The One Euro filter (Casiez, Roussel and Vogel, CHI 2012): a low-pass filter whose cutoff is `minCutoff` + `beta` ·
 * speed.
 *
 * The speed is that of the first two values together, in sides of the face per second, so that all points of a face are
 * smoothed alike and its distance does not matter.
 */
export function oneEuro(minCutoff: number, beta: number): Filter {
  return {
    start: (values) => ({ values: [...values], motion: [0, 0], noise: 0 }),
    step(state, values, scale, seconds) {
      const { motion } = state;
      const velocityAlpha = alphaOf(VELOCITY_CUTOFF, seconds);
      for (let i = 0; i < 2; i++)
        motion[i]! += velocityAlpha * ((values[i]! - state.values[i]!) / (scale * seconds) - motion[i]!);
      const alpha = alphaOf(minCutoff + beta * Math.hypot(motion[0]!, motion[1]!), seconds);
      for (let i = 0; i < values.length; i++) state.values[i]! += alpha * (values[i]! - state.values[i]!);
    },
  };
}

/** α of a low-pass filter with this cutoff (equation 5 of the paper, τ = 1 / 2π·cutoff). */
function alphaOf(cutoff: number, seconds: number): number {
  const angle = 2 * Math.PI * cutoff * seconds;
  return angle / (angle + 1);
}
