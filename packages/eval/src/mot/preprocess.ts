import { FaceDetError, received } from '@facedet/checks';
import { MINIMUM_OVERLAP, rowsOf, visitOverlaps } from '../boxes.ts';
import { NumberList } from '../number-list.ts';
import { malformed, shortPath } from '../text/file-errors.ts';
import { MAX_FRAMES } from '../text/limits.ts';
import { createMatcher } from './bipartite-matching.ts';
import { checkRows, rowsByFrame, type TrackRows } from './track-rows.ts';

/** Ground truth and tracks of one sequence. */
export interface MotSequence {
  /** Ground truth: rows of `gt.txt`. */
  readonly truth: TrackRows;
  readonly tracks: TrackRows;
  /** Frames of the sequence, up to 20,000,000; default the last frame of a row. A row after it is an error. */
  readonly length?: number;
  /**
   * Classes whose matched tracks are removed before scoring; default MOT17's 2, 7, 8, 12 (MOT20 adds 6). More classes
   * forgive more false positives.
   */
  readonly distractors?: readonly number[];
}

/**
 * A preprocessed sequence, its IDs numbered from 0. Flat arrays hold only the frames that have boxes, and only the
 * overlapping pairs of a frame: the cost of a long video is that of its boxes.
 */
export interface PreprocessedSequence {
  /** Frames of the sequence, with empty ones. */
  readonly length: number;
  /** The first ground-truth box of each frame in `truth`, and the number of all after the last. */
  readonly truthStarts: Float64Array;
  /** The same for the tracks' boxes in `tracks`. */
  readonly trackStarts: Float64Array;
  /** The same for the pairs. */
  readonly pairStarts: Float64Array;
  /** The ID of each ground-truth box. */
  readonly truth: Float64Array;
  /** The ID of each box of the tracks. */
  readonly tracks: Float64Array;
  /** The ground-truth box of each pair, counted from the first of its frame. */
  readonly pairRow: Float64Array;
  /** The tracks' box of each pair, counted from the first of its frame. */
  readonly pairColumn: Float64Array;
  /** IoU of each pair, above 0. */
  readonly iou: Float64Array;
  /** The index in `idPairs` of the IDs of each pair of boxes. */
  readonly pairIds: Float64Array;
  /** The pairs of IDs that overlap in some frame. */
  readonly idPairs: { readonly truth: Float64Array; readonly track: Float64Array };
  /** Number of ground-truth IDs. */
  readonly truthIds: number;
  /** Number of track IDs. */
  readonly trackIds: number;
}

/** MOTChallenge's person on a vehicle, static person, distractor and reflection. */
const defaultDistractors = [2, 7, 8, 12];
const pedestrian = 1;
/** Most overlapping pairs in one frame, as in the tracker: more take minutes to match. */
const MAX_FRAME_PAIRS = 1 << 22;

/**
 * Preprocesses a sequence as MOTChallenge does (TrackEval's `MotChallenge2DBox`): where the ground truth has classes,
 * tracks that match a distractor (IoU ≥ 0.5) are removed, and of the ground truth only boxes of class 1 with score 1
 * remain; without classes all boxes with score 1 remain.
 *
 * @throws FaceDetError `MALFORMED_FILE` for a row after the sequence's end or a track of another class, naming its
 * line; `TOO_DENSE` for a frame with more than 4 million overlapping pairs; `INVALID_ARGUMENT` for an option out of
 * range.
 */
