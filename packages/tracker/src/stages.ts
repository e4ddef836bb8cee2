import type { createAssociation, Cost } from './association.ts';
import { checkAffinity } from './input.ts';
import { COVARIANCE } from './kalman.ts';
import {
  GAP_EXPONENT,
  isHigh,
  isLow,
  LOW_MATCH_THRESHOLD,
  MAX_GAP_STEPS,
  SIMILAR_SIZE,
  TENTATIVE_MATCH_THRESHOLD,
  type Settings,
} from './options.ts';
import type { Choice } from './overlap.ts';
import { describe, TENTATIVE, TRACKED } from './table.ts';
import type { Detection, Track } from './types.ts';
import type { Workspace } from './workspace.ts';

/**
 * Pairs tracks and detections in ByteTrack's three stages: fills `match` (a detection for each slot, or -1) and `owner`
 * (a slot for each detection, or -1). Tracks that are marked in `drop` take no part. `steps` is the gap since the last
 * update in steps of the filter.
 */
export function matchStages<D extends Detection>(
  settings: Settings<D>,
  work: Workspace,
  { associate }: Pick<ReturnType<typeof createAssociation>, 'associate'>,
  detections: readonly D[],
  steps: number,
): void {
  const { matchThreshold, affinity } = settings;
  const { tracks, match, owner, drop, scores, rowIndex, colIndex, rowToCol, reach } = work;
  const { count, state } = tracks;
  match.fill(-1, 0, count);
  owner.fill(-1, 0, detections.length);
  const rows: Choice = { boxes: work.trackBoxes, index: rowIndex, count: 0 };
  const cols: Choice = { boxes: work.detectionBoxes, index: colIndex, count: 0 };

  function selectTracks(wanted: (slot: number) => boolean): void {
    rows.count = 0;
    for (let slot = 0; slot < count; slot++) {
      if (drop[slot] || !wanted(slot)) continue;
      if (affinity) reach[rows.count] = 3 * Math.sqrt(tracks.covariance[slot * COVARIANCE]!);
      rowIndex[rows.count++] = slot;
    }
  }

  function selectDetections(wanted: (score: number) => boolean): void {
    cols.count = 0;
    for (let i = 0; i < detections.length; i++) if (owner[i] === -1 && wanted(scores[i]!)) colIndex[cols.count++] = i;
  }

  function matchStage(limit: number, cost: Cost, near?: Float64Array): void {
    associate(rows, cols, limit, cost, rowToCol, near);
    for (let r = 0; r < rows.count; r++) {
      const col = rowToCol[r]!;
      if (col < 0) continue;
      match[rowIndex[r]!] = colIndex[col]!;
      owner[colIndex[col]!] = rowIndex[r]!;
    }
  }

  const relaxed = (limit: number, exponent: number) =>
    1 - (1 - limit) / Math.min(Math.max(1, steps), MAX_GAP_STEPS) ** exponent;
  const expected = affinity && Array.from({ length: count }, (_, slot) => describe<D>(tracks, slot, null, -1));
  /** A stage for high scores, with `limit` of 1 − similarity; overlap above `usual` is enough whatever the sizes. */
  const matchHigh = (limit: number, usual: number) => {
    if (expected) {
      const cost = appearanceCost(settings, work, { rows, cols, limit, usual, expected, detections });
      matchStage(limit, cost, reach);
    } else {
      matchStage(limit, fusedCost(work, { rows, cols, usual }));
    }
  };

  // 1. High scores, with every confirmed track.
  selectTracks((slot) => state[slot]! !== TENTATIVE);
  selectDetections((score) => isHigh(settings, score));
  matchHigh(relaxed(matchThreshold, GAP_EXPONENT), 1 - matchThreshold);
  // 2. Low scores, with tracks that were found in the last frame; scores so low say nothing about the match.
  selectTracks((slot) => state[slot]! === TRACKED && match[slot] === -1);
  selectDetections((score) => isLow(settings, score));
  matchStage(LOW_MATCH_THRESHOLD, (_row, _col, iou) => 1 - iou);
  // 3. The rest of the high scores, with tentative tracks. This stage has a limit of its own: without a gap the sizes
  // do not matter, however strict the first stage is.
  selectTracks((slot) => state[slot]! === TENTATIVE);
  selectDetections((score) => isHigh(settings, score));
  matchHigh(relaxed(TENTATIVE_MATCH_THRESHOLD, 1), Math.min(1 - matchThreshold, 1 - TENTATIVE_MATCH_THRESHOLD));
}

interface Stage {
  readonly rows: Choice;
  readonly cols: Choice;
  readonly usual: number;
}

/** 1 − IoU · score. Where only a gap lets so little overlap do, both boxes must be of about one size. */
function fusedCost({ trackBoxes, detectionBoxes, scores }: Workspace, { rows, cols, usual }: Stage): Cost {
  return (row, col, iou) => {
    const similarity = iou * scores[cols.index[col]!]!;
    if (similarity > usual) return 1 - similarity;
    const ratio = sizeRatio(trackBoxes, 4 * rows.index[row]!, detectionBoxes, 4 * cols.index[col]!);
    return ratio >= SIMILAR_SIZE ? 1 - similarity : Infinity;
  };
}

interface AppearanceStage<D extends Detection> extends Stage {
  readonly limit: number;
  readonly expected: readonly Track<D>[];
  readonly detections: readonly D[];
}

/**
 * The cost with affinity: half of the similarity is IoU · score, half is the affinity. A pair needs either the overlap
 * that it would need without affinity, or an affinity from `minAffinity` on between boxes of about one size.
 */
function appearanceCost<D extends Detection>(
  { affinity, minAffinity }: Settings<D>,
  { trackBoxes, detectionBoxes, scores }: Workspace,
  { rows, cols, limit, usual, expected, detections }: AppearanceStage<D>,
): Cost {
  return (row, col, iou) => {
    const slot = rows.index[row]!;
    const index = cols.index[col]!;
    const similarity = iou * scores[index]!;
    const sameSize = sizeRatio(trackBoxes, 4 * slot, detectionBoxes, 4 * index) >= SIMILAR_SIZE;
    const overlaps = similarity > 1 - limit && (similarity > usual || sameSize);
    if (!overlaps && !sameSize) return Infinity;
    const likeness = checkAffinity(affinity!(expected[slot]!, detections[index]!));
    return overlaps || likeness >= minAffinity ? 1 - (similarity + likeness) / 2 : Infinity;
  };
}

/** Lesser over greater width times lesser over greater height of two boxes at offsets `a` and `b`. */
function sizeRatio(p: Float64Array, a: number, q: Float64Array, b: number): number {
  const width = (p[a + 2]! - p[a]!) / (q[b + 2]! - q[b]!);
  const height = (p[a + 3]! - p[a + 1]!) / (q[b + 3]! - q[b + 1]!);
  return Math.min(width, 1 / width) * Math.min(height, 1 / height);
}
