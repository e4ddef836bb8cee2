import { FaceDetError, invalidArgument, received } from '@facedet/checks';
import { invalidArgumentText } from './errors.ts';
import { invalidDetection, invalidScore, isCoordinate, isList, isScore, MAX_COORDINATE } from './input.ts';
import type { Box, Detection } from './types.ts';

/** A detection from a MOTChallenge file. */
export interface MotDetection extends Detection {
  /** Frame number, from 1. */
  readonly frame: number;
  /** Track ID, the second column: -1 in files of detections. */
  readonly id: number;
}

/**
 * Makes detections from boxes given by two corners, as most detectors return them.
 *
 * `boxes` has rows of `x1, y1, x2, y2, score`, or rows of `x1, y1, x2, y2` with the scores in a second array; in
 * pixels. Rows are arrays or typed arrays, in which more numbers (a class) are ignored, or one flat array of all rows
 * without such numbers.
 *
 * @throws FaceDetError `INVALID_DETECTION` for an invalid row, naming its index; `INVALID_ARGUMENT` where the number of
 * values does not fit
 *
 * @example
 * tracker.update(fromXyxy([[10, 20, 50, 70, 0.9]]), timestamp);
 * tracker.update(fromXyxy(boxes, scores), timestamp); // two Float32Arrays of a model
 */
export function fromXyxy(
  boxes: ArrayLike<number> | readonly ArrayLike<number>[],
  scores?: ArrayLike<number>,
): Detection[] {
  return readRows(boxes, scores, 'x1, y1, x2, y2', ([x, y, x2, y2], index, show) => {
    if (!(x <= x2 && y <= y2)) {
      const next = 'fromXywh makes detections from x, y, width, height';
      throw invalidDetection('corners with x1 ≤ x2 and y1 ≤ y2', index, show(), next);
    }
    return { x, y, width: x2 - x, height: y2 - y };
  });
}

/**
 * Makes detections from boxes given by their upper left corner and size.
 *
 * `boxes` has rows of `x, y, width, height, score`, or rows of `x, y, width, height` with the scores in a second array;
 * in pixels, in the same forms as for `fromXyxy`.
 *
 * @throws FaceDetError `INVALID_DETECTION` for an invalid row, naming its index; `INVALID_ARGUMENT` where the number of
 * values does not fit
 *
 * @example
 * tracker.update(fromXywh([[10, 20, 40, 50, 0.9]]), timestamp);
 */
export function fromXywh(
  boxes: ArrayLike<number> | readonly ArrayLike<number>[],
  scores?: ArrayLike<number>,
): Detection[] {
  return readRows(boxes, scores, 'x, y, width, height', ([x, y, width, height], index, show) => {
    if (!(width >= 0 && height >= 0)) {
      const next = 'fromXyxy makes detections from corners x1, y1, x2, y2';
      throw invalidDetection('sides of at least 0', index, show(), next);
    }
    return { x, y, width, height };
  });
}

/**
 * Makes one detection from a line of MOTChallenge text, or from a row of such numbers.
 *
 * The columns are `frame,id,x,y,width,height,score,…`, separated by commas, semicolons or white space; columns after
 * the score are ignored.
 *
 * @throws FaceDetError `INVALID_DETECTION` for an invalid row, a frame that is not an integer from 1, a negative size
 * or a score outside [0, 1]
 *
 * @example
 * const detections = text.trim().split('\n').map(fromMot);
 * tracker.update(detections.filter(({ frame }) => frame === 1));
 */
