import { FaceDetError, received } from '@facedet/checks';
import { invalidDetection, isList, MAX_COORDINATE, notAScore, usable } from './input.ts';
import type { Box, Detection } from './types.ts';

/** A detection of a MOT file. */
export interface MotDetection extends Detection {
  /** From 1. */
  readonly frame: number;
  /** The second column: -1 in files of detections. */
  readonly id: number;
}

/**
 * Detections from boxes given by two corners, as most detectors return them: rows of `x1, y1, x2, y2, score`, or rows
 * of `x1, y1, x2, y2` and the scores beside them, in pixels. Rows are arrays or typed arrays, in which further
 * numbers (a class) are ignored, or one flat array of them all without such numbers.
 *
 * @throws FaceDetError `INVALID_DETECTION` for a row that is no box with a score, naming its index;
 * `INVALID_ARGUMENT` where the number of values doesn't fit
 *
 * @example
 * tracker.update(fromXyxy([[10, 20, 50, 70, 0.9]]), timestamp);
 * tracker.update(fromXyxy(boxes, scores), timestamp); // two Float32Arrays of a model
 */
export function fromXyxy(
  boxes: ArrayLike<number> | readonly ArrayLike<number>[],
  scores?: ArrayLike<number>,
): Detection[] {
  return readRows(boxes, scores, 'x1, y1, x2, y2', (x, y, x2, y2, row, index) => {
    if (!(x <= x2 && y <= y2)) {
      throw invalidDetection(
        'corners with x1 ≤ x2 and y1 ≤ y2',
        index,
        row,
        'fromXywh makes detections from x, y, width, height',
      );
    }
    return { x, y, width: x2 - x, height: y2 - y };
  });
}

/**
 * Detections from boxes given by their upper left corner and size: rows of `x, y, width, height, score`, or rows of
 * `x, y, width, height` and the scores beside them, in pixels. The forms are those of `fromXyxy`.
 *
 * @throws FaceDetError `INVALID_DETECTION` for a row that is no box with a score, naming its index;
 * `INVALID_ARGUMENT` where the number of values doesn't fit
 *
 * @example
 * tracker.update(fromXywh([[10, 20, 40, 50, 0.9]]), timestamp);
 */
export function fromXywh(
  boxes: ArrayLike<number> | readonly ArrayLike<number>[],
  scores?: ArrayLike<number>,
): Detection[] {
  return readRows(boxes, scores, 'x, y, width, height', (x, y, width, height, row, index) => {
    if (!(width >= 0 && height >= 0)) {
      throw invalidDetection(
        'sides of at least 0',
        index,
        row,
        'fromXyxy makes detections from corners x1, y1, x2, y2',
      );
    }
    return { x, y, width, height };
  });
}

/**
 * One detection from a line of MOTChallenge text, `frame,id,x,y,width,height,score,…`, or from a row of such numbers.
 * Columns are separated by commas, semicolons or white space; those after the score are ignored.
 *
 * @throws FaceDetError `INVALID_DETECTION` for what is no such row, a frame that isn't an integer from 1, a negative
 * size or a score outside [0, 1]
 *
 * @example
 * const detections = text.trim().split('\n').map(fromMot);
 * tracker.update(detections.filter(({ frame }) => frame === 1));
 */
export function fromMot(row: string | ArrayLike<number>): MotDetection {
  const numbers = typeof row === 'string' ? parseLine(row) : isList(row) ? row : [];
  const invalid = (expected: string, value: string, next: string) =>
    new FaceDetError('INVALID_DETECTION', `Expected ${expected} but received ${value}; ${next}.`);
  if (numbers.length < 7 || !allFinite(numbers, 7)) {
    throw invalid(
      'frame,id,x,y,width,height,score',
      received(isTyped(row) ? Array.from(row) : row),
      'give one row of at least seven numbers',
    );
  }
  const [frame, id, x, y, width, height, score] = Array.from(numbers) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (!(Number.isSafeInteger(frame) && frame >= 1))
    throw invalid('a frame number, an integer from 1,', `${frame}`, 'the first column counts frames');
  if (!Number.isSafeInteger(id))
    throw invalid('an integer ID', `${id}`, 'give -1 in the second column where there is none');
  if (width < 0 || height < 0)
    throw invalid('a width and height of at least 0', `${width} × ${height}`, 'columns 3 to 6 are x, y, width, height');
  if (![x, y, width, height].every(usable))
    throw invalid(`a box within ±${MAX_COORDINATE}`, received(row), 'columns 3 to 6 are pixels');
  if (!(score >= 0 && score <= 1))
    throw invalid('a score in [0, 1]', `${score}`, 'scale the confidences of column 7 first');
  return { frame, id, box: { x, y, width, height }, score };
}

