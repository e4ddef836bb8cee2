import { assign } from '@facedet/tracker';
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

/** The CLEAR metrics (Bernardin and Stiefelhagen 2008) at IoU .5, with TrackEval's names. */
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

const minimumOverlap = 0.5;
/** More than any sum of overlaps in a frame: a match of the frame before is kept wherever it still overlaps enough. */
const continuity = 1000;

/** CLEAR of one sequence, as TrackEval computes it. */
export function clear({ frames, truthIds, truthBoxes, trackBoxes }: PairedSequence): ClearFigures {
  const counts = { CLR_TP: 0, CLR_FN: 0, CLR_FP: 0, IDSW: 0, Frag: 0, MT: 0, PT: 0, ML: 0, MOTP_sum: 0, CLR_Frames: 0 };
  // TrackEval leaves the frames at 0 where one side is empty.
  if (trackBoxes === 0) return clearFigures({ ...counts, CLR_FN: truthBoxes, ML: truthIds });
  if (truthBoxes === 0) return clearFigures({ ...counts, CLR_FP: trackBoxes });
  counts.CLR_Frames = frames.length;
  const present = new Int32Array(truthIds);
  const matched = new Int32Array(truthIds);
  const starts = new Int32Array(truthIds);
  const lastTrack = new Int32Array(truthIds).fill(-1);
  let current = new Int32Array(truthIds).fill(-1);
  for (const { truth, tracks, similarity } of frames) {
    for (const id of truth) present[id] = present[id]! + 1;
    if (truth.length === 0 || tracks.length === 0) {
      counts.CLR_FN += truth.length;
      counts.CLR_FP += tracks.length;
      continue;
    }
    const cols = tracks.length;
    const cost = similarity.map((value, k) => {
      if (value < minimumOverlap - Number.EPSILON) return 0;
      return -(value + (tracks[k % cols] === current[truth[Math.floor(k / cols)]!] ? continuity : 0));
    });
    const { rowToCol } = assign(cost, truth.length, cols);
    const next = new Int32Array(truthIds).fill(-1);
    let matches = 0;
    for (let row = 0; row < truth.length; row++) {
      const col = rowToCol[row]!;
      if (col < 0 || cost[row * cols + col]! >= 0) continue;
      const id = truth[row]!;
      const track = tracks[col]!;
      matches++;
      counts.MOTP_sum += similarity[row * cols + col]!;
      matched[id] = matched[id]! + 1;
      if (lastTrack[id]! >= 0 && lastTrack[id] !== track) counts.IDSW++;
      if (current[id]! < 0) starts[id] = starts[id]! + 1;
      lastTrack[id] = track;
      next[id] = track;
    }
    current = next;
    counts.CLR_TP += matches;
    counts.CLR_FN += truth.length - matches;
    counts.CLR_FP += tracks.length - matches;
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
