import { received } from '@facedet/checks';
import { type ScoredBoxes, byFallingScore } from '../scored-boxes.ts';
import { lineReader } from '../text/line-reader.ts';
import { areCoordinates } from '../text/limits.ts';
import { malformed } from '../text/malformed.ts';
import { parseCount } from './annotations.ts';
import { widerName } from './image.ts';

/** Bytes of the shortest row, and of the line break before it. */
const SHORTEST_ROW = 10;

/**
 * One file of a WIDER FACE submission, `EVENT/NAME.txt`: the image's name, the number of boxes, then `x y width height
 * score` per line.
 *
 * @param content the file's bytes or text.
 * @param file its path, for errors; the first line must name the same image.
 * @throws FaceDetError `MALFORMED_FILE` with the line: another image's name, fewer or more boxes than stated, a word
 * for a number, a coordinate beyond ±1e9.
 */
export function parseWiderPredictions(content: Uint8Array | string, file: string): ScoredBoxes {
  const reader = lineReader(content, file);
  const stem = widerName(file).split('/').pop()!;
  if (!reader.next()) throw malformed(file, 1, `the image's name, ${stem}`, 'an empty file');
  const named = widerName(reader.text()).split('/').pop()!;
  if (named !== stem)
    throw malformed(file, 1, `the image's name, ${stem}`, named === '' ? 'an empty line' : received(reader.text()));
  if (!reader.next()) throw malformed(file, 2, 'the number of boxes', 'the end of the file');
  const count = parseCount(reader.text(), file, 2, 'the number of boxes');
  // A count decides how much is read, never how much is allocated: that is bounded by the bytes that follow.
  const room = Math.min(count, Math.ceil(reader.bytesLeft() / SHORTEST_ROW) + 1);
  const boxes = new Float64Array(4 * room);
  const scores = new Float64Array(room);
  const row = new Float64Array(5);
  for (let i = 0; i < count; i++) {
    if (!reader.next())
      throw malformed(file, reader.line + 1, `${count} boxes, as line 2 states`, `the end of the file after ${i}`);
    if (reader.allNumbers(row, 5, 'x y width height score') !== 5)
      throw malformed(file, reader.line, 'x y width height score', received(reader.text()));
    if (!areCoordinates(row, 4))
      throw malformed(file, reader.line, 'x, y, width and height in pixels, up to 1e9', received(reader.text()));
    boxes[4 * i] = row[0]!;
    boxes[4 * i + 1] = row[1]!;
    boxes[4 * i + 2] = row[2]!;
    boxes[4 * i + 3] = row[3]!;
    scores[i] = row[4]!;
  }
  if (reader.nextFilled())
    throw malformed(
      file,
      reader.line,
      `the end of the file after ${count} boxes, as line 2 states`,
      received(reader.text()),
    );
  return byFallingScore(boxes, scores);
}

/**
 * The text of a submission file. Boxes are written to a thousandth of a pixel, scores to eight decimals: they score the
 * same when read again.
 */
export function formatWiderPredictions(name: string, { boxes, scores }: ScoredBoxes): string {
  const lines = [name.split('/').pop()!, String(scores.length)];
  const pixels = (value: number): string => String(Math.round(value * 1000) / 1000);
  scores.forEach((score, i) => {
    lines.push(
      `${pixels(boxes[4 * i]!)} ${pixels(boxes[4 * i + 1]!)} ${pixels(boxes[4 * i + 2]!)} ${pixels(boxes[4 * i + 3]!)} ${score.toFixed(8)}`,
    );
  });
  return `${lines.join('\n')}\n`;
}
