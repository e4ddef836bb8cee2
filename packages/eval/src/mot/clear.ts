import { MINIMUM_OVERLAP } from '../boxes.ts';
import { createMatcher } from './bipartite-matching.ts';
import type { PreprocessedSequence } from './preprocess.ts';

/** The CLEAR metrics (Bernardin and Stiefelhagen 2008) at IoU 0.5, with TrackEval's names. */
export interface ClearMetrics {
  /** 1 − (false negatives + false positives + ID switches) / ground-truth boxes; may be negative. */
  readonly MOTA: number;
  /** Mean IoU of the matches. */
  readonly MOTP: number;
  /** MOTA without ID switches. */
  readonly MODA: number;
  /** Recall of the boxes. */
  readonly CLR_Re: number;
  /** Precision of the boxes. */
  readonly CLR_Pr: number;
  /** MT as a fraction of the ground-truth tracks. */
  readonly MTR: number;
  /** PT as a fraction of the ground-truth tracks. */
  readonly PTR: number;
  /** ML as a fraction of the ground-truth tracks. */
  readonly MLR: number;
  /** MOTA with the sum of the matches' IoU in place of their number. */
  readonly sMOTA: number;
  /** F1 score of the boxes. */
  readonly CLR_F1: number;
  readonly FP_per_frame: number;
  /** MOTA with the logarithm of the number of ID switches. */
  readonly MOTAL: number;
  /** True positives. */
  readonly CLR_TP: number;
  /** False negatives. */
  readonly CLR_FN: number;
  /** False positives. */
  readonly CLR_FP: number;
  /** ID switches: a ground-truth track is matched to another track than the last time it was matched. */
  readonly IDSW: number;
  /** Fragmentations: how often ground-truth tracks are matched again after an interruption. */
  readonly Frag: number;
  /** Mostly tracked: ground-truth tracks matched in more than 80 % of their frames. */
  readonly MT: number;
  /** Partly tracked: 20 to 80 %. */
  readonly PT: number;
  /** Mostly lost: less than 20 %. */
  readonly ML: number;
  /** Sum of the matches' IoU. */
  readonly MOTP_sum: number;
  /** Frames of the sequence; 0 where either side has no box. */
  readonly CLR_Frames: number;
}

/** The additive part of the metrics. */
const countNames = ['CLR_TP', 'CLR_FN', 'CLR_FP', 'IDSW', 'Frag', 'MT', 'PT', 'ML', 'MOTP_sum', 'CLR_Frames'] as const;
type ClearCounts = Pick<ClearMetrics, (typeof countNames)[number]>;

/**
 * Added to the gain of a pair that was matched in the frame before: more than any sum of IoU in a frame, so that such a
 * match is kept wherever its boxes still overlap enough.
 */
export const CONTINUITY = 1000;

/** CLEAR metrics of one sequence, as TrackEval computes them. */
export function clear(sequence: PreprocessedSequence): ClearMetrics {
  const { length, truth, tracks, truthIds } = sequence;
  // TrackEval leaves the number of frames at 0 where one side is empty.
  if (tracks.length === 0) return metricsOf({ ...noCounts(), CLR_FN: truth.length, ML: truthIds });
  if (truth.length === 0) return metricsOf({ ...noCounts(), CLR_FP: tracks.length });
  const { histories, truePositives, iouSum, switches } = matchFrames(sequence);
  const counts = { ...noCounts(), CLR_TP: truePositives, IDSW: switches, MOTP_sum: iouSum, CLR_Frames: length };
  counts.CLR_FN = truth.length - truePositives;
  counts.CLR_FP = tracks.length - truePositives;
  for (let id = 0; id < truthIds; id++) {
    const ratio = histories.matched[id]! / histories.present[id]!;
    if (ratio > 0.8) counts.MT++;
    else if (ratio >= 0.2) counts.PT++;
    else counts.ML++;
    if (histories.starts[id]! > 0) counts.Frag += histories.starts[id]! - 1;
  }
  return metricsOf(counts);
}

/** Per ground-truth track: in how many frames it is present and matched, and how often a run of matches starts. */
interface Histories {
  present: Float64Array;
  matched: Float64Array;
  starts: Float64Array;
}

