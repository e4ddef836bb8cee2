import { assign } from '@facedet/tracker';
import type { PairedSequence } from './sequence.ts';

/** What the identity metrics add up over sequences: boxes under the best one-to-one match of identities. */
export interface IdentityCounts {
  readonly IDTP: number;
  readonly IDFN: number;
  readonly IDFP: number;
}

/** The identity metrics (Ristani et al. 2016) at IoU .5. */
export interface IdentityFigures extends IdentityCounts {
  /** Harmonic mean of IDP and IDR. */
  readonly IDF1: number;
  /** The part of the tracks' boxes that bear the right identity. */
  readonly IDP: number;
  /** The part of the true boxes that are found under the right identity. */
  readonly IDR: number;
}

const minimumOverlap = 0.5;

/** Identity metrics of one sequence: true and predicted identities are matched one to one over the whole of it, for the most boxes in common. */
export function identity({ frames, truthIds, trackIds, truthBoxes, trackBoxes }: PairedSequence): IdentityFigures {
  const common = new Float64Array(truthIds * trackIds);
  for (const { truth, tracks, similarity } of frames) {
    const cols = tracks.length;
    similarity.forEach((value, k) => {
      if (value < minimumOverlap) return;
      const place = truth[Math.floor(k / cols)]! * trackIds + tracks[k % cols]!;
      common[place] = common[place]! - 1;
    });
  }
  const { rowToCol } = assign(common, truthIds, trackIds);
  let hits = 0;
  rowToCol.forEach((col, row) => {
    if (col >= 0) hits -= common[row * trackIds + col]!;
  });
  return identityFigures({ IDTP: hits, IDFN: truthBoxes - hits, IDFP: trackBoxes - hits });
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
