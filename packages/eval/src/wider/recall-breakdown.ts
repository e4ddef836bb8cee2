import { type WiderAttribute, type WiderImage, attributeOf, validFaces } from './image.ts';
import type { WiderEvaluation } from './protocol.ts';

/** Recall of the faces of one kind. */
export interface RecallGroup {
  /** `<16 px`, `heavy`, … */
  readonly label: string;
  /** Faces of this kind that are not marked invalid. */
  readonly faces: number;
  /** Faces found at any score: by a prediction that overlaps this face most, and at least 0.5. */
  readonly found: number;
  /** Faces found at the score threshold. */
  readonly foundAtThreshold: number;
}

/** Recall by the height of the face and by each attribute that WIDER FACE labels. */
export interface RecallBreakdown {
  /** The score threshold of `foundAtThreshold`. */
  readonly scoreThreshold: number;
  readonly size: readonly RecallGroup[];
  readonly blur: readonly RecallGroup[];
  readonly occlusion: readonly RecallGroup[];
  readonly pose: readonly RecallGroup[];
  readonly illumination: readonly RecallGroup[];
}

const sizes = [
  { label: '<16 px', below: 16 },
  { label: '16–32 px', below: 32 },
  { label: '32–96 px', below: 96 },
  { label: '>96 px', below: Infinity },
];

/** The meaning of the attributes' values, from WIDER FACE's readme. */
const labels = {
  blur: ['clear', 'normal', 'heavy'],
  occlusion: ['none', 'partial', 'heavy'],
  pose: ['typical', 'atypical'],
  illumination: ['normal', 'extreme'],
} satisfies Partial<Record<WiderAttribute, string[]>>;

/**
 * Computes the recall of faces not marked invalid, by their height (< 16, 16–32, 32–96, ≥ 96 px) and by their
 * attributes.
 *
 * @param scoreThreshold the score of `foundAtThreshold`, not normalized; default 0.5.
 */
export function recallBreakdown({ perImage }: WiderEvaluation, scoreThreshold = 0.5): RecallBreakdown {
  const valid = perImage.map(({ image }) => validFaces(image));
  const groups = (names: readonly string[], groupOf: (image: WiderImage, face: number) => number): RecallGroup[] => {
    const tallies = names.map((label) => ({ label, faces: 0, found: 0, foundAtThreshold: 0 }));
    perImage.forEach(({ image, matchScores }, i) => {
      matchScores.forEach((score, face) => {
        const tally = tallies[groupOf(image, face)];
        if (!valid[i]![face] || !tally) return;
        tally.faces++;
        if (!Number.isNaN(score)) tally.found++;
        if (score >= scoreThreshold) tally.foundAtThreshold++;
      });
    });
    return tallies;
  };
  const byAttribute = (attribute: keyof typeof labels): RecallGroup[] =>
    groups(labels[attribute], (image, face) => attributeOf(image, face, attribute));
  return {
    scoreThreshold,
    size: groups(
      sizes.map(({ label }) => label),
      ({ boxes }, face) => sizes.findIndex(({ below }) => boxes[4 * face + 3]! < below),
    ),
    blur: byAttribute('blur'),
    occlusion: byAttribute('occlusion'),
    pose: byAttribute('pose'),
    illumination: byAttribute('illumination'),
  };
}
