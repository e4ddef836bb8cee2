import type { Association, PairCost } from './association.ts';
import { checkAffinity } from './input.ts';
import { COVARIANCE } from './kalman.ts';
import type { Settings } from './options.ts';
import { toTrack } from './output.ts';
import type { BoxSelection } from './overlap.ts';
import { TENTATIVE, TRACKED } from './table.ts';
import type { Detection, Track } from './types.ts';
import type { Workspace } from './workspace.ts';

/** Highest cost of a low-score pair, 1 − IoU, and of a tentative track's pair, 1 − IoU · score; as in the original. */
const LOW_MATCH_THRESHOLD = 0.5;
const TENTATIVE_MATCH_THRESHOLD = 0.7;

/**
 * After a gap, faces are farther from their predictions: the similarity (IoU · score) that a high-score pair needs is
 * divided by the steps of the gap to this power (boxes move apart in x and in y), that of a tentative track by the
 * steps alone. Low-score detections get no relaxation; in a crowd they usually belong to another track.
 */
const GAP_EXPONENT = 1.5;

/**
 * Longer gaps, in steps, relax no further, so that some overlap is always needed, however large `maxLostSeconds` is. On
 * real face tracks with every 8th to 28th frame, a limit of 30 steps has the IDF1 of no limit (0.1534 at every 28th);
 * 20 and 10 have 0.1515 and 0.1483 there.
 */
const MAX_GAP_STEPS = 30;

/**
 * Minimum size similarity (min/max width × min/max height) for pairs that match only because a gap relaxed the
 * threshold, or by their affinity. Two boxes of one face have about one size; those of two people who stand behind each
 * other mostly have not. On MOT17-val every third frame has IDF1 0.625 without both rules and 0.662 with them, on real
 * face tracks 0.467 and 0.465.
 */
const MIN_SIZE_SIMILARITY = 0.7;

/** With affinity, detections are considered within this many standard deviations of the predicted center. */
const SEARCH_DEVIATIONS = 3;

/** The detections of one update, and the time since the last one in filter steps. */
export interface StageInput<D extends Detection> {
  readonly detections: readonly D[];
  readonly steps: number;
}

/**
 * Matches tracks and detections in ByteTrack's three stages: fills `detectionOf` (a detection for each slot, or -1) and
 * `slotOf` (a slot for each detection, or -1). Tracks that are marked in `ended` take no part.
 */
export function matchStages<D extends Detection>(
  settings: Settings<D>,
  work: Workspace,
  { associate }: Association,
  { detections, steps }: StageInput<D>,
): void {
  const { highScoreThreshold, lowScoreThreshold, matchThreshold, affinity, policy } = settings;
  const { state, count } = work.tracks;
  const { detectionOf, slotOf, assigned } = work;
  detectionOf.fill(-1, 0, count);
  slotOf.fill(-1, 0, detections.length);
  const tracks: BoxSelection = { boxes: work.trackBoxes, indices: work.stageSlots, count: 0 };
  const candidates: BoxSelection = { boxes: work.detectionBoxes, indices: work.stageDetections, count: 0 };
  const stage: Stage<D> = { tracks, candidates, detections, expected: affinity ? expectedTracks(work) : [] };
  const margins = affinity ? work.margins : undefined;

  function matchStage(costLimit: number, cost: PairCost, margins?: Float64Array): void {
    associate({ tracks, detections: candidates, cost, costLimit, assigned, margins });
    for (let t = 0; t < tracks.count; t++) {
      if (assigned[t] === -1) continue;
      const slot = tracks.indices[t]!;
      const detection = candidates.indices[assigned[t]!]!;
      detectionOf[slot] = detection;
      slotOf[detection] = slot;
    }
  }

  /** Matches high-score detections. Pairs with a similarity above `usual` match whatever their sizes are. */
  function matchHighScores(costLimit: number, usual: number): void {
    selectDetections(candidates, work, detections.length, (score) => policy.reaches(highScoreThreshold, score));
    const cost = affinity ? appearanceCost(settings, work, stage, { costLimit, usual }) : iouCost(work, stage, usual);
    matchStage(costLimit, cost, margins);
  }

  // 1. High-score detections and all confirmed tracks.
  selectSlots(tracks, work, margins, (slot) => state[slot] !== TENTATIVE);
  matchHighScores(relaxed(matchThreshold, steps, GAP_EXPONENT), 1 - matchThreshold);
  // 2. Low-score detections and the tracks that were found in the last frame. Scores so low say nothing about the
  // match.
  selectSlots(tracks, work, margins, (slot) => state[slot] === TRACKED && detectionOf[slot] === -1);
  const isLow = (score: number) => score < highScoreThreshold && policy.reaches(lowScoreThreshold, score);
  selectDetections(candidates, work, detections.length, isLow);
  matchStage(LOW_MATCH_THRESHOLD, (_track, _detection, iou) => 1 - iou);
  // 3. The remaining high-score detections and the tentative tracks. This stage has a limit of its own: without a gap
  // the sizes do not matter, however strict the first stage is.
  selectSlots(tracks, work, margins, (slot) => state[slot] === TENTATIVE);
  const usual = Math.min(1 - matchThreshold, 1 - TENTATIVE_MATCH_THRESHOLD);
  matchHighScores(relaxed(TENTATIVE_MATCH_THRESHOLD, steps, 1), usual);
}

