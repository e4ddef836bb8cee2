import { FaceDetError, received } from '@facedet/checks';
import { NumberList } from '../number-list.ts';
import { malformed } from '../text/file-errors.ts';
import { isCoordinate, MAX_FRAMES } from '../text/limits.ts';
import { type LineReader, lineReader } from '../text/line-reader.ts';

/** Boxes with track IDs over the frames of a sequence, as flat arrays in the order of their file. */
export interface TrackRows {
  /** The file's name, for errors. */
  readonly file: string;
  /** Frame of each row, from 1. */
  readonly frames: Int32Array;
  /** Track ID of each row. */
  readonly ids: Float64Array;
  /** x, y, width, height of each row, in pixels. */
  readonly boxes: Float64Array;
  /** Column 7: a track's score; in ground truth 0 where the row is ignored. 1 where the column is missing. */
  readonly scores: Float64Array;
  /** Column 8: MOTChallenge's class (1 is a pedestrian); −1 where the column is missing. */
  readonly classes: Int32Array;
  /** Line of each row in its file, from 1. */
  readonly lines: Int32Array;
}

const format = 'frame,id,x,y,width,height[,score,class,…]';

/**
 * Parses a MOTChallenge file, ground truth or tracks: `frame,id,x,y,width,height,score,class,visibility,…`, frames from
 * 1 to 20,000,000. Frames without rows cost nothing.
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: missing or non-numeric columns, a frame that is not an integer
 * in range, a coordinate beyond ±1e9, a track ID twice in a frame.
 */
export function parseMotRows(content: Uint8Array | string, file: string): TrackRows {
  const reader = lineReader(content, file);
  const row = new Float64Array(16);
  const rows = new TrackRowBuilder(file);
  while (reader.nextFilled()) {
    const count = reader.allNumbers(row, row.length, format);
    if (count < 6) throw reader.error(format);
    checkFrame(row[0]!, reader);
    for (let k = 2; k < 6; k++)
      if (!isCoordinate(row[k])) throw reader.error('x, y, width and height in pixels, up to 1e9', received(row[k]));
    const objectClass = count > 7 ? Math.trunc(row[7]!) : -1;
    if (Math.abs(objectClass) > 1e9) throw reader.error('a class in column 8', received(row[7]));
    rows.frames.push(row[0]!);
    rows.ids.push(row[1]!);
    for (let k = 2; k < 6; k++) rows.boxes.push(row[k]!);
    rows.scores.push(count > 6 ? row[6]! : 1);
    rows.classes.push(objectClass);
    rows.lines.push(reader.line);
  }
  return rows.build();
}

function checkFrame(frame: number, reader: LineReader): void {
  if (Number.isInteger(frame) && frame >= 1 && frame <= MAX_FRAMES) return;
  throw reader.error(
    frame > MAX_FRAMES ? `a frame number from 1 to ${MAX_FRAMES}` : 'a frame number of at least 1',
    received(frame),
  );
}

/** Collects rows of a file. */
export class TrackRowBuilder {
  readonly frames = new NumberList('rows');
  readonly ids = new NumberList('rows');
  readonly boxes = new NumberList('coordinates');
  readonly scores = new NumberList('rows');
  readonly classes = new NumberList('rows');
  readonly lines = new NumberList('rows');
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The rows; throws `MALFORMED_FILE` where a frame holds a track ID twice. */
  build(): TrackRows {
    const rows: TrackRows = {
      file: this.#file,
      frames: Int32Array.from(this.frames.toArray()),
      ids: this.ids.toArray().slice(),
      boxes: this.boxes.toArray().slice(),
      scores: this.scores.toArray().slice(),
      classes: Int32Array.from(this.classes.toArray()),
      lines: Int32Array.from(this.lines.toArray()),
    };
    checkUniqueIds(rows);
    return rows;
  }
}

function checkUniqueIds(rows: TrackRows): void {
  const { file, frames, ids, lines } = rows;
  const lastRows = new Map<number, number>();
  let frame = -1;
  for (const row of rowsByFrame(rows)) {
    if (frames[row] !== frame) lastRows.clear();
    frame = frames[row]!;
    const first = lastRows.get(ids[row]!);
    if (first !== undefined) {
      throw malformed(
        { file, line: lines[row]! },
        'each track ID once per frame',
        `ID ${ids[row]} again in frame ${frame} (first in line ${lines[first]})`,
      );
    }
    lastRows.set(ids[row]!, row);
  }
}

/** The indices of all rows by ascending frame; those of one frame in the order of their file. */
export function rowsByFrame({ frames }: TrackRows): Uint32Array {
  const order = Uint32Array.from({ length: frames.length }, (_, row) => row);
  // Files are nearly always in this order.
  for (let row = 1; row < frames.length; row++)
    if (frames[row]! < frames[row - 1]!) return order.sort((a, b) => frames[a]! - frames[b]! || a - b);
  return order;
}

/**
 * The rows of each key, such as frames or IDs, in the order of their file. Rows with score 0 are left out: ground truth
 * marks ignored rows so.
 *
 * @param keys one for each row.
 */
export function groupRows({ scores }: TrackRows, keys: ArrayLike<number>): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < keys.length; row++) {
    if (scores[row] === 0) continue;
    const group = groups.get(keys[row]!);
    if (group) group.push(row);
    else groups.set(keys[row]!, [row]);
  }
  return groups;
}

/** Throws `INVALID_ARGUMENT` unless `rows` have all arrays, in consistent lengths. */
export function checkRows(rows: TrackRows, name: string): void {
  const count = rows?.frames?.length;
  const isConsistent =
    count >= 0 &&
    rows.boxes?.length === 4 * count &&
    [rows.ids, rows.scores, rows.classes, rows.lines].every((column) => column?.length === count);
  if (isConsistent) return;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected rows of parseMotRows or parseTrackJsonl for ${name} but received ${received(rows)}.`,
  );
}
