import { type WiderAttribute, type WiderImage, widerAttributes } from './image.ts';
import { type WiderEvaluation, validFaces } from './protocol.ts';

/** How many faces of one kind are found. */
export interface RecallGroup {
  /** `<16 px`, `heavy`, … */
  readonly label: string;
  /** Faces of this kind that are not marked invalid. */
  readonly faces: number;
  /** Found at any score: by a prediction that overlaps this face most, and at least half. */
  readonly found: number;
  /** Found with a score from the threshold on. */
  readonly foundAtThreshold: number;
}

/** Recall by the height of the face and by each attribute that WIDER FACE labels. */
export interface RecallBreakdown {
  /** The score of `foundAtThreshold`. */
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

/** The labels' meanings in WIDER FACE's readme. */
const labels = {
  blur: ['clear', 'normal', 'heavy'],
  occlusion: ['none', 'partial', 'heavy'],
  pose: ['typical', 'atypical'],
  illumination: ['normal', 'extreme'],
} satisfies Partial<Record<WiderAttribute, string[]>>;

/**
 * Recall of faces not marked invalid, by their height (< 16, 16–32, 32–96, from 96 px on) and by their attributes.
 *
 * @param scoreThreshold in the models' own score; groups also tell how many are found from it on.
 */
export function recallBreakdown({ perImage }: WiderEvaluation, scoreThreshold = 0.5): RecallBreakdown {
  const valid = perImage.map(({ image }) => validFaces(image));
  const groups = (names: readonly string[], groupOf: (image: WiderImage, face: number) => number): RecallGroup[] => {
    const tallies = names.map((label) => ({ label, faces: 0, found: 0, foundAtThreshold: 0 }));
    perImage.forEach(({ image, hitScores }, i) => {
      for (let face = 0; face < hitScores.length; face++) {
        const tally = tallies[groupOf(image, face)];
        if (!valid[i]![face] || !tally) continue;
        tally.faces++;
        if (!Number.isNaN(hitScores[face]!)) tally.found++;
        if (hitScores[face]! >= scoreThreshold) tally.foundAtThreshold++;
      }
    });
    return tallies;
  };
  const byAttribute = (attribute: keyof typeof labels): RecallGroup[] => {
    const column = widerAttributes.indexOf(attribute);
    return groups(labels[attribute], ({ attributes }, face) => attributes[6 * face + column]!);
  };
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
