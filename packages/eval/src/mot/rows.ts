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
 * Rows of a MOTChallenge file, ground truth or tracks: `frame,id,x,y,width,height,score,class,visibility,…`, frames from 1.
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: a row cut short, a word for a number, a frame that is no whole number from 1, an identity twice in a frame.
 */
export function parseMotRows(content: Uint8Array | string, file: string): TrackRows {
  const reader = lineReader(content, file);
  const row = new Float64Array(16);
  const columns: number[] = [];
  const lines: number[] = [];
  while (reader.nextFilled()) {
    const count = reader.allNumbers(row, row.length, format);
    if (count < 6) throw malformed(file, reader.line, format, JSON.stringify(reader.text()));
    if (!(Number.isInteger(row[0]!) && row[0]! >= 1)) throw malformed(file, reader.line, 'a frame number from 1 on', String(row[0]));
    columns.push(row[0]!, row[1]!, row[2]!, row[3]!, row[4]!, row[5]!, count > 6 ? row[6]! : 1, count > 7 ? row[7]! : -1);
    lines.push(reader.line);
  }
  const column = (k: number) => (_: unknown, i: number): number => columns[8 * i + k]!;
  const rows: TrackRows = {
    file,
    frames: Int32Array.from(lines, column(0)),
    ids: Float64Array.from(lines, column(1)),
    boxes: Float64Array.from({ length: 4 * lines.length }, (_, k) => columns[8 * (k >> 2) + 2 + (k & 3)]!),
    scores: Float64Array.from(lines, column(6)),
    classes: Int32Array.from(lines, column(7)),
    lines: Int32Array.from(lines),
  };
  checkIdentities(rows);
  return rows;
}

/** Throws `MALFORMED_FILE` where a frame holds an identity twice. */
export function checkIdentities({ file, frames, ids, lines }: TrackRows): void {
  const seen = new Map<number, Map<number, number>>();
  for (let i = 0; i < frames.length; i++) {
    let frame = seen.get(frames[i]!);
    if (!frame) seen.set(frames[i]!, (frame = new Map()));
    const before = frame.get(ids[i]!);
    if (before !== undefined) throw malformed(file, lines[i]!, 'an identity once a frame', `identity ${ids[i]} again in frame ${frames[i]} (first in line ${before})`);
    frame.set(ids[i]!, lines[i]!);
  }
}

/** What a MOTChallenge `seqinfo.ini` tells. */
export interface SequenceInfo {
  readonly name?: string;
  /** Frames in the sequence. */
  readonly length?: number;
  /** Frames a second. */
  readonly frameRate?: number;
  /** Width of the picture in pixels. */
  readonly width?: number;
  /** Height of the picture in pixels. */
  readonly height?: number;
}

/**
 * Reads a `seqinfo.ini`; what it does not state is absent.
 *
 * @throws FaceDetError `MALFORMED_FILE` with the line for a number that is none.
 */
export function parseSequenceInfo(text: string, file: string): SequenceInfo {
  const info: { -readonly [K in keyof SequenceInfo]: SequenceInfo[K] } = {};
  text.split('\n').forEach((line, i) => {
    const [key = '', ...rest] = line.split('=');
    const value = rest.join('=').trim();
    const positive = (): number => {
      if (!(Number(value) > 0)) throw malformed(file, i + 1, `a positive number for ${key.trim()}`, JSON.stringify(value));
      return Number(value);
    };
    switch (key.trim().toLowerCase()) {
      case 'name':
        info.name = value;
        break;
      case 'seqlength':
        info.length = positive();
        break;
      case 'framerate':
        info.frameRate = positive();
        break;
      case 'imwidth':
        info.width = positive();
        break;
      case 'imheight':
        info.height = positive();
        break;
    }
  });
  return info;
}
