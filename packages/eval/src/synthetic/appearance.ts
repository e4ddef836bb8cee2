import { createRandom } from './random.ts';

/** Red, green and blue, from 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** The appearance of a synthetic person. */
export interface Appearance {
  readonly skin: Color;
  readonly hair: Color;
  readonly iris: Color;
  readonly lips: Color;
  readonly cloth: Color;
  /** Height of the head over its width. */
  readonly aspect: number;
  /** How much the head becomes narrower towards the chin. */
  readonly jaw: number;
  readonly hairStyle: 'short' | 'long' | 'bob' | 'bald';
  /** Upper end of the forehead, in half heights above the middle (negative). */
  readonly hairline: number;
  /** Slope of the hairline, towards a parting on one side. */
  readonly parting: number;
  /** Half the distance between the eyes, in half widths. */
  readonly eyeSpread: number;
  readonly eyeSize: number;
  readonly browHeight: number;
  readonly browWeight: number;
  readonly noseWidth: number;
  readonly mouthWidth: number;
  readonly lipWeight: number;
  /** From 0 (shaved) to 1 (a full beard). */
  readonly beard: number;
  readonly glasses: boolean;
}

const SKINS: readonly Color[] = [
  [238, 200, 174],
  [226, 180, 148],
  [206, 156, 120],
  [174, 122, 88],
  [134, 90, 64],
  [246, 212, 192],
];
const HAIRS: readonly Color[] = [
  [38, 28, 24],
  [72, 48, 32],
  [112, 74, 44],
  [176, 134, 82],
  [24, 22, 26],
  [146, 142, 138],
  [128, 60, 36],
];
const IRISES: readonly Color[] = [
  [74, 52, 36],
  [96, 116, 84],
  [84, 118, 150],
  [52, 38, 28],
];
const CLOTHS: readonly Color[] = [
  [52, 74, 110],
  [126, 52, 54],
  [68, 98, 78],
  [92, 84, 96],
  [176, 164, 148],
  [44, 46, 54],
  [150, 112, 62],
  [98, 120, 140],
  [196, 178, 120],
  [120, 70, 110],
  [210, 206, 200],
  [38, 96, 100],
];

/** The person of a seed: the same in every scene. */
export function createAppearance(seed: number): Appearance {
  const random = createRandom(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  const between = (low: number, high: number) => low + (high - low) * random();
  const vary = ([r, g, b]: Color, by: number): Color => {
    const shift = between(-by, by);
    return [r + shift + between(-3, 3), g + shift + between(-3, 3), b + shift + between(-3, 3)];
  };
  const skin = vary(pick(SKINS), 8);
  const hairStyle = pick(['short', 'short', 'long', 'bob', 'short', 'long', 'bald'] as const);
  const bearded = (hairStyle === 'short' || hairStyle === 'bald') && random() < 0.35;
  return {
    skin,
    hair: vary(pick(HAIRS), 8),
    iris: pick(IRISES),
    lips: [skin[0] * 0.82, skin[1] * 0.56, skin[2] * 0.56],
    cloth: vary(pick(CLOTHS), 22),
    aspect: between(1.3, 1.44),
    jaw: between(0.14, 0.26),
    hairStyle,
    hairline: hairStyle === 'bald' ? -1.2 : between(-0.66, -0.56),
    parting: between(-0.22, 0.22),
    eyeSpread: between(0.38, 0.43),
    eyeSize: between(0.92, 1.12),
    browHeight: between(0.19, 0.23),
    browWeight: between(0.75, 1.3),
    noseWidth: between(0.9, 1.2),
    mouthWidth: between(0.29, 0.34),
    lipWeight: between(0.8, 1.25),
    beard: bearded ? between(0.3, 0.8) : 0,
    glasses: random() < 0.15,
  };
}
