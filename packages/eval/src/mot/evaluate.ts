import { checkOptionNames } from '@facedet/checks';
import { type ClearFigures, clear, combineClear } from './clear.ts';
import { type HotaFigures, combineHota, hota } from './hota.ts';
import { type IdentityFigures, combineIdentity, identity } from './identity.ts';
import type { TrackRows } from './rows.ts';
import { type PrepareOptions, pairSequence } from './sequence.ts';

/** Boxes and identities that were scored, after the preparation. */
export interface MotCounts {
  /** Boxes of the tracks. */
  readonly Dets: number;
  /** True boxes. */
  readonly GT_Dets: number;
  /** Identities of the tracks. */
  readonly IDs: number;
  /** True identities. */
  readonly GT_IDs: number;
}

/** All tracking metrics, with TrackEval's names; fractions and counts. */
export type MotFigures = HotaFigures & ClearFigures & IdentityFigures & MotCounts;

/** Truth and tracks of one sequence. */
export interface MotSequence extends PrepareOptions {
  readonly truth: TrackRows;
  readonly tracks: TrackRows;
}

/**
 * HOTA, CLEAR and identity metrics of one sequence, after MOTChallenge's preparation.
 *
 * @throws FaceDetError `MALFORMED_FILE` for a row after the sequence's end or a track of another class, naming its
 * line; `TOO_DENSE` for a frame with more than 4 million overlapping pairs; `INVALID_ARGUMENT` for an unknown option or
 * one out of range.
 */
export function evaluateMot(sequence: MotSequence): MotFigures {
  checkOptionNames(sequence, ['truth', 'tracks', 'length', 'distractors'], '', 'the sequence');
  const { truth, tracks, ...options } = sequence ?? {};
  const paired = pairSequence(truth, tracks, options);
  const counts: MotCounts = {
    Dets: paired.tracks.length,
    GT_Dets: paired.truth.length,
    IDs: paired.trackIds,
    GT_IDs: paired.truthIds,
  };
  return { ...hota(paired), ...clear(paired), ...identity(paired), ...counts };
}

/**
 * The figures of several sequences together: counts add up, association and localisation weigh by matches; nothing is a
 * mean over sequences.
 */
export function combineMot(parts: readonly MotFigures[]): MotFigures {
  const sum = (name: keyof MotCounts): number => parts.reduce((total, part) => total + part[name], 0);
  const counts: MotCounts = { Dets: sum('Dets'), GT_Dets: sum('GT_Dets'), IDs: sum('IDs'), GT_IDs: sum('GT_IDs') };
  return { ...combineHota(parts), ...combineClear(parts), ...combineIdentity(parts), ...counts };
}
