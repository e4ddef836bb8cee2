import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import { boxesOfRows, MINIMUM_OVERLAP, visitOverlaps } from '../boxes.ts';
import { NumberList } from '../number-list.ts';
import { MAX_FRAMES } from '../text/limits.ts';
import { malformed, shortPath } from '../text/malformed.ts';
import { createPairMatcher } from './pair-matcher.ts';
import { checkRows, rowsByFrame, type TrackRows } from './rows.ts';

/**
 * A sequence as the metrics see it: prepared, with identities numbered from 0. All frames are in flat arrays, only
 * those that have boxes, and of the pairs of a frame only those that overlap: a long film costs what its boxes cost.
 */
export interface PairedSequence {
  /** Frames of the sequence, empty ones too. */
  readonly length: number;
  /** Where the true boxes of each frame begin in `truth`, and the number of all behind the last. */
  readonly truthStarts: Float64Array;
  /** The same for the tracks' boxes in `tracks`. */
  readonly trackStarts: Float64Array;
  /** The same for the pairs. */
  readonly pairStarts: Float64Array;
  /** The identity of each true box. */
  readonly truth: Float64Array;
  /** The identity of each box of the tracks. */
  readonly tracks: Float64Array;
  /** The true box of each pair, counted from the first of its frame. */
  readonly pairRow: Float64Array;
  /** The tracks' box of each pair, counted from the first of its frame. */
  readonly pairCol: Float64Array;
  /** Intersection over union of each pair, above 0. */
  readonly similarity: Float64Array;
  /** Which pair of identities each pair of boxes belongs to: a place in `couples`. */
  readonly pairCouple: Float64Array;
  /** The pairs of identities that overlap in some frame. */
  readonly couples: { readonly truth: Float64Array; readonly track: Float64Array };
  readonly truthIds: number;
  readonly trackIds: number;
}

/** How ground truth is prepared. */
export interface PrepareOptions {
  /** Frames of the sequence, up to 20,000,000; by default up to the last row. A row after it is an error. */
  length?: number;
  /** Classes whose matched tracks are taken out before scoring; by default MOT17's 2, 7, 8, 12 (MOT20 adds 6). */
  distractors?: readonly number[];
}

/** MOTChallenge's person on a vehicle, static person, distractor and reflection. */
const defaultDistractors = [2, 7, 8, 12];
const pedestrian = 1;
/** Most overlapping pairs of one frame, as in the tracker: more take minutes to match. */
const MAX_FRAME_PAIRS = 1 << 22;

/**
 * Prepares a sequence as MOTChallenge does (TrackEval's `MotChallenge2DBox`): where the truth has classes, tracks that
 * fit (IoU ≥ 0.5) a distractor are taken out, and only boxes marked 1 of class 1 remain; without classes every box
 * marked 1 counts.
 *
 * @throws FaceDetError `MALFORMED_FILE` for a row after the sequence's end or a track of another class, naming its
 * line; `TOO_DENSE` for a frame with more than 4 million overlapping pairs; `INVALID_ARGUMENT` for an unknown option or
 * one out of range.
 */
export function pairSequence(truth: TrackRows, tracks: TrackRows, options: PrepareOptions = {}): PairedSequence {
  checkOptionNames(options, ['length', 'distractors']);
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
  for (const rows of [truth, tracks]) checkFrames(rows, length);
  const hasClasses = truth.classes.some((value) => value !== -1);
  const other = tracks.classes.findIndex((value) => value > pedestrian);
  if (other >= 0)
    throw malformed(
      tracks.file,
      tracks.lines[other]!,
      'class 1 or -1 in column 8 of a track',
      String(tracks.classes[other]),
    );

  const builder = createBuilder(length);
  const match = createPairMatcher();
  for (const [truthRows, trackRows] of frames(truth, tracks)) {
    const row: number[] = [];
    const col: number[] = [];
    const similarity: number[] = [];
    visitOverlaps(boxesOfRows(truth, truthRows), boxesOfRows(tracks, trackRows), (i, j, iou) => {
      if (row.length === MAX_FRAME_PAIRS) throw tooDense(truth, truthRows[0]!);
      row.push(i);
      col.push(j);
      similarity.push(iou);
    });
    const isKept = (truthRow: number): boolean =>
      truth.scores[truthRow] !== 0 && (!hasClasses || truth.classes[truthRow] === pedestrian);
    const removed = new Set<number>();
    if (hasClasses) {
      const gain = similarity.map((value) => (value < MINIMUM_OVERLAP - Number.EPSILON ? 0 : value));
      match(truthRows.length, trackRows.length, { row, col, gain, count: gain.length }).forEach((j, i) => {
        if (j >= 0 && distractors.includes(truth.classes[truthRows[i]!]!)) removed.add(j);
      });
    }
    const truthPlace = builder.addTruth(truth, truthRows, isKept);
    const trackPlace = builder.addTracks(tracks, trackRows, (_, j) => !removed.has(j));
    for (let p = 0; p < row.length; p++) builder.addPair(truthPlace[row[p]!]!, trackPlace[col[p]!]!, similarity[p]!);
    builder.endFrame();
  }
  return builder.done();
}

