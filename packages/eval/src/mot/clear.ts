import { MINIMUM_OVERLAP } from '../boxes.ts';
import { createPairMatcher } from './pair-matcher.ts';
import type { PairedSequence } from './sequence.ts';

/** What CLEAR adds up over sequences. */
export interface ClearCounts {
  readonly CLR_TP: number;
  readonly CLR_FN: number;
  readonly CLR_FP: number;
  /** Identity switches: a true track is matched to another identity than the last time it was matched. */
  readonly IDSW: number;
  /** Fragmentations: how often true tracks are picked up again after an interruption. */
  readonly Frag: number;
  /** Mostly tracked: true tracks matched in more than 80 % of their frames. */
  readonly MT: number;
  /** Partly tracked: 20 to 80 %. */
  readonly PT: number;
  /** Mostly lost: less than 20 %. */
  readonly ML: number;
  readonly MOTP_sum: number;
  readonly CLR_Frames: number;
}

/** The CLEAR metrics (Bernardin and Stiefelhagen 2008) at IoU 0.5, with TrackEval's names. */
export interface ClearFigures extends ClearCounts {
  /** 1 − (misses + false positives + switches) / true boxes; may be negative. */
  readonly MOTA: number;
  /** Mean IoU of matches. */
  readonly MOTP: number;
  readonly MODA: number;
  readonly CLR_Re: number;
  readonly CLR_Pr: number;
  readonly MTR: number;
  readonly PTR: number;
  readonly MLR: number;
  readonly sMOTA: number;
  readonly CLR_F1: number;
  readonly FP_per_frame: number;
  readonly MOTAL: number;
}

/** More than any sum of overlaps in a frame: a match of the frame before is kept wherever it still overlaps enough. */
export const CONTINUITY = 1000;

/** CLEAR of one sequence, as TrackEval computes it. */
export function clear(sequence: PairedSequence): ClearFigures {
  const { length, truth, tracks, truthStarts, trackStarts, pairStarts, pairRow, pairCol, similarity, truthIds } =
    sequence;
  const counts = { CLR_TP: 0, CLR_FN: 0, CLR_FP: 0, IDSW: 0, Frag: 0, MT: 0, PT: 0, ML: 0, MOTP_sum: 0, CLR_Frames: 0 };
  // TrackEval leaves the frames at 0 where one side is empty.
  if (tracks.length === 0) return clearFigures({ ...counts, CLR_FN: truth.length, ML: truthIds });
  if (truth.length === 0) return clearFigures({ ...counts, CLR_FP: tracks.length });
  counts.CLR_Frames = length;
  const present = new Float64Array(truthIds);
  const matched = new Float64Array(truthIds);
  const starts = new Float64Array(truthIds);
  const lastTrack = new Float64Array(truthIds).fill(-1);
  /** When each was matched last, counting the frames in which both sides have boxes: others end no match. */
  const lastMatch = new Float64Array(truthIds).fill(-1);
  let both = 0;
  const match = createPairMatcher();
  let gain = new Float64Array(64);
  for (const id of truth) present[id]!++;
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const truthStart = truthStarts[f]!;
    const trackStart = trackStarts[f]!;
    const from = pairStarts[f]!;
    const rows = truthStarts[f + 1]! - truthStart;
    const cols = trackStarts[f + 1]! - trackStart;
    const count = pairStarts[f + 1]! - from;
    let matches = 0;
    if (rows > 0 && cols > 0) {
      both++;
      if (gain.length < count) gain = new Float64Array(2 * count);
      for (let p = 0; p < count; p++) {
        const id = truth[truthStart + pairRow[from + p]!]!;
        const value = similarity[from + p]!;
        const isKept = lastMatch[id] === both - 1 && lastTrack[id] === tracks[trackStart + pairCol[from + p]!];
        gain[p] = value < MINIMUM_OVERLAP - Number.EPSILON ? 0 : value + (isKept ? CONTINUITY : 0);
      }
      const rowToCol = match(rows, cols, { row: pairRow, col: pairCol, gain, from, count });
      for (let p = 0; p < count; p++) {
        if (gain[p] === 0 || rowToCol[pairRow[from + p]!] !== pairCol[from + p]) continue;
        const id = truth[truthStart + pairRow[from + p]!]!;
        const track = tracks[trackStart + pairCol[from + p]!]!;
        matches++;
        counts.MOTP_sum += similarity[from + p]!;
        matched[id]!++;
        if (lastTrack[id]! >= 0 && lastTrack[id] !== track) counts.IDSW++;
        if (lastMatch[id] !== both - 1 || lastTrack[id]! < 0) starts[id]!++;
        lastTrack[id] = track;
        lastMatch[id] = both;
      }
    }
    counts.CLR_TP += matches;
    counts.CLR_FN += rows - matches;
    counts.CLR_FP += cols - matches;
  }
  for (let id = 0; id < truthIds; id++) {
    const ratio = matched[id]! / present[id]!;
    if (ratio > 0.8) counts.MT++;
    else if (ratio >= 0.2) counts.PT++;
    else counts.ML++;
    if (starts[id]! > 0) counts.Frag += starts[id]! - 1;
  }
  return clearFigures(counts);
}

/** CLEAR of several sequences together: counts add up. */
export function combineClear(parts: readonly ClearCounts[]): ClearFigures {
  const sum = (name: keyof ClearCounts): number => parts.reduce((total, part) => total + part[name], 0);
  return clearFigures({
    CLR_TP: sum('CLR_TP'),
    CLR_FN: sum('CLR_FN'),
    CLR_FP: sum('CLR_FP'),
    IDSW: sum('IDSW'),
    Frag: sum('Frag'),
    MT: sum('MT'),
    PT: sum('PT'),
    ML: sum('ML'),
    MOTP_sum: sum('MOTP_sum'),
    CLR_Frames: sum('CLR_Frames'),
  });
}

function clearFigures(counts: ClearCounts): ClearFigures {
  const { CLR_TP, CLR_FN, CLR_FP, IDSW, MT, PT, ML, MOTP_sum, CLR_Frames } = counts;
  const boxes = Math.max(1, CLR_TP + CLR_FN);
  const identities = Math.max(1, MT + PT + ML);
  return {
    MOTA: (CLR_TP - CLR_FP - IDSW) / boxes,
    MOTP: MOTP_sum / Math.max(1, CLR_TP),
    MODA: (CLR_TP - CLR_FP) / boxes,
    CLR_Re: CLR_TP / boxes,
    CLR_Pr: CLR_TP / Math.max(1, CLR_TP + CLR_FP),
    MTR: MT / identities,
    PTR: PT / identities,
    MLR: ML / identities,
    sMOTA: (MOTP_sum - CLR_FP - IDSW) / boxes,
    CLR_F1: CLR_TP / Math.max(1, CLR_TP + 0.5 * CLR_FN + 0.5 * CLR_FP),
    FP_per_frame: CLR_FP / Math.max(1, CLR_Frames),
    MOTAL: (CLR_TP - CLR_FP - (IDSW > 0 ? Math.log10(IDSW) : 0)) / boxes,
    ...counts,
  };
}
