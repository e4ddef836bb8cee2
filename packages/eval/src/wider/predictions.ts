import { received } from '@facedet/checks';
import { type ScoredBoxes, byDescendingScore } from '../boxes.ts';
import { malformed } from '../text/file-errors.ts';
import { areCoordinates } from '../text/limits.ts';
import { lineReader } from '../text/line-reader.ts';
import { parseCount } from './annotations.ts';
import { widerName } from './image.ts';

const rowFormat = 'x y width height score';
/** Bytes of the shortest row, with the line break before it. */
const SHORTEST_ROW = 10;

/**
 * Parses one file of a WIDER FACE submission, `EVENT/NAME.txt`: the image's name, the number of boxes, then `x y width
 * height score` per line.
 *
 * @param content the file's bytes or text.
 * @param file its path, for errors; the first line must name the same image.
 * @throws FaceDetError `MALFORMED_FILE` with the line: another image's name, fewer or more boxes than stated, a
 * non-numeric column, a coordinate beyond ±1e9.
 */
export function parseWiderPredictions(content: Uint8Array | string, file: string): ScoredBoxes {
  const reader = lineReader(content, file);
  const baseName = (path: string): string => widerName(path).split('/').pop()!;
  const expectedName = `the image's name, ${baseName(file)}`;
  if (!reader.next()) throw malformed({ file, line: 1 }, expectedName, 'an empty file');
  if (baseName(reader.text()) !== baseName(file)) throw reader.error(expectedName);
  if (!reader.next()) throw malformed({ file, line: 2 }, 'the number of boxes', 'the end of the file');
  const count = parseCount(reader, 'the number of boxes');
  // A count decides how much is read, never how much is allocated: that is bounded by the remaining bytes.
  const capacity = Math.min(count, Math.ceil(reader.bytesLeft() / SHORTEST_ROW) + 1);
  const boxes = new Float64Array(4 * capacity);
  const scores = new Float64Array(capacity);
  const row = new Float64Array(5);
  for (let i = 0; i < count; i++) {
    if (!reader.next()) {
      const place = { file, line: reader.line + 1 };
      throw malformed(place, `${count} boxes, as line 2 states`, `the end of the file after ${i}`);
    }
    if (reader.allNumbers(row, 5, rowFormat) !== 5) throw reader.error(rowFormat, received(reader.text()));
    if (!areCoordinates(row, 4)) throw reader.error('x, y, width and height in pixels, up to 1e9');
    boxes[4 * i] = row[0]!;
    boxes[4 * i + 1] = row[1]!;
    boxes[4 * i + 2] = row[2]!;
    boxes[4 * i + 3] = row[3]!;
    scores[i] = row[4]!;
  }
  if (reader.nextFilled()) throw reader.error(`the end of the file after ${count} boxes, as line 2 states`);
  return byDescendingScore({ boxes, scores });
}

/**
 * Formats a submission file. Boxes are rounded to a thousandth of a pixel, scores to eight decimals.
 *
 * @param name the image's name, `EVENT/NAME`.
 */
export function formatWiderPredictions(name: string, { boxes, scores }: ScoredBoxes): string {
  const lines = [name.split('/').pop()!, String(scores.length)];
  const pixels = (value: number): string => String(Math.round(value * 1000) / 1000);
  scores.forEach((score, i) => {
    const sides = Array.from(boxes.subarray(4 * i, 4 * i + 4), pixels);
    lines.push(`${sides.join(' ')} ${score.toFixed(8)}`);
  });
  return `${lines.join('\n')}\n`;
}