export function fromMot(row: string | ArrayLike<number>): MotDetection {
  const numbers = typeof row === 'string' ? parseLine(row) : isList(row) ? row : [];
  const invalid = (expected: string, value: string, next: string) =>
    new FaceDetError('INVALID_DETECTION', `Expected ${expected} but received ${value}; ${next}.`);
  const columns = Array.from(numbers).slice(0, 7);
  if (columns.length < 7 || !columns.every(Number.isFinite))
    throw invalid('frame,id,x,y,width,height,score', rowText(row), 'give one row of at least seven numbers');
  const [frame, id, x, y, width, height, score] = columns as MotColumns;
  if (!(Number.isSafeInteger(frame) && frame >= 1))
    throw invalid('a frame number, an integer from 1,', `${frame}`, 'the first column counts frames');
  if (!Number.isSafeInteger(id))
    throw invalid('an integer ID', `${id}`, 'give -1 in the second column for a detection without ID');
  if (width < 0 || height < 0)
    throw invalid('a width and height of at least 0', `${width} × ${height}`, 'columns 3 to 6 are x, y, width, height');
  if (![x, y, width, height].every(isCoordinate))
    throw invalid(`a box within ±${MAX_COORDINATE}`, received(row), 'columns 3 to 6 are pixels');
  if (!isScore(score)) throw invalid('a score in [0, 1]', `${score}`, 'scale the confidences of column 7 first');
  return { frame, id, box: { x, y, width, height }, score };
}

type MotColumns = [frame: number, id: number, x: number, y: number, width: number, height: number, score: number];

/** Makes a box of a row's four numbers; `show` gives the row as text, for messages. */
type ReadBox = (numbers: readonly [number, number, number, number], index: number, show: () => string) => Box;

function readRows(boxes: unknown, scores: unknown, columns: string, readBox: ReadBox): Detection[] {
  if (!isList(boxes))
    throw invalidArgument('rows of numbers, as arrays or typed arrays,', boxes, `a row is ${columns}, score`);
  if (scores !== undefined && !isList(scores))
    throw invalidArgument('an array or typed array of scores', scores, 'give one score per box');
  const size = scores ? 4 : 5;
  const allColumns = scores ? columns : `${columns}, score`;
  const rows = typeof boxes[0] === 'number' ? splitRows(boxes, size, allColumns) : Array.from(boxes);
  if (scores && scores.length !== rows.length) {
    const expected = `${rows.length} ${rows.length === 1 ? 'score' : 'scores'}`;
    throw invalidArgument(expected, scores.length, 'give one score per box');
  }
  return rows.map((row, index) => {
    if (!isList(row) || row.length < size) {
      const next = scores
        ? 'every row is one box'
        : 'give the scores as second argument or as fifth number of each row';
      throw invalidDetection(`a row of ${allColumns}`, index, received(row), next);
    }
    const show = () => rowText(row);
    const numbers = [row[0], row[1], row[2], row[3]];
    if (!numbers.every(isCoordinate)) {
      const expected = `four finite numbers within ±${MAX_COORDINATE}`;
      throw invalidDetection(expected, index, show(), `a row is ${columns}, score`);
    }
    const box = readBox(numbers as [number, number, number, number], index, show);
    const score = scores ? scores[index] : row[4];
    if (!isScore(score)) throw invalidScore(score, index);
    return { box, score };
  });
}

/** The rows of a flat array. */
function splitRows(values: ArrayLike<unknown>, size: number, columns: string): ArrayLike<unknown>[] {
  if (values.length % size !== 0) {
    const next =
      size === 5
        ? 'give the scores as second argument where they are in an array of their own'
        : 'leave the scores out of the rows where they are the second argument';
    throw invalidArgumentText(`flat rows of ${size} numbers (${columns})`, `${values.length} numbers`, next);
  }
  const all = Array.from(values);
  return Array.from({ length: values.length / size }, (_, i) => all.slice(size * i, size * (i + 1)));
}

/** The first seven numbers of a line of text; empty where one of them is not a number. */
function parseLine(line: string): number[] {
  if (line.length > MAX_LINE || line.trim().includes('\n')) return [];
  const cells = line.trim().replace(/ +/g, ' ').split(SEPARATOR).slice(0, 7);
  return cells.every((cell) => NUMBER.test(cell)) ? cells.map(Number) : [];
}

/** Longer lines are refused unread. */
const MAX_LINE = 10_000;
const SEPARATOR = / ?[,;\t] ?| /;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** A row as text, for messages; a typed array like an array. */
const rowText = (row: unknown) => received(ArrayBuffer.isView(row) && isList(row) ? Array.from(row) : row);
