// How reported cuts compare with known ones.
import type { Transition } from './films.ts';

/** Counts of one film or of several. */
export interface CutScore {
  readonly known: number;
  readonly found: number;
  /** Reports that belong to no known transition, or to one that was reported already. */
  readonly false: number;
  readonly missed: readonly Transition[];
  readonly falseAt: readonly number[];
}

/** A hard cut may be reported this many frames off, a gradual transition this many after its end. */
export const TOLERANCE = { cut: 1, gradual: 8 };

/** Assigns each reported frame, in order, to the first known transition that it fits and that has none yet. */
export function scoreCuts(transitions: readonly Transition[], reported: readonly number[]): CutScore {
  const found = new Set<Transition>();
  const falseAt: number[] = [];
  for (const frame of reported) {
    const hit = transitions.find((transition) => {
      const late = transition.kind === 'cut' ? TOLERANCE.cut : TOLERANCE.gradual;
      return !found.has(transition) && frame >= transition.from - 1 && frame <= transition.to + late;
    });
    if (hit) found.add(hit);
    else falseAt.push(frame);
  }
  return {
    known: transitions.length,
    found: found.size,
    false: falseAt.length,
    missed: transitions.filter((transition) => !found.has(transition)),
    falseAt,
  };
}

/** Harmonic mean of precision and recall, from counts. */
export const f1 = ({ known, found, false: wrong }: { known: number; found: number; false: number }) =>
  (2 * found) / Math.max(1, known + found + wrong);
