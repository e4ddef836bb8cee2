import { FaceDetError, received } from '@facedet/checks';
import { NumberList } from '../number-list.ts';
import { isCoordinate } from '../text/limits.ts';
import { lineReader } from '../text/line-reader.ts';
import { withoutExtension } from './image-finder.ts';
import { type LabelOptions, type LabeledImage, checkLabel } from './labeled-image.ts';

const format = 'class center-x center-y width height, each of the last four from 0 to 1';

/**
 * Parses the YOLO labels of one image: one row `class center-x center-y width height` per face, as fractions of the
 * image's sides.
 *
 * @param content the file's bytes or text.
 * @param file the file's path, which names the image.
 * @param size size of the image in pixels, which the labels lack.
 * @throws FaceDetError `MALFORMED_FILE` with the line for missing or non-numeric columns and for a number outside [0,
 * 1]; `INVALID_ARGUMENT` for an unknown option or a size that is not positive.
 */
export function parseYolo(
  content: Uint8Array | string,
  file: string,
  size: { width: number; height: number },
  options: LabelOptions = {},
): LabeledImage {
  const label = checkLabel(options);
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
  while (reader.nextFilled()) {
    const isComplete = reader.allNumbers(row, 5, format) === 5;
    const [classId, x = 0, y = 0, width = 0, height = 0] = row;
    if (!isComplete || ![x, y, width, height].every((fraction) => fraction >= 0 && fraction <= 1))
      throw reader.error(format);
    if (label !== undefined && String(classId) !== label) continue;
    boxes.push((x - width / 2) * size.width);
    boxes.push((y - height / 2) * size.height);
    boxes.push(width * size.width);
    boxes.push(height * size.height);
  }
  return { name: withoutExtension(file), boxes: boxes.toArray().slice(), width: size.width, height: size.height };
}
