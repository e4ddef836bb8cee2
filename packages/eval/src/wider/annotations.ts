import { received } from '@facedet/checks';
import { malformed, shorten } from '../text/file-errors.ts';
import { areCoordinates } from '../text/limits.ts';
import { type LineReader, lineReader } from '../text/line-reader.ts';
import { type WiderImage, isImagePath, widerName } from './image.ts';

const rowFormat = 'x y width height blur expression illumination invalid occlusion pose';
/** Bytes of the shortest row, with the line break before it. */
const SHORTEST_ROW = 20;

/**
 * Parses a `wider_face_*_bbx_gt.txt`: for each image its path, the number of its faces, and one row per face (one row
 * of zeros where it has none).
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: missing, additional or non-numeric rows, an attribute that is
 * not an integer from 0 to 255, an image listed twice.
 */
export function parseWiderAnnotations(content: Uint8Array | string, file: string): WiderImage[] {
  const reader = lineReader(content, file);
  const images: WiderImage[] = [];
  const lines = new Map<string, number>();
  while (reader.nextFilled()) {
    const path = reader.text();
    const line = reader.line;
    if (!isImagePath(path)) throw reader.error('the path of an image (EVENT/NAME.jpg)', received(path));
    const name = widerName(path);
    const first = lines.get(name);
    if (first !== undefined)
      throw reader.error('each image once', `${shorten(path, 80)} again (first in line ${first})`);
    lines.set(name, line);
    images.push({ name, ...parseFaces(reader, shorten(path, 80)), line });
  }
  return images;
}

/** The number of faces and their rows, which follow the line of the image's path. */
function parseFaces(reader: LineReader, path: string): Pick<WiderImage, 'boxes' | 'attributes'> {
  const { file } = reader;
  const row = new Float64Array(10);
  const expectedCount = `the number of faces of ${path}`;
  if (!reader.next()) throw malformed({ file, line: reader.line + 1 }, expectedCount, 'the end of the file');
  const faces = parseCount(reader, expectedCount);
  // A count decides how much is read, never how much is allocated: that is bounded by the remaining bytes.
  const capacity = Math.min(faces, Math.ceil(reader.bytesLeft() / SHORTEST_ROW) + 1);
  const boxes = new Float64Array(4 * capacity);
  const attributes = new Uint8Array(6 * capacity);
  for (let f = 0; f < faces; f++) {
    if (!reader.next()) {
      const place = { file, line: reader.line + 1 };
      throw malformed(place, `${faces} faces of ${path}`, `the end of the file after ${f}`);
    }
    if (reader.allNumbers(row, 10, rowFormat) !== 10)
      throw reader.error(`${rowFormat} (face ${f + 1} of ${faces} of ${path})`);
    if (!areCoordinates(row, 4)) throw reader.error('x, y, width and height in pixels, up to 1e9');
    if (!row.subarray(4).every((value) => Number.isInteger(value) && value >= 0 && value <= 255))
      throw reader.error('attributes that are integers from 0 to 255');
    boxes.set(row.subarray(0, 4), 4 * f);
    attributes.set(row.subarray(4), 6 * f);
  }
  if (faces === 0 && reader.next()) {
    const isZeros = reader.allNumbers(row, 10, rowFormat) === 10 && row.every((value) => value === 0);
    if (!isZeros) throw reader.error(`a row of ten zeros, as ${path} has no face`);
  }
  return { boxes, attributes };
}

/** The non-negative integer that is alone on the current line. */
export function parseCount(reader: LineReader, expected: string): number {
  const text = reader.text();
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw reader.error(expected);
  return count;
}

/**
 * Parses a list of images and returns their names (`EVENT/NAME`): a `wider_face_*_bbx_gt.txt`, or one path per line.
 * Other lines are ignored.
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` where it names no image, or one twice.
 */
export function parseWiderImageList(content: Uint8Array | string, file: string): string[] {
  const reader = lineReader(content, file);
  const lines = new Map<string, number>();
  while (reader.nextFilled()) {
    const path = reader.text();
    if (!isImagePath(path)) continue;
    const name = widerName(path);
    const first = lines.get(name);
    if (first !== undefined)
      throw reader.error('each image once', `${shorten(path, 80)} again (first in line ${first})`);
    lines.set(name, reader.line);
  }
  if (lines.size === 0) throw malformed({ file, line: 1 }, 'paths of images (EVENT/NAME.jpg), one per line', 'none');
  return [...lines.keys()];
}
