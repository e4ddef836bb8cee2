import { createPairMatcher } from './pair-matcher.ts';
import type { PairedSequence } from './sequence.ts';

/** The overlaps at which HOTA is computed: 0.05, 0.10, … 0.95. */
export const hotaThresholds: readonly number[] = Array.from({ length: 19 }, (_, k) => 0.05 + 0.05 * k);

/** HOTA at each of `hotaThresholds`. */
export interface HotaCurves {
  readonly HOTA: number[];
  readonly DetA: number[];
  readonly AssA: number[];
  readonly DetRe: number[];
  readonly DetPr: number[];
  readonly AssRe: number[];
  readonly AssPr: number[];
  readonly LocA: number[];
  /** The geometric mean of detection recall and AssA: for tracks that keep to what they are sure of. */
  readonly RHOTA: number[];
  readonly HOTA_TP: number[];
  readonly HOTA_FN: number[];
  readonly HOTA_FP: number[];
}

/**
 * Higher order tracking accuracy (Luiten et al., IJCV 2020): each field but the last four is a mean over
 * `hotaThresholds`.
 */
export interface HotaFigures {
  /** Geometric mean of detection and association accuracy. */
  readonly HOTA: number;
  /** Detection accuracy: TP / (TP + FN + FP). */
  readonly DetA: number;
  /** Association accuracy: how much of its true and its predicted track each match shares, averaged over matches. */
  readonly AssA: number;
  /** Detection recall. */
  readonly DetRe: number;
  /** Detection precision. */
  readonly DetPr: number;
  /** Association recall: how much of its true track each match's identity covers. */
  readonly AssRe: number;
  /** Association precision: how much of its predicted track each match's true identity fills. */
  readonly AssPr: number;
  /** Localisation accuracy: mean IoU of matches. */
  readonly LocA: number;
  readonly RHOTA: number;
  /** At the lowest threshold, where localisation hardly counts. */
  readonly 'HOTA(0)': number;
  readonly 'LocA(0)': number;
  readonly 'HOTALocA(0)': number;
  readonly curves: HotaCurves;
}

/** HOTA of one sequence, as TrackEval computes it. */
export function hota(sequence: PairedSequence): HotaFigures {
  const {
    truth,
    tracks,
    truthStarts,
    trackStarts,
    pairStarts,
    pairRow,
    pairCol,
    pairCouple,
    similarity,
    couples,
    truthIds,
    trackIds,
  } = sequence;
  const steps = hotaThresholds.length;
  const zeros = (): Float64Array => new Float64Array(steps);
  const hits = zeros();
  const localisation = zeros();
  const sums = { AssA: zeros(), AssRe: zeros(), AssPr: zeros() };
  const truthCounts = new Float64Array(truthIds);
  const trackCounts = new Float64Array(trackIds);
  for (const id of truth) truthCounts[id]!++;
  for (const id of tracks) trackCounts[id]!++;
  const alignment = globalAlignment(sequence, truthCounts, trackCounts);
  /** Matches of each pair of identities, for each threshold. */
  const matches = new Map<number, Float64Array>();
  const match = createPairMatcher();
  let gain = new Float64Array(64);
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const from = pairStarts[f]!;
    const count = pairStarts[f + 1]! - from;
    if (count === 0) continue;
    if (gain.length < count) gain = new Float64Array(2 * count);
    for (let p = 0; p < count; p++) gain[p] = alignment[pairCouple[from + p]!]! * similarity[from + p]!;
    const rowToCol = match(truthStarts[f + 1]! - truthStarts[f]!, trackStarts[f + 1]! - trackStarts[f]!, {
      row: pairRow,
      col: pairCol,
      gain,
      from,
      count,
    });
    for (let p = from; p < from + count; p++) {
      if (rowToCol[pairRow[p]!] !== pairCol[p]) continue;
      const overlap = similarity[p]!;
      if (overlap < hotaThresholds[0]! - Number.EPSILON) continue;
      let counts = matches.get(pairCouple[p]!);
      if (!counts) matches.set(pairCouple[p]!, (counts = zeros()));
      for (let a = 0; a < steps && overlap >= hotaThresholds[a]! - Number.EPSILON; a++) {
        hits[a]!++;
        localisation[a]! += overlap;
        counts[a]!++;
      }
    }
  }
  for (const [couple, counts] of matches) {
    const inTruth = truthCounts[couples.truth[couple]!]!;
    const inTrack = trackCounts[couples.track[couple]!]!;
    for (let a = 0; a < steps; a++) {
      const count = counts[a]!;
      sums.AssA[a]! += count * (count / Math.max(1, inTruth + inTrack - count));
      sums.AssRe[a]! += count * (count / Math.max(1, inTruth));
      sums.AssPr[a]! += count * (count / Math.max(1, inTrack));
    }
  }
  const overHits = (sum: Float64Array): number[] => Array.from(sum, (value, a) => value / Math.max(1, hits[a]!));
  return figuresOf({
    hits: Array.from(hits),
    misses: Array.from(hits, (hit) => truth.length - hit),
    extras: Array.from(hits, (hit) => tracks.length - hit),
    AssA: overHits(sums.AssA),
    AssRe: overHits(sums.AssRe),
    AssPr: overHits(sums.AssPr),
    LocA: Array.from(localisation, (sum, a) => Math.max(1e-10, sum) / Math.max(1e-10, hits[a]!)),
  });
}

