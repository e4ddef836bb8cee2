import { assign } from '@facedet/tracker';
import { malformed } from '../text/malformed.ts';
import { overlaps } from './overlaps.ts';
import type { TrackRows } from './rows.ts';

/** Truth and tracks of one frame: identities numbered from 0, and how much each pair overlaps. */
export interface PairedFrame {
  readonly truth: Int32Array;
  readonly tracks: Int32Array;
  /** Intersection over union, `truth.length` × `tracks.length`, row-major. */
  readonly similarity: Float64Array;
}

/** A sequence as the metrics see it: prepared, with dense identities. */
export interface PairedSequence {
  readonly frames: readonly PairedFrame[];
  readonly truthIds: number;
  readonly trackIds: number;
  readonly truthBoxes: number;
  readonly trackBoxes: number;
}

/** How ground truth is prepared. */
export interface PrepareOptions {
  /** Frames of the sequence; by default up to the last row. A row after it is an error. */
  length?: number;
  /** Classes whose matched tracks are taken out before scoring; by default MOT17's 2, 7, 8, 12 (MOT20 adds 6). */
  distractors?: readonly number[];
}

/** MOTChallenge's person on a vehicle, static person, distractor and reflection. */
const defaultDistractors = [2, 7, 8, 12];
const pedestrian = 1;
const minimumOverlap = 0.5;

/**
 * Prepares a sequence as MOTChallenge does (TrackEval's `MotChallenge2DBox`): where the truth has classes, tracks that fit
 * (IoU ≥ .5) a distractor are taken out, and only boxes marked 1 of class 1 remain; without classes every box marked 1 counts.
 *
 * @throws FaceDetError `MALFORMED_FILE` for a row after the sequence's end or a track of another class, naming its line.
 */
export function pairSequence(truth: TrackRows, tracks: TrackRows, { length, distractors = defaultDistractors }: PrepareOptions = {}): PairedSequence {
  const last = (rows: TrackRows): number => rows.frames.reduce((most, frame) => Math.max(most, frame), 0);
  const count = length ?? Math.max(last(truth), last(tracks));
  const truthFrames = byFrame(truth, count);
  const trackFrames = byFrame(tracks, count);
  const hasClasses = truth.classes.some((value) => value !== -1);
  const other = tracks.classes.findIndex((value) => value > pedestrian);
  if (other >= 0) throw malformed(tracks.file, tracks.lines[other]!, 'class 1 or -1 in column 8 of a track', String(tracks.classes[other]));
  const truthNumbers = new Map<number, number>();
  const trackNumbers = new Map<number, number>();
  let truthBoxes = 0;
  let trackBoxes = 0;
  const frames = truthFrames.map((truthRows, f): PairedFrame => {
    let trackRows = trackFrames[f]!;
    if (hasClasses) trackRows = withoutDistractors(truth, truthRows, tracks, trackRows, distractors);
    const kept = truthRows.filter((row) => truth.scores[row] !== 0 && (!hasClasses || truth.classes[row] === pedestrian));
    truthBoxes += kept.length;
    trackBoxes += trackRows.length;
    return {
      truth: Int32Array.from(kept, (row) => numberOf(truthNumbers, truth.ids[row]!)),
      tracks: Int32Array.from(trackRows, (row) => numberOf(trackNumbers, tracks.ids[row]!)),
      similarity: overlaps(boxesOf(truth, kept), boxesOf(tracks, trackRows)),
    };
  });
  return { frames, truthIds: truthNumbers.size, trackIds: trackNumbers.size, truthBoxes, trackBoxes };
}

/** Row indices of each frame. */
function byFrame(rows: TrackRows, count: number): number[][] {
  const frames: number[][] = Array.from({ length: count }, () => []);
  rows.frames.forEach((frame, row) => {
    const place = frames[frame - 1];
    if (!place) throw malformed(rows.file, rows.lines[row]!, `a frame up to ${count}, the sequence's length`, `frame ${frame}`);
    place.push(row);
  });
  return frames;
}

function boxesOf(rows: TrackRows, indices: readonly number[]): Float64Array {
  const boxes = new Float64Array(4 * indices.length);
  indices.forEach((row, i) => boxes.set(rows.boxes.subarray(4 * row, 4 * row + 4), 4 * i));
  return boxes;
}

function numberOf(numbers: Map<number, number>, id: number): number {
  let number = numbers.get(id);
  if (number === undefined) numbers.set(id, (number = numbers.size));
  return number;
}

function withoutDistractors(truth: TrackRows, truthRows: readonly number[], tracks: TrackRows, trackRows: number[], distractors: readonly number[]): number[] {
  if (truthRows.length === 0 || trackRows.length === 0) return trackRows;
  const cols = trackRows.length;
  const similarity = overlaps(boxesOf(truth, truthRows), boxesOf(tracks, trackRows));
  const cost = similarity.map((value) => (value < minimumOverlap - Number.EPSILON ? 0 : -value));
  const { rowToCol } = assign(cost, truthRows.length, cols);
  const removed = new Set<number>();
  rowToCol.forEach((col, row) => {
    if (col >= 0 && cost[row * cols + col]! < 0 && distractors.includes(truth.classes[truthRows[row]!]!)) removed.add(col);
  });
  return removed.size === 0 ? trackRows : trackRows.filter((_, col) => !removed.has(col));
}