type ReadBox = (a: number, b: number, c: number, d: number, row: unknown, index: number) => Box;

function readRows(boxes: unknown, scores: unknown, columns: string, readBox: ReadBox): Detection[] {
  if (!isList(boxes))
    throw invalidArgument('rows of numbers, as arrays or typed arrays,', received(boxes), `a row is ${columns}, score`);
  if (scores !== undefined && !isList(scores))
    throw invalidArgument('an array or typed array of scores', received(scores), 'give one score per box');
  const rows =
    typeof boxes[0] === 'number'
      ? rowsOf(boxes, scores ? 4 : 5, scores ? columns : `${columns}, score`)
      : Array.from(boxes);
  if (scores && scores.length !== rows.length) {
    throw invalidArgument(
      `${rows.length} ${rows.length === 1 ? 'score' : 'scores'}`,
      `${scores.length}`,
      'give one score per box',
    );
  }
  return rows.map((row, index) => {
    if (!isList(row) || row.length < (scores ? 4 : 5)) {
      const next = scores
        ? 'every row is one box'
        : 'give the scores as second argument or as fifth number of each row';
      throw invalidDetection(`a row of ${columns}${scores ? '' : ', score'}`, index, row, next);
    }
    const shown = isTyped(row) ? Array.from(row as ArrayLike<unknown>) : row;
    const [x, y, c, d] = [row[0], row[1], row[2], row[3]];
    if (!(usable(x) && usable(y) && usable(c) && usable(d))) {
      throw invalidDetection(
        `four finite numbers within ±${MAX_COORDINATE}`,
        index,
        shown,
        `a row is ${columns}, score`,
      );
    }
    const box = readBox(x, y, c, d, shown, index);
    const score = scores ? scores[index] : row[4];
    if (!(usable(score) && score >= 0 && score <= 1)) throw notAScore(score, index);
    return { box, score };
  });
}

/** Rows of a flat array. */
function rowsOf(values: ArrayLike<unknown>, size: number, columns: string): ArrayLike<unknown>[] {
  if (values.length % size !== 0) {
    const next =
      size === 5
        ? 'give the scores as second argument where they are apart'
        : 'leave the scores out of the rows where they are given apart';
    throw invalidArgument(`flat rows of ${size} numbers (${columns})`, `${values.length} numbers`, next);
  }
  const all = Array.from(values);
  return Array.from({ length: values.length / size }, (_, i) => all.slice(size * i, size * (i + 1)));
}

/** The first seven numbers of a line of text, or none where it has something else there. */
function parseLine(line: string): number[] {
  if (line.length > MAX_LINE || line.trim().includes('\n')) return [];
  const cells = line.trim().replace(/ +/g, ' ').split(SEPARATOR).slice(0, 7);
  return cells.every((cell) => NUMBER.test(cell)) ? cells.map(Number) : [];
}

/** A longer line is no row of a few numbers. */
const MAX_LINE = 10_000;
const SEPARATOR = / ?[,;\t] ?| /;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

function allFinite(numbers: ArrayLike<unknown>, count: number): boolean {
  for (let i = 0; i < count; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

const isTyped = (value: unknown): value is ArrayLike<number> => ArrayBuffer.isView(value) && isList(value);

const invalidArgument = (expected: string, value: string, next: string) =>
  new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${value}; ${next}.`);
