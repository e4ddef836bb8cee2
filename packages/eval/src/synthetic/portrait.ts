import { checkOptionNames, FaceDetError, received } from '@facedet/checks';
import type { PixelBuffer } from '@facedet/core';
import { createAppearance } from './appearance.ts';
import { paintBackground } from './background.ts';
import { createHead, type Head } from './head.ts';
import { paintBody } from './paint-body.ts';
import { paintHead } from './paint-head.ts';
import { createRandom } from './random.ts';
import type { SceneFace } from './scene.ts';
import { truthOf } from './visibility.ts';

/** A still picture and what is in it. */
export interface Portrait {
  readonly image: PixelBuffer;
  readonly truth: SceneFace[];
}

/**
 * One procedural person, from the front, in the middle of the picture. The same seed is the same person everywhere.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for unknown options and options out of range.
 */
export function renderPortrait(options: { seed?: number; width?: number; height?: number } = {}): Portrait {
  checkOptionNames(options, ['seed', 'width', 'height']);
  const { seed = 1, width = 320, height = 400 } = options;
  checkPicture(seed, width, height);
  const size = Math.min(width * 0.26, height * 0.2);
  return render(width, height, seed, [headOf(seed, width / 2, height * 0.45, size, seed)]);
}

/**
 * `faces` people (default 6) of different sizes in two rows, none hidden: the picture that README examples begin with.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for unknown options and options out of range.
 */
export function groupPicture(
  options: { seed?: number; width?: number; height?: number; faces?: number } = {},
): Portrait {
  checkOptionNames(options, ['seed', 'width', 'height', 'faces']);
  const { seed = 1, width = 960, height = 640, faces = 6 } = options;
  checkPicture(seed, width, height);
  if (!Number.isInteger(faces) || faces < 1 || faces > 1000) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected faces as an integer from 1 to 1000 but received ${received(faces)}.`,
    );
  }
  const random = createRandom(seed);
  const back = Math.floor(faces / 2);
  const heads = Array.from({ length: faces }, (_, i) => {
    const front = i >= back;
    const [place, places] = front ? [i - back, faces - back] : [i, back];
    const shift = front ? 0.5 : 0.5;
    const x =
      ((place + shift + (random() - 0.5) * 0.16) / places) * width * (front ? 1 : 0.68) + (front ? 0 : width * 0.16);
    const size = Math.min(height * (front ? 0.082 : 0.068), (width / faces) * 0.34) * (0.94 + 0.14 * random());
    return headOf(
      seed * 1000 + i,
      x,
      height * (front ? 0.57 : 0.24) + (random() - 0.5) * height * 0.05,
      size,
      seed + i,
    );
  });
  return render(width, height, seed, heads);
}

function checkPicture(seed: number, width: number, height: number): void {
  if (!Number.isInteger(seed))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected seed as an integer but received ${received(seed)}.`);
  for (const side of [width, height]) {
    if (Number.isInteger(side) && side >= 1 && side <= 8192) continue;
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected width and height as integers from 1 to 8192 but received ${received(width)} × ${received(height)}.`,
    );
  }
}

function headOf(person: number, x: number, y: number, size: number, seed: number): Head {
  const random = createRandom(seed + 77);
  return createHead(createAppearance(person), {
    x,
    y,
    size,
    roll: (random() - 0.5) * 0.05,
    yaw: (random() - 0.5) * 0.09,
    pitch: (random() - 0.5) * 0.02,
    mouth: random() * 0.35,
    blink: 0,
  });
}

function render(width: number, height: number, seed: number, heads: readonly Head[]): Portrait {
  const raster = paintBackground(width, height, seed, 0); // no grain: a picture that PNG packs well
  for (const head of heads) {
    paintBody(raster, head);
    paintHead(raster, head);
  }
  const truth = heads.map((head, i) => truthOf(i + 1, head, heads.slice(i + 1), [], width, height));
  return { image: { data: raster.data, width, height, format: 'rgb' }, truth };
}