export function preprocessSequence(sequence: MotSequence): PreprocessedSequence {
  const { truth, tracks } = sequence;
  const { length, distractors } = checkSequence(sequence);
  const hasClasses = truth.classes.some((value) => value !== -1);
  const isEvaluated = (row: number): boolean =>
    truth.scores[row] !== 0 && (!hasClasses || truth.classes[row] === pedestrian);
  const builder = new SequenceBuilder(length);
  const match = createMatcher();
  for (const [truthRows, trackRows] of framesOf(truth, tracks)) {
    const { row, column, iou } = overlapsOf(truth, truthRows, tracks, trackRows);
    const removed = new Set<number>();
    if (hasClasses) {
      const gain = iou.map((value) => (value < MINIMUM_OVERLAP - Number.EPSILON ? 0 : value));
      match(truthRows.length, trackRows.length, { row, column, gain, count: gain.length }).forEach((j, i) => {
        if (j >= 0 && distractors.includes(truth.classes[truthRows[i]!]!)) removed.add(j);
      });
    }
    const truthIndex = builder.truth.addRows(truth, truthRows, isEvaluated);
    const trackIndex = builder.tracks.addRows(tracks, trackRows, (_, j) => !removed.has(j));
    for (let p = 0; p < row.length; p++) builder.addPair(truthIndex[row[p]!]!, trackIndex[column[p]!]!, iou[p]!);
    builder.endFrame();
  }
  return builder.build();
}

function checkSequence({ truth, tracks, ...options }: MotSequence) {
  checkRows(truth, 'truth');
  checkRows(tracks, 'tracks');
  const { length = Math.max(lastFrame(truth), lastFrame(tracks)), distractors = defaultDistractors } = options;
  if (!Number.isInteger(length) || length < 0 || length > MAX_FRAMES) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a whole number of frames up to ${MAX_FRAMES} for length but received ${received(length)}.`,
    );
  }
  if (!Array.isArray(distractors))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a list of classes for distractors but received ${received(distractors)}.`,
    );
  for (const { file, frames, lines } of [truth, tracks]) {
    const row = frames.findIndex((frame) => frame < 1 || frame > length);
    if (row < 0) continue;
    const expected = `a frame up to ${length}, the sequence's length`;
    throw malformed({ file, line: lines[row]! }, expected, `frame ${frames[row]}`);
  }
  const row = tracks.classes.findIndex((value) => value > pedestrian);
  if (row >= 0) {
    const place = { file: tracks.file, line: tracks.lines[row]! };
    throw malformed(place, 'class 1 or -1 in column 8 of a track', String(tracks.classes[row]));
  }
  return { length, distractors };
}

function lastFrame({ frames }: TrackRows): number {
  return frames.reduce((last, frame) => Math.max(last, frame), 0);
}

/** The rows of ground truth and tracks in each frame that has any, by ascending frame. */
function* framesOf(truth: TrackRows, tracks: TrackRows): Generator<[truthRows: Uint32Array, trackRows: Uint32Array]> {
  const cursors = [truth, tracks].map((rows) => ({ frames: rows.frames, order: rowsByFrame(rows), at: 0 }));
  const frameAt = ({ frames, order, at }: (typeof cursors)[number]): number =>
    at < order.length ? frames[order[at]!]! : Infinity;
  for (;;) {
    const frame = Math.min(...cursors.map(frameAt));
    if (frame === Infinity) return;
    yield cursors.map((cursor) => {
      const first = cursor.at;
      while (frameAt(cursor) === frame) cursor.at++;
      return cursor.order.subarray(first, cursor.at);
    }) as [Uint32Array, Uint32Array];
  }
}

/** The overlapping pairs of a frame: indices into `truthRows` and `trackRows`, and their IoU. */
function overlapsOf(truth: TrackRows, truthRows: Uint32Array, tracks: TrackRows, trackRows: Uint32Array) {
  const row: number[] = [];
  const column: number[] = [];
  const iou: number[] = [];
  visitOverlaps(rowsOf(truth.boxes, truthRows), rowsOf(tracks.boxes, trackRows), (i, j, value) => {
    if (row.length === MAX_FRAME_PAIRS) throw tooDense(truth, truthRows[0]!);
    row.push(i);
    column.push(j);
    iou.push(value);
  });
  return { row, column, iou };
}

