import { received } from '@facedet/checks';
import type { Face } from '@facedet/core';
import { lineReader } from '../text/line-reader.ts';
import { NumberList } from '../number-list.ts';
import { areCoordinates } from '../text/limits.ts';
import { malformed, shorten } from '../text/malformed.ts';
import { iouAt, MINIMUM_OVERLAP } from '../boxes.ts';
import { widerName } from './image.ts';

/** The faces of an image in RetinaFace's labels. */
export interface LandmarkLabels {
  /** x, y, width, height of each face. */
  readonly boxes: Float64Array;
  /** x, y of five points per face, in the order of `Landmarks`; NaN where a face has none. */
  readonly points: Float64Array;
}

const format = 'x y width height, alone or with five times x y flag and a blur score';

/**
 * RetinaFace's `label.txt`: `# EVENT/NAME.jpg`, then one row per face, in the train part with five landmarks (−1 where
 * there are none).
 *
 * @returns labels by image name, `EVENT/NAME`.
 * @throws FaceDetError `MALFORMED_FILE` with the line.
 */
export function parseLandmarkLabels(content: Uint8Array | string, file: string): Map<string, LandmarkLabels> {
  const reader = lineReader(content, file);
  const rows = new Map<string, NumberList>();
  let current: NumberList | undefined;
  const row = new Float64Array(20);
  while (reader.nextFilled()) {
    const text = reader.text();
    if (text.startsWith('#')) {
      const name = widerName(text.slice(1).trim());
      if (rows.has(name)) throw malformed(file, reader.line, 'each image once', `${shorten(name, 80)} again`);
      rows.set(name, (current = new NumberList('numbers of one image')));
      continue;
    }
    if (!current) throw malformed(file, reader.line, '# EVENT/NAME.jpg before the first face', received(text));
    const count = reader.allNumbers(row, 20, format);
    if (count !== 4 && count < 19) throw malformed(file, reader.line, format, received(text));
    if (!areCoordinates(row, count)) throw malformed(file, reader.line, 'numbers of pixels up to 1e9', received(text));
    for (let k = 0; k < 4; k++) current.push(row[k]!);
    for (let point = 0; point < 5; point++) {
      const isKnown = count > 4 && row[4 + 3 * point]! >= 0 && row[5 + 3 * point]! >= 0;
      current.push(isKnown ? row[4 + 3 * point]! : Number.NaN);
      current.push(isKnown ? row[5 + 3 * point]! : Number.NaN);
    }
  }
  return new Map(
    [...rows].map(([name, list]) => {
      const values = list.toArray();
      const column = (from: number, width: number): Float64Array =>
        Float64Array.from(
          { length: (values.length / 14) * width },
          (_, k) => values[14 * Math.floor(k / width) + from + (k % width)]!,
        );
      return [name, { boxes: column(0, 4), points: column(4, 10) }];
    }),
  );
}

/** How far landmarks are off. */
export interface LandmarkError {
  /** Faces with labelled landmarks that were found. */
  readonly faces: number;
  /** Mean distance of a point as a part of the face's size √(width · height); null where there is no such face. */
  readonly mean: number | null;
  /** The same for each of the five points. */
  readonly perPoint: readonly (number | null)[];
}

/**
 * Normalised mean error of landmarks: each labelled face against the detection of highest score that overlaps it by
 * half (IoU), in images that have labels.
 */
export function landmarkError(
  labels: ReadonlyMap<string, LandmarkLabels>,
  detections: ReadonlyMap<string, readonly Face[]>,
): LandmarkError {
  const sums = [0, 0, 0, 0, 0];
  let faces = 0;
  for (const [name, found] of detections) {
    const label = labels.get(name);
    if (!label) continue;
    const own = found.filter(({ landmarks }) => landmarks).sort((a, b) => b.score - a.score);
    const boxes = Float64Array.from(own.flatMap(({ box }) => [box.x, box.y, box.width, box.height]));
    for (let f = 0; f < label.boxes.length / 4; f++) {
      const points = label.points.subarray(10 * f, 10 * f + 10);
      const match = own.find((_, k) => iouAt(label.boxes, f, boxes, k) >= MINIMUM_OVERLAP);
      const size = Math.sqrt(label.boxes[4 * f + 2]! * label.boxes[4 * f + 3]!);
      if (!match || !(size > 0) || points.some(Number.isNaN)) continue;
      faces++;
      match.landmarks!.forEach(
        ({ x, y }, k) => (sums[k]! += Math.hypot(x - points[2 * k]!, y - points[2 * k + 1]!) / size),
      );
    }
  }
  const perPoint = sums.map((sum) => (faces ? sum / faces : null));
  return { faces, mean: faces ? sums.reduce((a, b) => a + b, 0) / (5 * faces) : null, perPoint };
}
