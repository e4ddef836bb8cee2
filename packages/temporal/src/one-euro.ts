import type { Filter } from './filter.ts';

/** Cutoff of the filter of the velocity, Hz, as in the paper. */
const VELOCITY_CUTOFF = 1;

/**
 * The One Euro filter (Casiez, Roussel and Vogel, CHI 2012): a low pass whose cutoff is `minCutoff` + `beta` · speed.
 * The speed is that of the first two values together, in sides of the
 * face a second, so that all points of a face are steadied alike and its distance doesn't matter.
 */
export function oneEuro(minCutoff: number, beta: number): Filter {
  return {
    start: (values) => ({ values: [...values], motion: [0, 0], noise: 0 }),
    step(state, values, scale, seconds) {
      const { motion } = state;
      const share = alphaOf(VELOCITY_CUTOFF, seconds);
      for (let i = 0; i < 2; i++)
        motion[i]! += share * ((values[i]! - state.values[i]!) / (scale * seconds) - motion[i]!);
      const alpha = alphaOf(minCutoff + beta * Math.hypot(motion[0]!, motion[1]!), seconds);
      for (let i = 0; i < values.length; i++) state.values[i]! += alpha * (values[i]! - state.values[i]!);
    },
  };
}

/** α of a low pass with this cutoff (equation 5 of the paper, τ = 1 / 2π·cutoff). */
function alphaOf(cutoff: number, seconds: number): number {
  const turns = 2 * Math.PI * cutoff * seconds;
  return turns / (turns + 1);
}
