import { lineReader } from '../text/line-reader.ts';
import { malformed } from '../text/malformed.ts';
import { type WiderImage, widerName } from './image.ts';

const rowFormat = 'x y width height blur expression illumination invalid occlusion pose';
const picture = /\.(jpe?g|png|webp|bmp)$/i;

/**
 * The images of a `wider_face_*_bbx_gt.txt`: for each its path, the number of its faces, and a row a face (one row of zeros where there is none).
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @throws FaceDetError `MALFORMED_FILE` with the line: cut short, rows out of order, a word for a number, an image listed twice.
 */
export function parseWiderAnnotations(content: Uint8Array | string, file: string): WiderImage[] {
  const reader = lineReader(content, file);
  const images: WiderImage[] = [];
  const seen = new Map<string, number>();
  const row = new Float64Array(10);
  while (reader.nextFilled()) {
    const path = reader.text();
    const line = reader.line;
    if (!picture.test(path)) throw malformed(file, line, 'the path of a picture (EVENT/NAME.jpg)', JSON.stringify(path));
    const name = widerName(path);
    const before = seen.get(name);
    if (before !== undefined) throw malformed(file, line, 'each image once', `${path} again (first in line ${before})`);
    seen.set(name, line);
    if (!reader.next()) throw malformed(file, line + 1, `the number of faces of ${path}`, 'the end of the file');
    const faces = parseCount(reader.text(), file, reader.line, `the number of faces of ${path}`);
    const boxes = new Float64Array(4 * faces);
    const attributes = new Uint8Array(6 * faces);
    for (let f = 0; f < Math.max(faces, 1); f++) {
      if (!reader.next()) {
        if (faces === 0) break;
        throw malformed(file, reader.line + 1, `${faces} faces of ${path}`, `the end of the file after ${f}`);
      }
      if (reader.allNumbers(row, 10, rowFormat) !== 10) throw malformed(file, reader.line, `${rowFormat} (face ${f + 1} of ${faces} of ${path})`, JSON.stringify(reader.text()));
      if (faces === 0) {
        if (row.some((value) => value !== 0)) throw malformed(file, reader.line, `a row of zeros, as ${path} has no face`, JSON.stringify(reader.text()));
        break;
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
  if (!/^\d+$/.test(text)) throw malformed(file, line, expected, text === '' ? 'an empty line' : JSON.stringify(text));
  return Number(text);
}

/**
 * The image names (`EVENT/NAME`) of a list: a `wider_face_*_bbx_gt.txt`, or one path a line.
 *
 * @throws FaceDetError `MALFORMED_FILE` where it names no image, or one twice.
 */
export function parseWiderImageList(content: Uint8Array | string, file: string): string[] {
  const reader = lineReader(content, file);
  const names = new Map<string, number>();
  while (reader.nextFilled()) {
    const path = reader.text();
    if (!picture.test(path)) continue;
    const name = widerName(path);
    const before = names.get(name);
    if (before !== undefined) throw malformed(file, reader.line, 'each image once', `${path} again (first in line ${before})`);
    names.set(name, reader.line);
  }
  if (names.size === 0) throw malformed(file, 1, 'paths of pictures (EVENT/NAME.jpg), one a line', 'none');
  return [...names.keys()];
}