function lastFrame({ frames: numbers }: TrackRows): number {
  return numbers.reduce((most, frame) => Math.max(most, frame), 0);
}

function checkFrames({ file, frames: numbers, lines }: TrackRows, length: number): void {
  const wrong = numbers.findIndex((frame) => frame < 1 || frame > length);
  if (wrong >= 0)
    throw malformed(file, lines[wrong]!, `a frame up to ${length}, the sequence's length`, `frame ${numbers[wrong]}`);
}

function tooDense({ file, frames: numbers, lines }: TrackRows, row: number): FaceDetError {
  const place = `${shortPath(file)}, line ${lines[row]}`;
  const expected = `at most ${MAX_FRAME_PAIRS} overlapping pairs of true and tracked boxes in frame ${numbers[row]}`;
  return new FaceDetError('TOO_DENSE', `${place}: expected ${expected} but received more; remove duplicate boxes.`);
}

/** The rows of truth and tracks of each frame that has any, by rising frame. */
function* frames(truth: TrackRows, tracks: TrackRows): Generator<[truthRows: Uint32Array, trackRows: Uint32Array]> {
  const ordered = [truth, tracks].map((rows) => ({ frames: rows.frames, order: rowsByFrame(rows), at: 0 }));
  const frameAt = ({ frames: numbers, order, at }: (typeof ordered)[number]): number =>
    at < order.length ? numbers[order[at]!]! : Infinity;
  for (;;) {
    const frame = Math.min(...ordered.map(frameAt));
    if (frame === Infinity) return;
    yield ordered.map((rows) => {
      const first = rows.at;
      while (frameAt(rows) === frame) rows.at++;
      return rows.order.subarray(first, rows.at);
    }) as [Uint32Array, Uint32Array];
  }
}

/** Collects the frames of a sequence. */
function createBuilder(length: number) {
  const list = (what = 'boxes') => new NumberList(what);
  const truth = { ids: list(), starts: list('frames'), numbers: new Map<number, number>() };
  const tracks = { ids: list(), starts: list('frames'), numbers: new Map<number, number>() };
  const pairStarts = list('frames');
  const [pairRow, pairCol, similarity, pairCouple] = [list('pairs'), list('pairs'), list('pairs'), list('pairs')];
  const couples = { truth: list('pairs'), track: list('pairs'), numbers: new Map<number, number>() };
  const startFrame = (): void => {
    truth.starts.push(truth.ids.length);
    tracks.starts.push(tracks.ids.length);
    pairStarts.push(similarity.length);
  };
  startFrame();

  /** Adds the boxes of the frame that are kept; returns for each row its place in the frame, or −1. */
  const add = (
    side: typeof truth,
    rows: TrackRows,
    indices: Uint32Array,
    isKept: (row: number, place: number) => boolean,
  ): Int32Array => {
    let kept = 0;
    return Int32Array.from(indices, (row, place) => {
      if (!isKept(row, place)) return -1;
      side.ids.push(numberOf(side.numbers, rows.ids[row]!));
      return kept++;
    });
  };

  return {
    addTruth: (rows: TrackRows, indices: Uint32Array, isKept: (row: number, place: number) => boolean) =>
      add(truth, rows, indices, isKept),
    addTracks: (rows: TrackRows, indices: Uint32Array, isKept: (row: number, place: number) => boolean) =>
      add(tracks, rows, indices, isKept),
    addPair(row: number, col: number, iou: number): void {
      if (row < 0 || col < 0) return;
      const trueId = truth.ids.at(truth.starts.at(truth.starts.length - 1) + row);
      const trackId = tracks.ids.at(tracks.starts.at(tracks.starts.length - 1) + col);
      const couple = numberOf(couples.numbers, trueId * 2 ** 26 + trackId);
      if (couple === couples.truth.length) {
        couples.truth.push(trueId);
        couples.track.push(trackId);
      }
      pairRow.push(row);
      pairCol.push(col);
      similarity.push(iou);
      pairCouple.push(couple);
    },
    endFrame: startFrame,
    done: (): PairedSequence => ({
      length,
      truthStarts: truth.starts.toArray(),
      trackStarts: tracks.starts.toArray(),
      pairStarts: pairStarts.toArray(),
      truth: truth.ids.toArray(),
      tracks: tracks.ids.toArray(),
      pairRow: pairRow.toArray(),
      pairCol: pairCol.toArray(),
      similarity: similarity.toArray(),
      pairCouple: pairCouple.toArray(),
      couples: { truth: couples.truth.toArray(), track: couples.track.toArray() },
      truthIds: truth.numbers.size,
      trackIds: tracks.numbers.size,
    }),
  };
}

/** Most entries of a Map in V8. */
const MAX_NUMBERS = 2 ** 24 - 1;

function numberOf(numbers: Map<number, number>, id: number): number {
  let number = numbers.get(id);
  if (number === undefined) {
    if (numbers.size >= MAX_NUMBERS)
      throw new FaceDetError(
        'TOO_LARGE',
        `Expected at most ${MAX_NUMBERS} identities and pairs of them but received more; evaluate the data in parts.`,
      );
    numbers.set(id, (number = numbers.size));
  }
  return number;
}
