import { checkOptionNames } from '@facedet/checks';
import type { PixelBuffer } from '@facedet/core';
import { createAppearance } from './appearance.ts';
import { paintBackground } from './background.ts';
import { checkPictureOptions } from './check-options.ts';
import { groundTruthOf, type SceneFace } from './ground-truth.ts';
import { createHead, type Head } from './head.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { createRandom } from './random.ts';

/** A picture with its ground truth. */
export interface SyntheticPicture {
  /** RGB pixels. */
  readonly image: PixelBuffer;
  readonly truth: SceneFace[];
}

/**
 * Renders a group of people of different sizes in two rows, none of them occluded.
 *
 * @param options `seed`: an integer, default 1. `width` and `height`: pixels, from 1 to 8192; default 960 × 640.
 * `faces`: people, from 1 to 1000; default 6. More people are smaller.
 * @throws FaceDetError `INVALID_ARGUMENT` for unknown options and options out of range.
 */
export function renderGroup(
  options: { seed?: number; width?: number; height?: number; faces?: number } = {},
): SyntheticPicture {
  checkOptionNames(options, ['seed', 'width', 'height', 'faces']);
  const { seed = 1, width = 960, height = 640, faces = 6 } = options;
  checkPictureOptions({ seed, width, height, faces }, 1, 1000);
  const random = createRandom(seed);
  const back = Math.floor(faces / 2);
  const heads = Array.from({ length: faces }, (_, i) => {
    const isFront = i >= back;
    const [place, places] = isFront ? [i - back, faces - back] : [i, back];
    const x =
      ((place + 0.5 + (random() - 0.5) * 0.16) / places) * width * (isFront ? 1 : 0.68) + (isFront ? 0 : width * 0.16);
    const maxHalfWidth = Math.min(height * (isFront ? 0.082 : 0.068), (width / faces) * 0.34);
    const halfWidth = maxHalfWidth * (0.94 + 0.14 * random());
    const y = height * (isFront ? 0.57 : 0.24) + (random() - 0.5) * height * 0.05;
    return headOf(seed * 1000 + i, seed + i, { x, y, halfWidth });
  });
  const raster = paintBackground(width, height, seed, 0); // without grain, so that PNG compresses the picture well
  for (const head of heads) {
    paintBody(raster, head);
    paintHead(raster, head);
  }
  const people = heads.map((head, i) => ({ id: i + 1, head }));
  return {
    image: { data: raster.data, width, height, format: 'rgb' },
    truth: groundTruthOf(people, { width, height }),
  };
}

/** A nearly frontal head: one seed decides the appearance, the other the pose. */
function headOf(person: number, seed: number, place: { x: number; y: number; halfWidth: number }): Head {
  const random = createRandom(seed + 77);
  return createHead(createAppearance(person), {
    ...place,
    roll: (random() - 0.5) * 0.05,
    yaw: (random() - 0.5) * 0.09,
    pitch: (random() - 0.5) * 0.02,
    mouth: random() * 0.35,
    blink: 0,
  });
}