/** HOTA of several sequences together: association and localisation weighted by matches at each threshold. */
export function combineHota(parts: readonly HotaFigures[]): HotaFigures {
  const over = (value: (curves: HotaCurves, a: number) => number): number[] =>
    hotaThresholds.map((_, a) => parts.reduce((sum, { curves }) => sum + value(curves, a), 0));
  const hits = over((curves, a) => curves.HOTA_TP[a]!);
  const weighted = (name: 'AssA' | 'AssRe' | 'AssPr'): number[] =>
    over((curves, a) => curves[name][a]! * curves.HOTA_TP[a]!).map((sum, a) => sum / Math.max(1, hits[a]!));
  return figuresOf({
    hits,
    misses: over((curves, a) => curves.HOTA_FN[a]!),
    extras: over((curves, a) => curves.HOTA_FP[a]!),
    AssA: weighted('AssA'),
    AssRe: weighted('AssRe'),
    AssPr: weighted('AssPr'),
    LocA: over((curves, a) => curves.LocA[a]! * curves.HOTA_TP[a]!).map(
      (sum, a) => Math.max(1e-10, sum) / Math.max(1e-10, hits[a]!),
    ),
  });
}

/**
 * How well each pair of identities fits over the whole sequence (a soft Jaccard index); it steers every frame's
 * matching. Only of those that overlap in some frame: of the others it is 0.
 */
function globalAlignment(sequence: PairedSequence, truthCounts: Float64Array, trackCounts: Float64Array): Float64Array {
  const { truthStarts, trackStarts, pairStarts, pairRow, pairCol, pairCouple, similarity, couples } = sequence;
  const potential = new Float64Array(couples.truth.length);
  let rowSums = new Float64Array(64);
  let colSums = new Float64Array(64);
  for (let f = 0; f + 1 < truthStarts.length; f++) {
    const rows = truthStarts[f + 1]! - truthStarts[f]!;
    const cols = trackStarts[f + 1]! - trackStarts[f]!;
    if (rowSums.length < rows) rowSums = new Float64Array(2 * rows);
    if (colSums.length < cols) colSums = new Float64Array(2 * cols);
    rowSums.fill(0, 0, rows);
    colSums.fill(0, 0, cols);
    for (let p = pairStarts[f]!; p < pairStarts[f + 1]!; p++) {
      rowSums[pairRow[p]!]! += similarity[p]!;
      colSums[pairCol[p]!]! += similarity[p]!;
    }
    for (let p = pairStarts[f]!; p < pairStarts[f + 1]!; p++) {
      const rest = colSums[pairCol[p]!]! + rowSums[pairRow[p]!]! - similarity[p]!;
      if (rest > Number.EPSILON) potential[pairCouple[p]!]! += similarity[p]! / rest;
    }
  }
  return potential.map(
    (value, couple) => value / (truthCounts[couples.truth[couple]!]! + trackCounts[couples.track[couple]!]! - value),
  );
}

interface Tallies {
  hits: number[];
  misses: number[];
  extras: number[];
  AssA: number[];
  AssRe: number[];
  AssPr: number[];
  LocA: number[];
}

function figuresOf({ hits, misses, extras, AssA, AssRe, AssPr, LocA }: Tallies): HotaFigures {
  const DetRe = hits.map((hit, a) => hit / Math.max(1, hit + misses[a]!));
  const DetPr = hits.map((hit, a) => hit / Math.max(1, hit + extras[a]!));
  const DetA = hits.map((hit, a) => hit / Math.max(1, hit + misses[a]! + extras[a]!));
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
    HOTA_TP: hits,
    HOTA_FN: misses,
    HOTA_FP: extras,
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
