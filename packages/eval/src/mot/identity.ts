import { MINIMUM_OVERLAP } from '../boxes.ts';
import { createPairMatcher } from './pair-matcher.ts';
import type { PairedSequence } from './sequence.ts';

/** What the identity metrics add up over sequences: boxes under the best one-to-one match of identities. */
export interface IdentityCounts {
  readonly IDTP: number;
  readonly IDFN: number;
  readonly IDFP: number;
}

/** The identity metrics (Ristani et al. 2016) at IoU 0.5. */
export interface IdentityFigures extends IdentityCounts {
  /** Harmonic mean of IDP and IDR. */
  readonly IDF1: number;
  /** The part of the tracks' boxes that have the right identity. */
  readonly IDP: number;
  /** The part of the true boxes that are found under the right identity. */
  readonly IDR: number;
}

/**
 * Identity metrics of one sequence: true and predicted identities are matched one to one over the whole of it, for the
 * most boxes in common. Only identities that overlap somewhere are compared, so that thousands of them are no matter.
 */
export function identity({
  truth,
  tracks,
  pairCouple,
  similarity,
  couples,
  truthIds,
  trackIds,
}: PairedSequence): IdentityFigures {
  const common = new Float64Array(couples.truth.length);
  for (let p = 0; p < similarity.length; p++) if (similarity[p]! >= MINIMUM_OVERLAP) common[pairCouple[p]!]!++;
  const rowToCol = createPairMatcher()(truthIds, trackIds, {
    row: couples.truth,
    col: couples.track,
    gain: common,
    count: common.length,
  });
  let hits = 0;
  for (let couple = 0; couple < common.length; couple++)
    if (rowToCol[couples.truth[couple]!] === couples.track[couple]) hits += common[couple]!;
  return identityFigures({ IDTP: hits, IDFN: truth.length - hits, IDFP: tracks.length - hits });
}

/** Identity metrics of several sequences together: counts add up. */
export function combineIdentity(parts: readonly IdentityCounts[]): IdentityFigures {
  const sum = (name: keyof IdentityCounts): number => parts.reduce((total, part) => total + part[name], 0);
  return identityFigures({ IDTP: sum('IDTP'), IDFN: sum('IDFN'), IDFP: sum('IDFP') });
}

function identityFigures(counts: IdentityCounts): IdentityFigures {
  const { IDTP, IDFN, IDFP } = counts;
  return {
    IDF1: IDTP / Math.max(1, IDTP + 0.5 * IDFP + 0.5 * IDFN),
    IDP: IDTP / Math.max(1, IDTP + IDFP),
    IDR: IDTP / Math.max(1, IDTP + IDFN),
    ...counts,
  };
}
