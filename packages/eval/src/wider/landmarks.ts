import { received } from '@facedet/checks';
import type { Face } from '@facedet/core';
import { iouAt, MINIMUM_OVERLAP } from '../boxes.ts';
import { NumberList } from '../number-list.ts';
import { shorten } from '../text/file-errors.ts';
import { areCoordinates } from '../text/limits.ts';
import { lineReader } from '../text/line-reader.ts';
import { widerName } from './image.ts';

/** The labeled faces of an image, from RetinaFace's labels. */
export interface LandmarkLabels {
  /** x, y, width, height of each face, in pixels. */
  readonly boxes: Float64Array;
  /** x, y of five points per face, in pixels, in the order of `Landmarks`; NaN for a face without landmarks. */
  readonly points: Float64Array;
}

const format = 'x y width height, alone or with five times x y flag and a blur score';
/** Four sides and five points. */
const VALUES = 14;

/**
 * Parses RetinaFace's `label.txt`: `# EVENT/NAME.jpg`, then one row per face, in the training set with five landmarks
 * (−1 for a face without any).
 *
 * @param content the file's bytes or text.
 * @param file its name, for errors.
 * @returns labels by image name, `EVENT/NAME`.
 * @throws FaceDetError `MALFORMED_FILE` with the line.
 */
export function parseLandmarkLabels(content: Uint8Array | string, file: string): Map<string, LandmarkLabels> {
  const reader = lineReader(content, file);
  const images = new Map<string, NumberList>();
  let current: NumberList | undefined;
  const row = new Float64Array(20);
  while (reader.nextFilled()) {
    const text = reader.text();
    if (text.startsWith('#')) {
      const name = widerName(text.slice(1).trim());
      if (images.has(name)) throw reader.error('each image once', `${shorten(name, 80)} again`);
      images.set(name, (current = new NumberList('numbers of one image')));
      continue;
    }
    if (!current) throw reader.error('# EVENT/NAME.jpg before the first face', received(text));
    const count = reader.allNumbers(row, 20, format);
    if (count !== 4 && count < 19) throw reader.error(format);
    if (!areCoordinates(row, count)) throw reader.error('numbers in pixels, up to 1e9');
    for (let k = 0; k < 4; k++) current.push(row[k]!);
    for (let point = 0; point < 5; point++) {
      const isLabeled = count > 4 && row[4 + 3 * point]! >= 0 && row[5 + 3 * point]! >= 0;
      current.push(isLabeled ? row[4 + 3 * point]! : Number.NaN);
      current.push(isLabeled ? row[5 + 3 * point]! : Number.NaN);
    }
  }
  return new Map(Array.from(images, ([name, values]) => [name, labelsOf(values.toArray())]));
}

/** Splits rows of `VALUES` numbers into boxes and points. */
function labelsOf(values: Float64Array): LandmarkLabels {
  const faces = values.length / VALUES;
  const columns = (from: number, width: number): Float64Array =>
    Float64Array.from(
      { length: faces * width },
      (_, k) => values[VALUES * Math.floor(k / width) + from + (k % width)]!,
    );
  return { boxes: columns(0, 4), points: columns(4, 10) };
}

/** Error of detected landmarks. */
export interface LandmarkError {
  /** Faces with labeled landmarks that were found. */
  readonly faces: number;
  /** Mean distance of a point as a fraction of the face's size √(width · height); null where there is no such face. */
  readonly mean: number | null;
  /** The same for each of the five points. */
  readonly perPoint: readonly (number | null)[];
}

/**
 * Computes the normalized mean error of landmarks: each labeled face against the detection of highest score with IoU
 * ≥ 0.5, in images that have labels.
 *
 * @param labels by image name, of `parseLandmarkLabels`.
 * @param detections by image name; those without landmarks are ignored.
 */
export function landmarkError(
  labels: ReadonlyMap<string, LandmarkLabels>,
  detections: ReadonlyMap<string, readonly Face[]>,
): LandmarkError {
  const sums = [0, 0, 0, 0, 0];
  let faces = 0;
  for (const [name, detected] of detections) {
    const label = labels.get(name);
    if (!label) continue;
    const candidates = detected.filter(({ landmarks }) => landmarks).sort((a, b) => b.score - a.score);
    const boxes = Float64Array.from(candidates.flatMap(({ box }) => [box.x, box.y, box.width, box.height]));
    for (let f = 0; f < label.boxes.length / 4; f++) {
      const points = label.points.subarray(10 * f, 10 * f + 10);
      const match = candidates.find((_, k) => iouAt(label.boxes, f, boxes, k) >= MINIMUM_OVERLAP);
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
