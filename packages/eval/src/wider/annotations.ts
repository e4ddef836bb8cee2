import { received } from '@facedet/checks';
import { lineReader } from '../text/line-reader.ts';
import { areCoordinates } from '../text/limits.ts';
import { malformed, shorten } from '../text/malformed.ts';
import { type WiderImage, isPicturePath, widerName } from './image.ts';

const rowFormat = 'x y width height blur expression illumination invalid occlusion pose';
/** Bytes of the shortest row, and of the line break before it. */
const SHORTEST_ROW = 20;

/**
 * The images of a `wider_face_*_bbx_gt.txt`: for each its path, the number of its faces, and one row per face (one row
 * of zeros where it has none).
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: cut short, rows out of order, a word for a number, an attribute
 * that is no whole number from 0 to 255, an image listed twice.
 */
export function parseWiderAnnotations(content: Uint8Array | string, file: string): WiderImage[] {
  const reader = lineReader(content, file);
  const images: WiderImage[] = [];
  const seen = new Map<string, number>();
  const row = new Float64Array(10);
  while (reader.nextFilled()) {
    const path = reader.text();
    const line = reader.line;
    if (!isPicturePath(path)) throw malformed(file, line, 'the path of a picture (EVENT/NAME.jpg)', received(path));
    const shown = shorten(path, 80);
    const name = widerName(path);
    const before = seen.get(name);
    if (before !== undefined)
      throw malformed(file, line, 'each image once', `${shown} again (first in line ${before})`);
    seen.set(name, line);
    if (!reader.next()) throw malformed(file, line + 1, `the number of faces of ${shown}`, 'the end of the file');
    const faces = parseCount(reader.text(), file, reader.line, `the number of faces of ${shown}`);
    // A count decides how much is read, never how much is allocated: that is bounded by the bytes that follow.
    const room = Math.min(faces, Math.ceil(reader.bytesLeft() / SHORTEST_ROW) + 1);
    const boxes = new Float64Array(4 * room);
    const attributes = new Uint8Array(6 * room);
    for (let f = 0; f < Math.max(faces, 1); f++) {
      if (!reader.next()) {
        if (faces === 0) break;
        throw malformed(file, reader.line + 1, `${faces} faces of ${shown}`, `the end of the file after ${f}`);
      }
      if (reader.allNumbers(row, 10, rowFormat) !== 10)
        throw malformed(
          file,
          reader.line,
          `${rowFormat} (face ${f + 1} of ${faces} of ${shown})`,
          received(reader.text()),
        );
      if (faces === 0) {
        if (row.some((value) => value !== 0))
          throw malformed(file, reader.line, `a row of zeros, as ${shown} has no face`, received(reader.text()));
        break;
      }
      if (!areCoordinates(row, 4))
        throw malformed(file, reader.line, 'x, y, width and height in pixels, up to 1e9', received(reader.text()));
      if (!row.subarray(4).every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) {
        throw malformed(file, reader.line, 'attributes that are whole numbers from 0 to 255', received(reader.text()));
      }
      boxes.set(row.subarray(0, 4), 4 * f);
      attributes.set(row.subarray(4), 6 * f);
    }
    images.push({ name, boxes, attributes, line });
  }
  return images;
}

/** The whole number that a line holds alone. */
export function parseCount(text: string, file: string, line: number, expected: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count))
    throw malformed(file, line, expected, text === '' ? 'an empty line' : received(text));
  return count;
}

/**
 * The image names (`EVENT/NAME`) of a list: a `wider_face_*_bbx_gt.txt`, or one path per line. Other lines are passed
 * over.
 *
 * @throws FaceDetError `MALFORMED_FILE` where it names no image, or one twice.
 */
export function parseWiderImageList(content: Uint8Array | string, file: string): string[] {
  const reader = lineReader(content, file);
  const names = new Map<string, number>();
  while (reader.nextFilled()) {
    const path = reader.text();
    if (!isPicturePath(path)) continue;
    const name = widerName(path);
    const before = names.get(name);
    if (before !== undefined)
      throw malformed(file, reader.line, 'each image once', `${shorten(path, 80)} again (first in line ${before})`);
    names.set(name, reader.line);
  }
  if (names.size === 0) throw malformed(file, 1, 'paths of pictures (EVENT/NAME.jpg), one per line', 'none');
  return [...names.keys()];
}
