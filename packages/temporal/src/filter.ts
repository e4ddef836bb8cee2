import type { FilterState } from './types.ts';

/** Steadies some numbers that move together. */
export interface Filter {
  /** A state that stands at `values`. */
  start(values: readonly number[]): FilterState;
  /**
   * Takes in the next values.
   *
   * @param state changed in place
   * @param scale side of the face, pixels: what motion is measured in
   * @param seconds since the last values, above 0
   */
  step(state: FilterState, values: readonly number[], scale: number, seconds: number): void;
}
