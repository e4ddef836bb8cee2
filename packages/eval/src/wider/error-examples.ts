import { checkOptionNames } from '@facedet/checks';
import type { Box } from '@facedet/core';
import { type WiderAttribute, attributeOf, validFaces } from './image.ts';
import type { WiderEvaluation, WiderImageResult } from './protocol.ts';

/** A face that was missed, or found with a low score only. */
export interface MissedFace {
  /** `EVENT/NAME`. */
  readonly image: string;
  readonly box: Box;
  /** The score of its true positive, or null without one. */
  readonly score: number | null;
  /** The labels that explain the miss: `heavy blur`, `partial occlusion`, …; empty for a face that should be easy. */
  readonly difficulties: readonly string[];
}

/** A confident prediction that matches no labeled face. */
export interface FalsePositive {
  /** `EVENT/NAME`. */
  readonly image: string;
  readonly box: Box;
  readonly score: number;
}

const descriptions: readonly [attribute: WiderAttribute, byLevel: readonly (string | null)[]][] = [
  ['blur', [null, 'some blur', 'heavy blur']],
  ['occlusion', [null, 'partial occlusion', 'heavy occlusion']],
  ['pose', [null, 'atypical pose']],
  ['illumination', [null, 'extreme illumination']],
];

/**
 * Lists the missed faces that should have been easiest to find: those not found at `scoreThreshold`, by the fewest
 * difficult attributes, then by height. Faces marked invalid are ignored.
 *
 * @param options `count`: at most this many faces, default 24. `scoreThreshold`: default 0.5; higher lists more faces
 * as missed. `perImage`: at most this many per image, default 2, so that one crowd does not fill the list.
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option.
 */
export function hardestMisses(
  { perImage: images }: WiderEvaluation,
  options: { count?: number; scoreThreshold?: number; perImage?: number } = {},
): MissedFace[] {
  checkOptionNames(options, ['count', 'scoreThreshold', 'perImage']);
  const { count = 24, scoreThreshold = 0.5, perImage = 2 } = options;
  const misses = images.flatMap((result) => {
    const valid = validFaces(result.image);
    return Array.from(result.matchScores.keys())
      .filter((face) => valid[face] && !(result.matchScores[face]! >= scoreThreshold))
      .map((face) => missOf(result, face));
  });
  misses.sort((a, b) => b.ease - a.ease);
  return limitPerImage(
    misses.map(({ miss }) => miss),
    count,
    perImage,
  );
}

/** A missed face, and how easy it should have been. */
function missOf({ image, matchScores }: WiderImageResult, face: number): { miss: MissedFace; ease: number } {
  const score = matchScores[face]!;
  const box = boxAt(image.boxes, face);
  const levels = descriptions.map(([attribute]) => attributeOf(image, face, attribute));
  const difficulties = levels.flatMap((level, k) => descriptions[k]![1][level] ?? []);
  const miss = { image: image.name, box, score: Number.isNaN(score) ? null : score, difficulties };
  // Twice the height outweighs one level of one attribute.
  return { miss, ease: Math.log2(Math.max(box.height, 1)) - levels.reduce((sum, level) => sum + level, 0) };
}

/**
 * Lists the predictions with the highest scores that match no labeled face; many are faces that the labels lack.
 *
 * @param options `count`: at most this many predictions, default 12. `perImage`: at most this many per image, default
 * 2.
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option.
 */
export function worstFalsePositives(
  evaluation: WiderEvaluation,
  options: { count?: number; perImage?: number } = {},
): FalsePositive[] {
  checkOptionNames(options, ['count', 'perImage']);
  const { count = 12, perImage = 2 } = options;
  const found = evaluation.perImage.flatMap(({ image, predictions, matches }): FalsePositive[] => {
    if (!predictions) return [];
    const unmatched = Array.from(matches.keys()).filter((i) => matches[i]! < 0);
    return unmatched
      .slice(0, perImage)
      .map((i) => ({ image: image.name, box: boxAt(predictions.boxes, i), score: predictions.scores[i]! }));
  });
  return found.sort((a, b) => b.score - a.score).slice(0, count);
}

function boxAt(boxes: Float64Array, index: number): Box {
  const [x = 0, y = 0, width = 0, height = 0] = boxes.subarray(4 * index, 4 * index + 4);
  return { x, y, width, height };
}

function limitPerImage<T extends { image: string }>(items: readonly T[], count: number, perImage: number): T[] {
  const counts = new Map<string, number>();
  const kept: T[] = [];
  for (const item of items) {
    const before = counts.get(item.image) ?? 0;
    if (before >= perImage) continue;
    counts.set(item.image, before + 1);
    kept.push(item);
    if (kept.length === count) break;
  }
  return kept;
}
