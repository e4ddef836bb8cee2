import { byDescendingScore, intersectionAt, type ScoredBoxes } from '../boxes.ts';
import { NumberList } from '../number-list.ts';
import { type LabeledImage, checkImage } from './labeled-image.ts';

/**
 * COCO's IoU thresholds: 0.50, 0.55, … 0.95, rounded as NumPy's linspace rounds them: an IoU of exactly 0.85 reaches
 * 0.85.
 */
export const cocoThresholds: readonly number[] = Array.from({ length: 10 }, (_, k) => 0.5 + k * ((0.95 - 0.5) / 9));

/** COCO's size ranges: area in square pixels, both ends included. */
export const areaRanges = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

/** Detections and faces of all images, shared by all thresholds, size ranges and limits. */
export interface DetectionPairs {
  /** The first detection of each image, and the number of all after the last. */
  readonly firstDetection: Int32Array;
  /** The first face of each image, and the number of all after the last. */
  readonly firstFace: Int32Array;
  /** Scores of all detections, image by image, in descending order within an image. */
  readonly scores: Float64Array;
  readonly detectionAreas: Float64Array;
  readonly faceAreas: Float64Array;
  /** 1 for each face that is ignored in all size ranges. */
  readonly ignored: Uint8Array;
  readonly crowd: Uint8Array;
  /** The first pair of each detection, and the number of all after the last. */
  readonly firstPair: Int32Array;
  /** The face of each pair that reaches the lowest threshold, in ascending order within a detection. */
  readonly pairFace: Float64Array;
  readonly pairOverlap: Float64Array;
}

/** Collects the pairs that reach the lowest threshold: they are few, which makes matching at each threshold cheap. */
export function pairDetections(
  images: readonly LabeledImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
): DetectionPairs {
  const firstDetection = new Int32Array(images.length + 1);
  const firstFace = new Int32Array(images.length + 1);
  images.forEach((image, i) => {
    checkImage(image);
    firstDetection[i + 1] = firstDetection[i]! + (predictions.get(image.name)?.scores.length ?? 0);
    firstFace[i + 1] = firstFace[i]! + image.boxes.length / 4;
  });
  const detections = firstDetection[images.length]!;
  const faces = firstFace[images.length]!;
  const pairs = {
    firstDetection,
    firstFace,
    scores: new Float64Array(detections),
    detectionAreas: new Float64Array(detections),
    faceAreas: new Float64Array(faces),
    ignored: new Uint8Array(faces),
    crowd: new Uint8Array(faces),
    firstPair: new Int32Array(detections + 1),
    pairFace: new NumberList('overlapping pairs of detections and faces'),
    pairOverlap: new NumberList('overlapping pairs of detections and faces'),
  };
  images.forEach((image, i) => {
    addFaces(pairs, image, firstFace[i]!);
    const found = predictions.get(image.name);
    if (found) addDetections(pairs, image, byDescendingScore(found), i);
  });
  return { ...pairs, pairFace: pairs.pairFace.toArray(), pairOverlap: pairs.pairOverlap.toArray() };
}

type PairBuilder = Omit<DetectionPairs, 'pairFace' | 'pairOverlap'> & { pairFace: NumberList; pairOverlap: NumberList };

function addFaces({ faceAreas, crowd, ignored }: PairBuilder, image: LabeledImage, firstFace: number): void {
  for (let f = 0; f < image.boxes.length / 4; f++) {
    // As in pycocotools, the annotation's area decides the size; for a mask it is smaller than its box's.
    faceAreas[firstFace + f] = image.areas ? image.areas[f]! : areaAt(image.boxes, f);
    crowd[firstFace + f] = image.crowd?.[f] ? 1 : 0;
    ignored[firstFace + f] = image.ignored?.[f] || image.crowd?.[f] ? 1 : 0;
  }
}

function addDetections(
  pairs: PairBuilder,
  { boxes: faces }: LabeledImage,
  detections: ScoredBoxes,
  image: number,
): void {
  const firstDetection = pairs.firstDetection[image]!;
  const firstFace = pairs.firstFace[image]!;
  const { boxes, scores } = detections;
  pairs.scores.set(scores, firstDetection);
  for (let d = 0; d < scores.length; d++) {
    const area = areaAt(boxes, d);
    pairs.detectionAreas[firstDetection + d] = area;
    for (let f = 0; f < faces.length / 4; f++) {
      const intersection = intersectionAt(boxes, d, faces, f);
      if (intersection === 0) continue;
      // For a crowd, the fraction of the detection that is inside it.
      const total = pairs.crowd[firstFace + f] ? area : area + areaAt(faces, f) - intersection;
      const overlap = intersection / total;
      if (!(overlap >= cocoThresholds[0]!)) continue;
      pairs.pairFace.push(firstFace + f);
      pairs.pairOverlap.push(overlap);
    }
    pairs.firstPair[firstDetection + d + 1] = pairs.pairFace.length;
  }
}

function areaAt(boxes: Float64Array, i: number): number {
  return boxes[4 * i + 2]! * boxes[4 * i + 3]!;
}

/** The results of matching in one size range. */
export interface Matches {
  /** Faces that are not ignored. */
  readonly faces: number;
  /**
   * For each threshold, then each detection of all images: 1 a true positive, −1 a false positive, 0 ignored or beyond
   * the limit.
   */
  readonly outcomes: Int8Array;
}

/**
 * Matches detections to faces as pycocotools does: by descending score, each to the unmatched face of largest overlap,
 * preferring faces that are not ignored; faces outside the size range are ignored, and so are unmatched detections
 * outside it.
 *
 * A match depends only on the detections before it: with a lower limit, the outcomes are the first ones of each image.
 *
 * @param limit detections per image, those with the highest scores.
 */
export function matchDetections(
  pairs: DetectionPairs,
  [minArea, maxArea]: readonly [number, number],
  limit = Infinity,
): Matches {
  const { firstDetection, firstFace, detectionAreas, faceAreas, crowd, firstPair, pairFace, pairOverlap } = pairs;
  const total = detectionAreas.length;
  const outcomes = new Int8Array(cocoThresholds.length * total);
  const ignored = pairs.ignored.map((flag, f) => (flag || faceAreas[f]! < minArea || faceAreas[f]! > maxArea ? 1 : 0));
  const isMatched = new Uint8Array(faceAreas.length);
  let faces = 0;
  for (const flag of ignored) faces += 1 - flag;
  for (let t = 0; t < cocoThresholds.length; t++) {
    const threshold = Math.min(cocoThresholds[t]!, 1 - 1e-10);
    isMatched.fill(0);
    for (let i = 0; i + 1 < firstFace.length; i++) {
      const end = Math.min(firstDetection[i + 1]!, firstDetection[i]! + limit);
      for (let d = firstDetection[i]!; d < end; d++) {
        let best = threshold;
        let match = -1;
        for (let isIgnored = 0; isIgnored < 2 && match < 0; isIgnored++) {
          for (let p = firstPair[d]!; p < firstPair[d + 1]!; p++) {
            const f = pairFace[p]!;
            if (ignored[f] !== isIgnored || pairOverlap[p]! < best || (isMatched[f] && !crowd[f])) continue;
            best = pairOverlap[p]!;
            match = f;
          }
        }
        if (match < 0) {
          const isOutside = detectionAreas[d]! < minArea || detectionAreas[d]! > maxArea;
          outcomes[t * total + d] = isOutside ? 0 : -1;
          continue;
        }
        isMatched[match] = 1;
        outcomes[t * total + d] = ignored[match] ? 0 : 1;
      }
    }
  }
  return { faces, outcomes };
}