/** A cost limit after a gap: the similarity that it asks for, divided by the gap's steps to a power. */
const relaxed = (costLimit: number, steps: number, exponent: number) =>
  1 - (1 - costLimit) / Math.min(Math.max(1, steps), MAX_GAP_STEPS) ** exponent;

/** Selects the tracks of a stage, and how far around them detections are considered. */
function selectSlots(
  selection: BoxSelection,
  { tracks, ended }: Workspace,
  margins: Float64Array | undefined,
  isSelected: (slot: number) => boolean,
): void {
  selection.count = 0;
  for (let slot = 0; slot < tracks.count; slot++) {
    if (ended[slot] || !isSelected(slot)) continue;
    if (margins) margins[selection.count] = SEARCH_DEVIATIONS * Math.sqrt(tracks.covariance[slot * COVARIANCE]!);
    selection.indices[selection.count++] = slot;
  }
}

/** Selects the unmatched detections of a stage. */
function selectDetections(
  selection: BoxSelection,
  { scores, slotOf }: Workspace,
  count: number,
  isSelected: (score: number) => boolean,
): void {
  selection.count = 0;
  for (let i = 0; i < count; i++)
    if (slotOf[i] === -1 && isSelected(scores[i]!)) selection.indices[selection.count++] = i;
}

/** What the costs of a stage depend on. */
interface Stage<D extends Detection> {
  readonly tracks: BoxSelection;
  readonly candidates: BoxSelection;
  readonly detections: readonly D[];
  /** By slot: the predicted track; only with affinity. */
  readonly expected: readonly Track<D>[];
}

const expectedTracks = <D extends Detection>({ tracks }: Workspace) =>
  Array.from({ length: tracks.count }, (_, slot) => toTrack<D>(tracks, slot));

/** 1 − IoU · score. Pairs that match only because a gap relaxed the threshold must have about one size. */
function iouCost<D extends Detection>(
  { trackBoxes, detectionBoxes, scores }: Workspace,
  { tracks, candidates }: Stage<D>,
  usual: number,
): PairCost {
  return (track, detection, iou) => {
    const index = candidates.indices[detection]!;
    const similarity = iou * scores[index]!;
    if (similarity > usual) return 1 - similarity;
    const size = sizeSimilarity(trackBoxes, 4 * tracks.indices[track]!, detectionBoxes, 4 * index);
    return size >= MIN_SIZE_SIMILARITY ? 1 - similarity : Infinity;
  };
}

/**
 * The cost with affinity, which makes up half of the similarity; IoU · score is the other half. A pair needs either the
 * overlap that it would need without affinity, or an affinity from `minAffinity` up between boxes of about one size.
 */
function appearanceCost<D extends Detection>(
  { affinity, minAffinity }: Settings<D>,
  { trackBoxes, detectionBoxes, scores }: Workspace,
  { tracks, candidates, detections, expected }: Stage<D>,
  { costLimit, usual }: { readonly costLimit: number; readonly usual: number },
): PairCost {
  return (track, detection, iou) => {
    const slot = tracks.indices[track]!;
    const index = candidates.indices[detection]!;
    const similarity = iou * scores[index]!;
    const sameSize = sizeSimilarity(trackBoxes, 4 * slot, detectionBoxes, 4 * index) >= MIN_SIZE_SIMILARITY;
    const overlaps = similarity > 1 - costLimit && (similarity > usual || sameSize);
    if (!overlaps && !sameSize) return Infinity;
    const likeness = checkAffinity(affinity!(expected[slot]!, detections[index]!));
    return overlaps || likeness >= minAffinity ? 1 - (similarity + likeness) / 2 : Infinity;
  };
}

/** Lesser over greater width times lesser over greater height of two boxes at offsets `a` and `b`. */
function sizeSimilarity(p: Float64Array, a: number, q: Float64Array, b: number): number {
  const width = (p[a + 2]! - p[a]!) / (q[b + 2]! - q[b]!);
  const height = (p[a + 3]! - p[a + 1]!) / (q[b + 3]! - q[b + 1]!);
  return Math.min(width, 1 / width) * Math.min(height, 1 / height);
}