function matchFrames(sequence: PreprocessedSequence) {
  const { truth, tracks, truthStarts, trackStarts, pairStarts, pairRow, pairColumn, iou, truthIds } = sequence;
  const perId = (): Float64Array => new Float64Array(truthIds);
  const histories: Histories = { present: perId(), matched: perId(), starts: perId() };
  for (const id of truth) histories.present[id]!++;
  const lastTrack = perId().fill(-1);
  /** When each was matched last, in frames in which both sides have boxes: other frames interrupt no match. */
  const lastMatch = perId().fill(-1);
  const match = createMatcher();
  let gain = new Float64Array(64);
  let [time, truePositives, iouSum, switches] = [0, 0, 0, 0];
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const [truthStart, trackStart, from] = [truthStarts[f]!, trackStarts[f]!, pairStarts[f]!];
    const rows = truthStarts[f + 1]! - truthStart;
    const columns = trackStarts[f + 1]! - trackStart;
    const count = pairStarts[f + 1]! - from;
    if (rows === 0 || columns === 0) continue;
    time++;
    if (gain.length < count) gain = new Float64Array(2 * count);
    for (let p = 0; p < count; p++) {
      const id = truth[truthStart + pairRow[from + p]!]!;
      const value = iou[from + p]!;
      const isKept = lastMatch[id] === time - 1 && lastTrack[id] === tracks[trackStart + pairColumn[from + p]!];
      gain[p] = value < MINIMUM_OVERLAP - Number.EPSILON ? 0 : value + (isKept ? CONTINUITY : 0);
    }
    const rowToColumn = match(rows, columns, { row: pairRow, column: pairColumn, gain, from, count });
    for (let p = 0; p < count; p++) {
      if (gain[p] === 0 || rowToColumn[pairRow[from + p]!] !== pairColumn[from + p]) continue;
      const id = truth[truthStart + pairRow[from + p]!]!;
      const track = tracks[trackStart + pairColumn[from + p]!]!;
      truePositives++;
      iouSum += iou[from + p]!;
      histories.matched[id]!++;
      if (lastTrack[id]! >= 0 && lastTrack[id] !== track) switches++;
      if (lastMatch[id] !== time - 1 || lastTrack[id]! < 0) histories.starts[id]!++;
      lastTrack[id] = track;
      lastMatch[id] = time;
    }
  }
  return { histories, truePositives, iouSum, switches };
}

/** CLEAR metrics of several sequences together: counts add up. */
export function combineClear(parts: readonly ClearMetrics[]): ClearMetrics {
  const counts = noCounts();
  for (const name of countNames) for (const part of parts) counts[name] += part[name];
  return metricsOf(counts);
}

function noCounts(): Record<(typeof countNames)[number], number> {
  return { CLR_TP: 0, CLR_FN: 0, CLR_FP: 0, IDSW: 0, Frag: 0, MT: 0, PT: 0, ML: 0, MOTP_sum: 0, CLR_Frames: 0 };
}

function metricsOf(counts: ClearCounts): ClearMetrics {
  const { CLR_TP, CLR_FN, CLR_FP, IDSW, MT, PT, ML, MOTP_sum, CLR_Frames } = counts;
  const boxes = Math.max(1, CLR_TP + CLR_FN);
  const trackCount = Math.max(1, MT + PT + ML);
  return {
    MOTA: (CLR_TP - CLR_FP - IDSW) / boxes,
    MOTP: MOTP_sum / Math.max(1, CLR_TP),
    MODA: (CLR_TP - CLR_FP) / boxes,
    CLR_Re: CLR_TP / boxes,
    CLR_Pr: CLR_TP / Math.max(1, CLR_TP + CLR_FP),
    MTR: MT / trackCount,
    PTR: PT / trackCount,
    MLR: ML / trackCount,
    sMOTA: (MOTP_sum - CLR_FP - IDSW) / boxes,
    CLR_F1: CLR_TP / Math.max(1, CLR_TP + 0.5 * CLR_FN + 0.5 * CLR_FP),
    FP_per_frame: CLR_FP / Math.max(1, CLR_Frames),
    MOTAL: (CLR_TP - CLR_FP - (IDSW > 0 ? Math.log10(IDSW) : 0)) / boxes,
    ...counts,
  };
}
