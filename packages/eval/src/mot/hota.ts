import { createMatcher } from './bipartite-matching.ts';
import type { PreprocessedSequence } from './preprocess.ts';

/** The IoU thresholds of HOTA: 0.05, 0.10, … 0.95. */
const thresholds: readonly number[] = Array.from({ length: 19 }, (_, k) => 0.05 + 0.05 * k);

/** The metrics at each of HOTA's 19 IoU thresholds: 0.05, 0.10, … 0.95. */
export interface HotaCurves {
  readonly HOTA: number[];
  readonly DetA: number[];
  readonly AssA: number[];
  readonly DetRe: number[];
  readonly DetPr: number[];
  readonly AssRe: number[];
  readonly AssPr: number[];
  readonly LocA: number[];
  /** Geometric mean of detection recall and AssA: for trackers that output confident tracks only. */
  readonly RHOTA: number[];
  /** True positives. */
  readonly HOTA_TP: number[];
  /** False negatives. */
  readonly HOTA_FN: number[];
  /** False positives. */
  readonly HOTA_FP: number[];
}

/**
 * Higher order tracking accuracy (Luiten et al., IJCV 2020): each field but the last four is a mean over the 19 IoU
 * thresholds 0.05, 0.10, … 0.95.
 */
export interface HotaMetrics {
  /** Geometric mean of detection and association accuracy. */
  readonly HOTA: number;
  /** Detection accuracy: TP / (TP + FN + FP). */
  readonly DetA: number;
  /** Association accuracy: mean over matches of the Jaccard index of their ground-truth and their predicted track. */
  readonly AssA: number;
  /** Detection recall. */
  readonly DetRe: number;
  /** Detection precision. */
  readonly DetPr: number;
  /** Association recall: mean over matches of the fraction of the ground-truth track that the track covers. */
  readonly AssRe: number;
  /** Association precision: mean over matches of the fraction of the track that is on the ground-truth track. */
  readonly AssPr: number;
  /** Localization accuracy: mean IoU of the matches. */
  readonly LocA: number;
  readonly RHOTA: number;
  /** At the lowest threshold, where localization hardly counts. */
  readonly 'HOTA(0)': number;
  readonly 'LocA(0)': number;
  readonly 'HOTALocA(0)': number;
  readonly curves: HotaCurves;
}

/** HOTA of one sequence, as TrackEval computes it. */
export function hota(sequence: PreprocessedSequence): HotaMetrics {
  const { truth, tracks, idPairs, truthIds, trackIds } = sequence;
  const truthCounts = countsOf(truth, truthIds);
  const trackCounts = countsOf(tracks, trackIds);
  const { truePositives, iouSums, matches } = matchFrames(
    sequence,
    globalAlignment(sequence, truthCounts, trackCounts),
  );
  const sums = { AssA: perThreshold(), AssRe: perThreshold(), AssPr: perThreshold() };
  for (const [pair, counts] of matches) {
    const inTruth = truthCounts[idPairs.truth[pair]!]!;
    const inTrack = trackCounts[idPairs.track[pair]!]!;
    for (let a = 0; a < thresholds.length; a++) {
      const count = counts[a]!;
      sums.AssA[a]! += count * (count / Math.max(1, inTruth + inTrack - count));
      sums.AssRe[a]! += count * (count / Math.max(1, inTruth));
      sums.AssPr[a]! += count * (count / Math.max(1, inTrack));
    }
  }
  const perMatch = (sum: Float64Array) => Array.from(sum, (value, a) => value / Math.max(1, truePositives[a]!));
  return metricsOf({
    truePositives: Array.from(truePositives),
    falseNegatives: Array.from(truePositives, (count) => truth.length - count),
    falsePositives: Array.from(truePositives, (count) => tracks.length - count),
    AssA: perMatch(sums.AssA),
    AssRe: perMatch(sums.AssRe),
    AssPr: perMatch(sums.AssPr),
    LocA: Array.from(iouSums, (sum, a) => meanIou(sum, truePositives[a]!)),
  });
}

function perThreshold(): Float64Array {
  return new Float64Array(thresholds.length);
}

function countsOf(ids: Float64Array, idCount: number): Float64Array {
  const counts = new Float64Array(idCount);
  for (const id of ids) counts[id]!++;
  return counts;
}

/** Matches each frame's boxes; for each threshold true positives, the sum of their IoU, and matches by pair of IDs. */
function matchFrames(sequence: PreprocessedSequence, alignment: Float64Array) {
  const { truthStarts, trackStarts, pairStarts, pairRow, pairColumn, pairIds, iou } = sequence;
  const truePositives = perThreshold();
  const iouSums = perThreshold();
  const matches = new Map<number, Float64Array>();
  const match = createMatcher();
  let gain = new Float64Array(64);
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const from = pairStarts[f]!;
    const count = pairStarts[f + 1]! - from;
    if (count === 0) continue;
    if (gain.length < count) gain = new Float64Array(2 * count);
    for (let p = 0; p < count; p++) gain[p] = alignment[pairIds[from + p]!]! * iou[from + p]!;
    const rows = truthStarts[f + 1]! - truthStarts[f]!;
    const columns = trackStarts[f + 1]! - trackStarts[f]!;
    const rowToColumn = match(rows, columns, { row: pairRow, column: pairColumn, gain, from, count });
    for (let p = from; p < from + count; p++) {
      if (rowToColumn[pairRow[p]!] !== pairColumn[p]) continue;
      const overlap = iou[p]!;
      if (overlap < thresholds[0]! - Number.EPSILON) continue;
      let counts = matches.get(pairIds[p]!);
      if (!counts) matches.set(pairIds[p]!, (counts = perThreshold()));
      for (let a = 0; a < thresholds.length && overlap >= thresholds[a]! - Number.EPSILON; a++) {
        truePositives[a]!++;
        iouSums[a]! += overlap;
        counts[a]!++;
      }
    }
  }
  return { truePositives, iouSums, matches };
}

