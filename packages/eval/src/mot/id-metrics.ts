import { MINIMUM_OVERLAP } from '../boxes.ts';
import { createMatcher } from './bipartite-matching.ts';
import type { PreprocessedSequence } from './preprocess.ts';

/** The ID metrics (Ristani et al. 2016) at IoU 0.5, with TrackEval's names. */
export interface IdMetrics {
  /** Harmonic mean of IDP and IDR. */
  readonly IDF1: number;
  /** ID precision: the fraction of the tracks' boxes that have the right ID. */
  readonly IDP: number;
  /** ID recall: the fraction of the ground-truth boxes that are matched under the right ID. */
  readonly IDR: number;
  /** Boxes matched under the best one-to-one assignment of ground-truth IDs to track IDs. */
  readonly IDTP: number;
  /** Ground-truth boxes that this assignment misses. */
  readonly IDFN: number;
  /** Boxes of the tracks outside this assignment. */
  readonly IDFP: number;
}

/**
 * ID metrics of one sequence: ground-truth IDs and track IDs are assigned one to one over the whole sequence, for the
 * most boxes in common. Only IDs that overlap in some frame are compared, so that thousands of them cost little.
 */
export function idMetrics(sequence: PreprocessedSequence): IdMetrics {
  const { truth, tracks, pairIds, iou, idPairs, truthIds, trackIds } = sequence;
  const inCommon = new Float64Array(idPairs.truth.length);
  for (let p = 0; p < iou.length; p++) if (iou[p]! >= MINIMUM_OVERLAP) inCommon[pairIds[p]!]!++;
  const { truth: row, track: column } = idPairs;
  const rowToColumn = createMatcher()(truthIds, trackIds, { row, column, gain: inCommon, count: inCommon.length });
  let truePositives = 0;
  for (let pair = 0; pair < inCommon.length; pair++)
    if (rowToColumn[row[pair]!] === column[pair]) truePositives += inCommon[pair]!;
  return metricsOf(truePositives, truth.length - truePositives, tracks.length - truePositives);
}

/** ID metrics of several sequences together: counts add up. */
export function combineIdMetrics(parts: readonly IdMetrics[]): IdMetrics {
  const sum = (name: keyof IdMetrics): number => parts.reduce((total, part) => total + part[name], 0);
  return metricsOf(sum('IDTP'), sum('IDFN'), sum('IDFP'));
}

function metricsOf(IDTP: number, IDFN: number, IDFP: number): IdMetrics {
  return {
    IDF1: IDTP / Math.max(1, IDTP + 0.5 * IDFP + 0.5 * IDFN),
    IDP: IDTP / Math.max(1, IDTP + IDFP),
    IDR: IDTP / Math.max(1, IDTP + IDFN),
    IDTP,
    IDFN,
    IDFP,
  };
}
