import { FaceDetError, received } from '@facedet/checks';
import { NumberList } from '../number-list.ts';
import { isCoordinate } from '../text/limits.ts';
import { lineReader } from '../text/line-reader.ts';
import { malformed } from '../text/malformed.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';
import { type LabelOptions, checkLabel } from './voc.ts';

/**
 * YOLO labels of one image: one row `class center-x center-y width height` per face, as fractions of the image's sides.
 *
 * @param file the file's path; its stem names the image.
 * @param size of the image in pixels, which the labels lack.
 * @throws FaceDetError `MALFORMED_FILE` with the line for a row cut short, a word for a number, or a number outside [0,
 * 1]; `INVALID_ARGUMENT` for an unknown option or a size that is not positive.
 */
export function parseYolo(
  content: Uint8Array | string,
  file: string,
  size: { width: number; height: number },
  options: LabelOptions = {},
): TruthImage {
  const { label } = checkLabel(options);
  if (label !== undefined && !/^\d+$/.test(label)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected the number of a class for label but received ${received(label)}; YOLO labels have no names.`,
    );
  }
  for (const side of [size?.width, size?.height]) {
    if (!isCoordinate(side) || !(side > 0)) {
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected the size of the image in pixels, { width, height }, but received ${received(size)}.`,
      );
    }
  }
  const reader = lineReader(content, file);
  const row = new Float64Array(5);
  const boxes = new NumberList('coordinates');
  const format = 'class center-x center-y width height, each of the last four from 0 to 1';
  while (reader.nextFilled()) {
    const complete = reader.allNumbers(row, 5, format) === 5;
    const [classId, x, y, width, height] = row as unknown as [number, number, number, number, number];
    if (!complete || ![x, y, width, height].every((part) => part >= 0 && part <= 1))
      throw malformed(file, reader.line, format, received(reader.text()));
    if (label !== undefined && String(classId) !== label) continue;
    boxes.push((x - width / 2) * size.width);
    boxes.push((y - height / 2) * size.height);
    boxes.push(width * size.width);
    boxes.push(height * size.height);
  }
  return { name: withoutSuffix(file), boxes: boxes.toArray().slice(), width: size.width, height: size.height };
}
