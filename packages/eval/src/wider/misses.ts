import { checkOptionNames } from '@facedet/checks';
import type { Box } from '@facedet/core';
import { widerAttributes } from './image.ts';
import { type WiderEvaluation, validFaces } from './protocol.ts';

/** A face that was not found, or found with a low score only. */
export interface MissedFace {
  /** `EVENT/NAME`. */
  readonly image: string;
  readonly box: Box;
  /** The score of the prediction that hit it, or null where none did. */
  readonly score: number | null;
  /** What the labels say against it: `heavy blur`, `partial occlusion`, …; empty for a face that should be easy. */
  readonly difficulties: readonly string[];
}

/** A confident prediction on no face. */
export interface FalsePositive {
  /** `EVENT/NAME`. */
  readonly image: string;
  readonly box: Box;
  readonly score: number;
}

const worded: [attribute: (typeof widerAttributes)[number], words: (string | null)[]][] = [
  ['blur', [null, 'some blur', 'heavy blur']],
  ['occlusion', [null, 'partial occlusion', 'heavy occlusion']],
  ['pose', [null, 'atypical pose']],
  ['illumination', [null, 'extreme illumination']],
];

/**
 * The faces that should have been found before all others: those not found from `scoreThreshold` on (default 0.5), by
 * how little the labels say against them (attributes first, then height). Faces marked invalid don't count. At most
 * `count` (default 24), and at most `perImage` (default 2) of one image, so that one crowd does not fill the list.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option.
 */
export function hardestMisses(
  evaluation: WiderEvaluation,
  options: { count?: number; scoreThreshold?: number; perImage?: number } = {},
): MissedFace[] {
  checkOptionNames(options, ['count', 'scoreThreshold', 'perImage']);
  const { count = 24, scoreThreshold = 0.5, perImage = 2 } = options;
  const misses: { miss: MissedFace; burden: number }[] = [];
  for (const { image, hitScores } of evaluation.perImage) {
    const valid = validFaces(image);
    hitScores.forEach((score, face) => {
      if (!valid[face] || score >= scoreThreshold) return;
      let burden = 0;
      const difficulties = worded.flatMap(([attribute, words]) => {
        const level = image.attributes[6 * face + widerAttributes.indexOf(attribute)]!;
        burden += level;
        return words[level] ?? [];
      });
      const [x, y, width, height] = image.boxes.subarray(4 * face, 4 * face + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      misses.push({
        miss: {
          image: image.name,
          box: { x, y, width, height },
          score: Number.isNaN(score) ? null : score,
          difficulties,
        },
        burden,
      });
    });
  }
  // A doubling of the height weighs as much as one attribute.
  const surprise = ({ miss, burden }: { miss: MissedFace; burden: number }): number =>
    Math.log2(Math.max(miss.box.height, 1)) - burden;
  misses.sort((a, b) => surprise(b) - surprise(a));
  return limitPerImage(
    misses.map(({ miss }) => miss),
    count,
    perImage,
  );
}

/**
 * The predictions with the highest scores that hit no labelled face; many are faces that the labels lack. At most
 * `count` (default 12), and at most `perImage` (default 2) of one image.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an unknown option.
 */
export function worstFalsePositives(
  evaluation: WiderEvaluation,
  options: { count?: number; perImage?: number } = {},
): FalsePositive[] {
  checkOptionNames(options, ['count', 'perImage']);
  const { count = 12, perImage = 2 } = options;
  const found: FalsePositive[] = [];
  for (const { image, predictions, matches } of evaluation.perImage) {
    if (!predictions) continue;
    let here = 0;
    for (let i = 0; i < matches.length && here < perImage; i++) {
      if (matches[i]! >= 0) continue;
      here++;
      const [x, y, width, height] = predictions.boxes.subarray(4 * i, 4 * i + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      found.push({ image: image.name, box: { x, y, width, height }, score: predictions.scores[i]! });
    }
  }
  return found.sort((a, b) => b.score - a.score).slice(0, count);
}

function limitPerImage<T extends { image: string }>(items: readonly T[], count: number, perImage: number): T[] {
  const seen = new Map<string, number>();
  const kept: T[] = [];
  for (const item of items) {
    const before = seen.get(item.image) ?? 0;
    if (before >= perImage) continue;
    seen.set(item.image, before + 1);
    kept.push(item);
    if (kept.length === count) break;
  }
  return kept;
}
