import { FaceDetError, received } from '@facedet/checks';
import { NumberList } from '../number-list.ts';
import { isCoordinate, MAX_FRAMES } from '../text/limits.ts';
import { lineReader } from '../text/line-reader.ts';
import { malformed } from '../text/malformed.ts';

/** Boxes with identities over the frames of a sequence, as flat arrays in the order of their file. */
export interface TrackRows {
  /** Where they come from, for errors. */
  readonly file: string;
  /** Frame of each row, from 1. */
  readonly frames: Int32Array;
  /** Identity of each row. */
  readonly ids: Float64Array;
  /** x, y, width, height of each row, in pixels. */
  readonly boxes: Float64Array;
  /** Column 7: a track's score; in ground truth 0 where the row does not count. 1 where the column is missing. */
  readonly scores: Float64Array;
  /** Column 8: MOTChallenge's class (1 is a pedestrian); −1 where there is none. */
  readonly classes: Int32Array;
  /** Line of each row in its file, from 1. */
  readonly lines: Int32Array;
}

const format = 'frame,id,x,y,width,height[,score,class,…]';

/**
 * Rows of a MOTChallenge file, ground truth or tracks: `frame,id,x,y,width,height,score,class,visibility,…`, frames
 * from 1 to 20,000,000. Frames without rows cost nothing, however many.
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: a row cut short, a word for a number, a frame that is no whole
 * number in range, a coordinate beyond ±1e9, an identity twice in a frame.
 */
export function parseMotRows(content: Uint8Array | string, file: string): TrackRows {
  const reader = lineReader(content, file);
  const row = new Float64Array(16);
  const frames = new NumberList('rows');
  const ids = new NumberList('rows');
  const boxes = new NumberList('coordinates');
  const scores = new NumberList('rows');
  const classes = new NumberList('rows');
  const lines = new NumberList('rows');
  while (reader.nextFilled()) {
    const count = reader.allNumbers(row, row.length, format);
    if (count < 6) throw malformed(file, reader.line, format, received(reader.text()));
    checkFrame(row[0]!, file, reader.line);
    for (let k = 2; k < 6; k++) {
      if (!isCoordinate(row[k]))
        throw malformed(file, reader.line, 'x, y, width and height in pixels, up to 1e9', received(row[k]));
      boxes.push(row[k]!);
    }
    const objectClass = count > 7 ? Math.trunc(row[7]!) : -1;
    if (Math.abs(objectClass) > 1e9) throw malformed(file, reader.line, 'a class in column 8', received(row[7]));
    frames.push(row[0]!);
    ids.push(row[1]!);
    scores.push(count > 6 ? row[6]! : 1);
    classes.push(objectClass);
    lines.push(reader.line);
  }
  const rows: TrackRows = {
    file,
    frames: Int32Array.from(frames.toArray()),
    ids: ids.toArray().slice(),
    boxes: boxes.toArray().slice(),
    scores: scores.toArray().slice(),
    classes: Int32Array.from(classes.toArray()),
    lines: Int32Array.from(lines.toArray()),
  };
  checkIdentities(rows);
  return rows;
}

function checkFrame(frame: number, file: string, line: number): void {
  if (Number.isInteger(frame) && frame >= 1 && frame <= MAX_FRAMES) return;
  throw malformed(
    file,
    line,
    frame > MAX_FRAMES ? `a frame number from 1 to ${MAX_FRAMES}` : 'a frame number from 1 on',
    received(frame),
  );
}

/** The indices of all rows by rising frame; those of a frame in the order of their file. */
export function rowsByFrame({ frames }: TrackRows): Uint32Array {
  const order = Uint32Array.from({ length: frames.length }, (_, row) => row);
  // Files are nearly always in this order.
  for (let row = 1; row < frames.length; row++)
    if (frames[row]! < frames[row - 1]!) return order.sort((a, b) => frames[a]! - frames[b]! || a - b);
  return order;
}

/** Throws `INVALID_ARGUMENT` unless `rows` have all arrays, in lengths that fit together. */
export function checkRows(rows: TrackRows, name: string): void {
  const count = rows?.frames?.length;
  const isFit =
    count >= 0 &&
    rows.boxes?.length === 4 * count &&
    [rows.ids, rows.scores, rows.classes, rows.lines].every((column) => column?.length === count);
  if (isFit) return;
  throw new FaceDetError(
    'INVALID_ARGUMENT',
    `Expected rows of parseMotRows or parseTrackJsonl for ${name} but received ${received(rows)}.`,
  );
}

/** Throws `MALFORMED_FILE` where a frame holds an identity twice. */
export function checkIdentities(rows: TrackRows): void {
  const { file, frames, ids, lines } = rows;
  const seen = new Map<number, number>();
  let frame = -1;
  for (const row of rowsByFrame(rows)) {
    if (frames[row] !== frame) seen.clear();
    frame = frames[row]!;
    const before = seen.get(ids[row]!);
    if (before !== undefined) {
      throw malformed(
        file,
        lines[row]!,
        'an identity once per frame',
        `identity ${ids[row]} again in frame ${frame} (first in line ${lines[before]})`,
      );
    }
    seen.set(ids[row]!, row);
  }
}

/** What a MOTChallenge `seqinfo.ini` states. */
export interface SequenceInfo {
  readonly name?: string;
  /** Frames in the sequence, from 1 to 20,000,000. */
  readonly length?: number;
  /** Frames per second. */
  readonly frameRate?: number;
  /** Width of the picture in pixels. */
  readonly width?: number;
  /** Height of the picture in pixels. */
  readonly height?: number;
}

/**
 * Reads a `seqinfo.ini`; what it does not state is absent.
 *
 * @throws FaceDetError `MALFORMED_FILE` with the line for an invalid number.
 */
export function parseSequenceInfo(text: string, file: string): SequenceInfo {
  const info: { -readonly [K in keyof SequenceInfo]: SequenceInfo[K] } = {};
  text.split('\n').forEach((line, i) => {
    const at = line.indexOf('=');
    if (at < 0) return;
    const key = line.slice(0, at).trim();
    const value = line.slice(at + 1).trim();
    const whole = (most: number): number => {
      if (!/^\d+$/.test(value) || Number(value) < 1 || Number(value) > most)
        throw malformed(file, i + 1, `a whole number from 1 to ${most} for ${key}`, received(value));
      return Number(value);
    };
    switch (key.toLowerCase()) {
      case 'name':
        info.name = value;
        break;
      case 'seqlength':
        info.length = whole(MAX_FRAMES);
        break;
      case 'framerate':
        if (!/^(\d+(\.\d*)?|\.\d+)$/.test(value) || !(Number(value) > 0 && Number(value) <= 1e6)) {
          throw malformed(file, i + 1, `a number above 0 and up to 1000000 for ${key}`, received(value));
        }
        info.frameRate = Number(value);
        break;
      case 'imwidth':
        info.width = whole(1e6);
        break;
      case 'imheight':
        info.height = whole(1e6);
        break;
    }
  });
  return info;
}
