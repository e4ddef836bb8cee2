import { assign } from '@facedet/tracker';
import type { PairedSequence } from './sequence.ts';

/** The overlaps at which HOTA looks: .05, .10, … .95. */
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

/** Higher order tracking accuracy (Luiten et al., IJCV 2020): each field but the last four is a mean over `hotaThresholds`. */
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

/** Matches of two identities over a sequence, for each threshold. */
interface PairMatches {
  truth: number;
  track: number;
  counts: Float64Array;
}

/** HOTA of one sequence, as TrackEval computes it. */
export function hota({ frames, truthIds, trackIds, truthBoxes, trackBoxes }: PairedSequence): HotaFigures {
  const steps = hotaThresholds.length;
  const zeros = (): Float64Array => new Float64Array(steps);
  const hits = zeros();
  const localisation = zeros();
  const sums = { AssA: zeros(), AssRe: zeros(), AssPr: zeros() };
  if (truthBoxes > 0 && trackBoxes > 0) {
    const truthCounts = new Float64Array(truthIds);
    const trackCounts = new Float64Array(trackIds);
    const alignment = globalAlignment(frames, truthCounts, trackCounts);
    const pairs = new Map<number, PairMatches>();
    for (const { truth, tracks, similarity } of frames) {
      if (truth.length === 0 || tracks.length === 0) continue;
      const cols = tracks.length;
      const cost = similarity.map((value, k) => -alignment[truth[Math.floor(k / cols)]! * trackIds + tracks[k % cols]!]! * value);
      const { rowToCol } = assign(cost, truth.length, cols);
      for (let row = 0; row < truth.length; row++) {
        const col = rowToCol[row]!;
        if (col < 0) continue;
        const overlap = similarity[row * cols + col]!;
        if (overlap < hotaThresholds[0]! - Number.EPSILON) continue;
        const key = truth[row]! * trackIds + tracks[col]!;
        let pair = pairs.get(key);
        if (!pair) pairs.set(key, (pair = { truth: truth[row]!, track: tracks[col]!, counts: zeros() }));
        for (let a = 0; a < steps && overlap >= hotaThresholds[a]! - Number.EPSILON; a++) {
          hits[a] = hits[a]! + 1;
          localisation[a] = localisation[a]! + overlap;
          pair.counts[a] = pair.counts[a]! + 1;
        }
      }
    }
    for (const { truth, track, counts } of pairs.values()) {
      for (let a = 0; a < steps; a++) {
        const count = counts[a]!;
        const inTruth = truthCounts[truth]!;
        const inTrack = trackCounts[track]!;
        sums.AssA[a] = sums.AssA[a]! + count * (count / Math.max(1, inTruth + inTrack - count));
        sums.AssRe[a] = sums.AssRe[a]! + count * (count / Math.max(1, inTruth));
        sums.AssPr[a] = sums.AssPr[a]! + count * (count / Math.max(1, inTrack));
      }
    }
  }
  const overHits = (sum: Float64Array): number[] => Array.from(sum, (value, a) => value / Math.max(1, hits[a]!));
  return figuresOf({
    hits: Array.from(hits),
    misses: Array.from(hits, (hit) => truthBoxes - hit),
    extras: Array.from(hits, (hit) => trackBoxes - hit),
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
  const weighted = (name: 'AssA' | 'AssRe' | 'AssPr'): number[] => over((curves, a) => curves[name][a]! * curves.HOTA_TP[a]!).map((sum, a) => sum / Math.max(1, hits[a]!));
  return figuresOf({
    hits,
    misses: over((curves, a) => curves.HOTA_FN[a]!),
    extras: over((curves, a) => curves.HOTA_FP[a]!),
    AssA: weighted('AssA'),
    AssRe: weighted('AssRe'),
    AssPr: weighted('AssPr'),
    LocA: over((curves, a) => curves.LocA[a]! * curves.HOTA_TP[a]!).map((sum, a) => Math.max(1e-10, sum) / Math.max(1e-10, hits[a]!)),
  });
}

/** How well each pair of identities fits over the whole sequence (a soft Jaccard index); it steers every frame's matching. */
function globalAlignment(frames: PairedSequence['frames'], truthCounts: Float64Array, trackCounts: Float64Array): Float64Array {
  const trackIds = trackCounts.length;
  const potential = new Float64Array(truthCounts.length * trackIds);
  for (const { truth, tracks, similarity } of frames) {
    const cols = tracks.length;
    const rowSums = new Float64Array(truth.length);
    const colSums = new Float64Array(cols);
    similarity.forEach((value, k) => {
      const row = Math.floor(k / cols);
      rowSums[row] = rowSums[row]! + value;
      colSums[k % cols] = colSums[k % cols]! + value;
    });
    similarity.forEach((value, k) => {
      const row = Math.floor(k / cols);
      const rest = colSums[k % cols]! + rowSums[row]! - value;
      if (!(rest > Number.EPSILON)) return;
      const place = truth[row]! * trackIds + tracks[k % cols]!;
      potential[place] = potential[place]! + value / rest;
    });
    for (const id of truth) truthCounts[id] = truthCounts[id]! + 1;
    for (const id of tracks) trackCounts[id] = trackCounts[id]! + 1;
  }
  return potential.map((value, k) => value / (truthCounts[Math.floor(k / trackIds)]! + trackCounts[k % trackIds]! - value));
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
  const curves: HotaCurves = { HOTA, DetA, AssA, DetRe, DetPr, AssRe, AssPr, LocA, RHOTA, HOTA_TP: hits, HOTA_FN: misses, HOTA_FP: extras };
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
