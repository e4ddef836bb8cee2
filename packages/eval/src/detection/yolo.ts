import { lineReader } from '../text/line-reader.ts';
import { malformed } from '../text/malformed.ts';
import { type TruthImage, withoutSuffix } from './truth.ts';
import type { LabelOptions } from './voc.ts';

/**
 * YOLO labels of one image: `class centre-x centre-y width height` a line, as parts of the image's sides.
 *
 * @param file the file's path; its stem names the image.
 * @param size of the image in pixels, which the labels don't tell.
 * @throws FaceDetError `MALFORMED_FILE` with the line for a row cut short, a word for a number, or a number outside [0, 1].
 */
export function parseYolo(content: Uint8Array | string, file: string, size: { width: number; height: number }, { label }: LabelOptions = {}): TruthImage {
  const reader = lineReader(content, file);
  const row = new Float64Array(5);
  const boxes: number[] = [];
  const format = 'class centre-x centre-y width height, each of the last four from 0 to 1';
  while (reader.nextFilled()) {
    const complete = reader.allNumbers(row, 5, format) === 5;
    const [classId, x, y, width, height] = row as unknown as [number, number, number, number, number];
    if (!complete || ![x, y, width, height].every((part) => part >= 0 && part <= 1)) throw malformed(file, reader.line, format, JSON.stringify(reader.text()));
    if (label !== undefined && String(classId) !== label) continue;
    boxes.push((x - width / 2) * size.width, (y - height / 2) * size.height, width * size.width, height * size.height);
  }
  return { name: withoutSuffix(file), boxes: Float64Array.from(boxes), width: size.width, height: size.height };
}
