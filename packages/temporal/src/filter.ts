import type { FilterState } from './types.ts';

/** Smooths some numbers that move together. */
export interface Filter {
  /** A state at `values`, without motion. */
  start(values: readonly number[]): FilterState;
  /**
   * Smooths the next values.
   *
   * @param state changed in place
   * @param scale side of the face, pixels: the unit in which motion is measured
   * @param seconds since the last values, above 0
   */
  step(state: FilterState, values: readonly number[], scale: number, seconds: number): void;
}