/** HOTA of several sequences together: association and localization are weighted by matches at each threshold. */
export function combineHota(parts: readonly HotaMetrics[]): HotaMetrics {
  const sumOf = (value: (curves: HotaCurves, a: number) => number): number[] =>
    thresholds.map((_, a) => parts.reduce((sum, { curves }) => sum + value(curves, a), 0));
  const truePositives = sumOf((curves, a) => curves.HOTA_TP[a]!);
  const weighted = (name: 'AssA' | 'AssRe' | 'AssPr' | 'LocA'): number[] =>
    sumOf((curves, a) => curves[name][a]! * curves.HOTA_TP[a]!);
  const perMatch = (sums: readonly number[]) => sums.map((sum, a) => sum / Math.max(1, truePositives[a]!));
  return metricsOf({
    truePositives,
    falseNegatives: sumOf((curves, a) => curves.HOTA_FN[a]!),
    falsePositives: sumOf((curves, a) => curves.HOTA_FP[a]!),
    AssA: perMatch(weighted('AssA')),
    AssRe: perMatch(weighted('AssRe')),
    AssPr: perMatch(weighted('AssPr')),
    LocA: weighted('LocA').map((sum, a) => meanIou(sum, truePositives[a]!)),
  });
}

/** As TrackEval: 1 where there is no match. */
function meanIou(sum: number, matches: number): number {
  return Math.max(1e-10, sum) / Math.max(1e-10, matches);
}

/**
 * Global alignment score of each pair of IDs (a soft Jaccard index over the sequence), which
 * weights every frame's matching. Only for IDs that overlap in some frame: it is 0 for all others.
 */
function globalAlignment(
  sequence: PreprocessedSequence,
  truthCounts: Float64Array,
  trackCounts: Float64Array,
): Float64Array {
  const { truthStarts, trackStarts, pairStarts, pairRow, pairColumn, pairIds, iou, idPairs } = sequence;
  const potential = new Float64Array(idPairs.truth.length);
  let rowSums = new Float64Array(64);
  let columnSums = new Float64Array(64);
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const rows = truthStarts[f + 1]! - truthStarts[f]!;
    const columns = trackStarts[f + 1]! - trackStarts[f]!;
    if (rowSums.length < rows) rowSums = new Float64Array(2 * rows);
    if (columnSums.length < columns) columnSums = new Float64Array(2 * columns);
    rowSums.fill(0, 0, rows);
    columnSums.fill(0, 0, columns);
    for (let p = pairStarts[f]!; p < pairStarts[f + 1]!; p++) {
      rowSums[pairRow[p]!]! += iou[p]!;
      columnSums[pairColumn[p]!]! += iou[p]!;
    }
    for (let p = pairStarts[f]!; p < pairStarts[f + 1]!; p++) {
      const union = columnSums[pairColumn[p]!]! + rowSums[pairRow[p]!]! - iou[p]!;
      if (union > Number.EPSILON) potential[pairIds[p]!]! += iou[p]! / union;
    }
  }
  return potential.map(
    (value, pair) => value / (truthCounts[idPairs.truth[pair]!]! + trackCounts[idPairs.track[pair]!]! - value),
  );
}

/** What all other metrics are computed from, at each threshold. */
interface ThresholdCounts {
  truePositives: number[];
  falseNegatives: number[];
  falsePositives: number[];
  AssA: number[];
  AssRe: number[];
  AssPr: number[];
  LocA: number[];
}

function metricsOf(counts: ThresholdCounts): HotaMetrics {
  const { truePositives, falseNegatives, falsePositives, AssA, AssRe, AssPr, LocA } = counts;
  const DetRe = truePositives.map((count, a) => count / Math.max(1, count + falseNegatives[a]!));
  const DetPr = truePositives.map((count, a) => count / Math.max(1, count + falsePositives[a]!));
  const DetA = truePositives.map((count, a) => count / Math.max(1, count + falseNegatives[a]! + falsePositives[a]!));
  const HOTA = DetA.map((value, a) => Math.sqrt(value * AssA[a]!));
  const RHOTA = DetRe.map((value, a) => Math.sqrt(value * AssA[a]!));
  const curves: HotaCurves = {
    HOTA,
    DetA,
    AssA,
    DetRe,
    DetPr,
    AssRe,
    AssPr,
    LocA,
    RHOTA,
    HOTA_TP: truePositives,
    HOTA_FN: falseNegatives,
    HOTA_FP: falsePositives,
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    HOTA: mean(HOTA),
    DetA: mean(DetA),
    AssA: mean(AssA),
    DetRe: mean(DetRe),
    DetPr: mean(DetPr),
    AssRe: mean(AssRe),
    AssPr: mean(AssPr),
    LocA: mean(LocA),
    RHOTA: mean(RHOTA),
    'HOTA(0)': HOTA[0]!,
    'LocA(0)': LocA[0]!,
    'HOTALocA(0)': HOTA[0]! * LocA[0]!,
    curves,
  };
}
