import { NumberList } from '../number-list.ts';
import { type ScoredBoxes, byFallingScore } from '../scored-boxes.ts';
import { type TruthImage, checkTruthImage } from './truth.ts';

/**
 * COCO's overlaps: 0.50, 0.55, … 0.95, rounded as NumPy's linspace rounds them: an overlap of exactly 0.85 reaches
 * 0.85.
 */
export const cocoThresholds: readonly number[] = Array.from({ length: 10 }, (_, k) => 0.5 + k * ((0.95 - 0.5) / 9));

/** COCO's ranges of area in square pixels, both ends included. */
export const areaRanges = {
  all: [0, 1e10],
  small: [0, 32 ** 2],
  medium: [32 ** 2, 96 ** 2],
  large: [96 ** 2, 1e10],
} as const;

/** What all thresholds, size ranges and limits share: computed once for a set of images. */
export interface DetectionPairs {
  /** The first detection of each image, and the number of all behind the last. */
  readonly firstDetection: Int32Array;
  /** The first face of each image, and the number of all behind the last. */
  readonly firstFace: Int32Array;
  /** Of all detections, image by image, by falling score within an image. */
  readonly scores: Float64Array;
  readonly detectionAreas: Float64Array;
  readonly faceAreas: Float64Array;
  /** 1 where a face counts in no size range. */
  readonly ignored: Uint8Array;
  readonly crowd: Uint8Array;
  /** The first pair of each detection, and the number of all behind the last. */
  readonly firstPair: Int32Array;
  /** The face of each pair that overlaps enough for the lowest threshold, in rising order within a detection. */
  readonly pairFace: Float64Array;
  readonly pairOverlap: Float64Array;
}

/**
 * Collects the pairs that overlap enough to match at the lowest threshold: few of all, so that matching is cheap at
 * each.
 */
export function pairDetections(
  images: readonly TruthImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
): DetectionPairs {
  const firstDetection = new Int32Array(images.length + 1);
  const firstFace = new Int32Array(images.length + 1);
  images.forEach((image, i) => {
    checkTruthImage(image);
    const { name, boxes } = image;
    firstDetection[i + 1] = firstDetection[i]! + (predictions.get(name)?.scores.length ?? 0);
    firstFace[i + 1] = firstFace[i]! + boxes.length / 4;
  });
  const detections = firstDetection[images.length]!;
  const faces = firstFace[images.length]!;
  const scores = new Float64Array(detections);
  const detectionAreas = new Float64Array(detections);
  const faceAreas = new Float64Array(faces);
  const ignored = new Uint8Array(faces);
  const crowd = new Uint8Array(faces);
  const firstPair = new Int32Array(detections + 1);
  const pairFace = new NumberList('overlapping pairs of detections and faces');
  const pairOverlap = new NumberList('overlapping pairs of detections and faces');
  images.forEach((image, i) => {
    const { boxes: faceBoxes } = image;
    const from = firstFace[i]!;
    const count = faceBoxes.length / 4;
    for (let f = 0; f < count; f++) {
      // As pycocotools: the annotation's area decides the size; of a mask it is less than its box's.
      faceAreas[from + f] = image.areas ? image.areas[f]! : faceBoxes[4 * f + 2]! * faceBoxes[4 * f + 3]!;
      crowd[from + f] = image.crowd?.[f] ? 1 : 0;
      ignored[from + f] = image.ignored?.[f] || image.crowd?.[f] ? 1 : 0;
    }
    const found = predictions.get(image.name);
    if (!found) return;
    const { boxes, scores: ranked } = byFallingScore(found.boxes, found.scores);
    scores.set(ranked, firstDetection[i]!);
    for (let d = 0; d < ranked.length; d++) {
      const x = boxes[4 * d]!;
      const y = boxes[4 * d + 1]!;
      const right = x + boxes[4 * d + 2]!;
      const bottom = y + boxes[4 * d + 3]!;
      const area = boxes[4 * d + 2]! * boxes[4 * d + 3]!;
      detectionAreas[firstDetection[i]! + d] = area;
      for (let f = 0; f < count; f++) {
        const left = faceBoxes[4 * f]!;
        const width = Math.min(right, left + faceBoxes[4 * f + 2]!) - Math.max(x, left);
        if (!(width > 0)) continue;
        const top = faceBoxes[4 * f + 1]!;
        const height = Math.min(bottom, top + faceBoxes[4 * f + 3]!) - Math.max(y, top);
        if (!(height > 0)) continue;
        const shared = width * height;
        // With a crowd, the part of the detection that lies in it.
        const overlap =
          shared / (crowd[from + f] ? area : area + faceBoxes[4 * f + 2]! * faceBoxes[4 * f + 3]! - shared);
        if (!(overlap >= cocoThresholds[0]!)) continue;
        pairFace.push(from + f);
        pairOverlap.push(overlap);
      }
      firstPair[firstDetection[i]! + d + 1] = pairFace.length;
    }
  });
  return {
    firstDetection,
    firstFace,
    scores,
    detectionAreas,
    faceAreas,
    ignored,
    crowd,
    firstPair,
    pairFace: pairFace.toArray(),
    pairOverlap: pairOverlap.toArray(),
  };
}

/** What became of the detections in one size range. */
export interface Matches {
  /** Faces that count. */
  readonly faces: number;
  /**
   * For each threshold, then each detection of all images: 1 a hit, −1 a false positive, 0 ignored or beyond the limit.
   */
  readonly outcomes: Int8Array;
}

/**
 * Matches detections to faces as pycocotools does: by falling score, each to the free face of largest overlap, a face
 * that counts before an ignored one; faces outside the range are ignored, and so are detections outside it that match
 * none.
 *
 * What a detection matches depends on those before it alone: the outcomes of a lower limit are the first of each image.
 *
 * @param limit detections per image, the best.
 */
export function matchDetections(
  pairs: DetectionPairs,
  [smallest, largest]: readonly [number, number],
  limit = Infinity,
): Matches {
  const { firstDetection, firstFace, detectionAreas, faceAreas, crowd, firstPair, pairFace, pairOverlap } = pairs;
  const total = detectionAreas.length;
  const outcomes = new Int8Array(cocoThresholds.length * total);
  const ignored = pairs.ignored.map((flag, f) => (flag || faceAreas[f]! < smallest || faceAreas[f]! > largest ? 1 : 0));
  const taken = new Uint8Array(faceAreas.length);
  let faces = 0;
  for (const flag of ignored) faces += 1 - flag;
  for (let t = 0; t < cocoThresholds.length; t++) {
    const threshold = Math.min(cocoThresholds[t]!, 1 - 1e-10);
    taken.fill(0);
    for (let i = 0; i + 1 < firstFace.length; i++) {
      const end = Math.min(firstDetection[i + 1]!, firstDetection[i]! + limit);
      for (let d = firstDetection[i]!; d < end; d++) {
        let best = threshold;
        let match = -1;
        for (let wanted = 0; wanted < 2 && match < 0; wanted++) {
          for (let p = firstPair[d]!; p < firstPair[d + 1]!; p++) {
            const f = pairFace[p]!;
            if (ignored[f] !== wanted || pairOverlap[p]! < best || (taken[f] && !crowd[f])) continue;
            best = pairOverlap[p]!;
            match = f;
          }
        }
        if (match < 0) {
          const isOutside = detectionAreas[d]! < smallest || detectionAreas[d]! > largest;
          outcomes[t * total + d] = isOutside ? 0 : -1;
          continue;
        }
        taken[match] = 1;
        outcomes[t * total + d] = ignored[match] ? 0 : 1;
      }
    }
  }
  return { faces, outcomes };
}
