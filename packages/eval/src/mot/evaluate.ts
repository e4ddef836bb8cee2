import { checkOptionNames } from '@facedet/checks';
import { type ClearMetrics, clear, combineClear } from './clear.ts';
import { type HotaMetrics, combineHota, hota } from './hota.ts';
import { type IdMetrics, combineIdMetrics, idMetrics } from './id-metrics.ts';
import { type MotSequence, preprocessSequence } from './preprocess.ts';

/** All tracking metrics, with TrackEval's names; fractions and counts. */
export interface MotMetrics extends HotaMetrics, ClearMetrics, IdMetrics {
  /** Boxes of the tracks, after preprocessing. */
  readonly Dets: number;
  /** Ground-truth boxes, after preprocessing. */
  readonly GT_Dets: number;
  /** IDs of the tracks, after preprocessing. */
  readonly IDs: number;
  /** Ground-truth IDs, after preprocessing. */
  readonly GT_IDs: number;
}

/**
 * Computes HOTA, CLEAR and ID metrics of one sequence, after MOTChallenge's preprocessing.
 *
 * @throws FaceDetError `MALFORMED_FILE` for a row after the sequence's end or a track of another class, naming its
 * line; `TOO_DENSE` for a frame with more than 4 million overlapping pairs; `INVALID_ARGUMENT` for an unknown option or
 * one out of range.
 */
export function evaluateMot(sequence: MotSequence): MotMetrics {
  checkOptionNames(sequence, ['truth', 'tracks', 'length', 'distractors'], '', 'the sequence');
  const preprocessed = preprocessSequence(sequence);
  return {
    ...hota(preprocessed),
    ...clear(preprocessed),
    ...idMetrics(preprocessed),
    Dets: preprocessed.tracks.length,
    GT_Dets: preprocessed.truth.length,
    IDs: preprocessed.trackIds,
    GT_IDs: preprocessed.truthIds,
  };
}

/**
 * Combines the metrics of several sequences: counts add up, association and localization are weighted by matches;
 * nothing is averaged over sequences.
 */
export function combineMot(parts: readonly MotMetrics[]): MotMetrics {
  const sum = (name: 'Dets' | 'GT_Dets' | 'IDs' | 'GT_IDs') => parts.reduce((total, part) => total + part[name], 0);
  const counts = { Dets: sum('Dets'), GT_Dets: sum('GT_Dets'), IDs: sum('IDs'), GT_IDs: sum('GT_IDs') };
  return { ...combineHota(parts), ...combineClear(parts), ...combineIdMetrics(parts), ...counts };
}