function tooDense({ file, frames, lines }: TrackRows, row: number): FaceDetError {
  const place = `${shortPath(file)}, line ${lines[row]}`;
  const expected = `at most ${MAX_FRAME_PAIRS} overlapping pairs of true and tracked boxes in frame ${frames[row]}`;
  return new FaceDetError('TOO_DENSE', `${place}: expected ${expected} but received more; remove duplicate boxes.`);
}

/** Most entries of a Map in V8. */
const MAX_MAP_SIZE = 2 ** 24 - 1;

/** Numbers keys from 0 in the order of their first occurrence. */
class Numbering {
  readonly #numbers = new Map<number, number>();

  get size(): number {
    return this.#numbers.size;
  }

  numberOf(key: number): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      if (this.#numbers.size >= MAX_MAP_SIZE)
        throw new FaceDetError(
          'TOO_LARGE',
          `Expected at most ${MAX_MAP_SIZE} IDs and pairs of IDs but received more; evaluate the data in parts.`,
        );
      this.#numbers.set(key, (number = this.#numbers.size));
    }
    return number;
  }
}

/** The boxes of one side, ground truth or tracks. */
class BoxList {
  readonly ids = new NumberList('boxes');
  readonly starts = new NumberList('frames');
  readonly numbering = new Numbering();

  /** Adds the kept boxes of a frame; returns the index in the frame of each row, or −1. */
  addRows(rows: TrackRows, indices: Uint32Array, isKept: (row: number, index: number) => boolean): Int32Array {
    let kept = 0;
    return Int32Array.from(indices, (row, index) => {
      if (!isKept(row, index)) return -1;
      this.ids.push(this.numbering.numberOf(rows.ids[row]!));
      return kept++;
    });
  }

  /** The ID of a box of the current frame. */
  idAt(index: number): number {
    return this.ids.at(this.starts.at(this.starts.length - 1) + index);
  }
}

/** Collects the frames of a sequence. */
class SequenceBuilder {
  readonly truth = new BoxList();
  readonly tracks = new BoxList();
  readonly #length: number;
  readonly #pairStarts = new NumberList('frames');
  readonly #pairRow = new NumberList('pairs');
  readonly #pairColumn = new NumberList('pairs');
  readonly #iou = new NumberList('pairs');
  readonly #pairIds = new NumberList('pairs');
  readonly #idPairs = { truth: new NumberList('pairs'), track: new NumberList('pairs'), numbering: new Numbering() };

  constructor(length: number) {
    this.#length = length;
    this.endFrame();
  }

  /** Adds an overlapping pair of the current frame, by the boxes' indices in it; −1 for a removed box. */
  addPair(row: number, column: number, iou: number): void {
    if (row < 0 || column < 0) return;
    const truthId = this.truth.idAt(row);
    const trackId = this.tracks.idAt(column);
    const pair = this.#idPairs.numbering.numberOf(truthId * 2 ** 26 + trackId);
    if (pair === this.#idPairs.truth.length) {
      this.#idPairs.truth.push(truthId);
      this.#idPairs.track.push(trackId);
    }
    this.#pairRow.push(row);
    this.#pairColumn.push(column);
    this.#iou.push(iou);
    this.#pairIds.push(pair);
  }

  endFrame(): void {
    this.truth.starts.push(this.truth.ids.length);
    this.tracks.starts.push(this.tracks.ids.length);
    this.#pairStarts.push(this.#iou.length);
  }

  build(): PreprocessedSequence {
    return {
      length: this.#length,
      truthStarts: this.truth.starts.toArray(),
      trackStarts: this.tracks.starts.toArray(),
      pairStarts: this.#pairStarts.toArray(),
      truth: this.truth.ids.toArray(),
      tracks: this.tracks.ids.toArray(),
      pairRow: this.#pairRow.toArray(),
      pairColumn: this.#pairColumn.toArray(),
      iou: this.#iou.toArray(),
      pairIds: this.#pairIds.toArray(),
      idPairs: { truth: this.#idPairs.truth.toArray(), track: this.#idPairs.track.toArray() },
      truthIds: this.truth.numbering.size,
      trackIds: this.tracks.numbering.size,
    };
  }
}
