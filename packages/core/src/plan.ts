import { FaceDetError } from '@facedet/checks';
import type { FixedSides } from './letterbox.ts';
import type { InputSize } from './options.ts';
import type { CutEdges, Pass } from './pass.ts';
import type { DetectionSettings } from './settings.ts';
import type { Box } from './types.ts';
import { viewOf } from './view.ts';

/** More tiles than this are a mistake in the options. */
const MAX_TILES = 4096;

/**
 * The smallest box that a pass for faces which fill the image contributes, as a fraction of the geometric mean of its
 * input's sides: the first pass finds smaller faces better.
 */
const LARGE_FACE_MIN_SIDE = 0.25;

/**
 * Plans the passes of one image: each input size over the whole image, small ones for faces that fill it, then the
 * tiles. Throws `INVALID_ARGUMENT` if the tiles are so small that there would be thousands.
 */
export function planPasses(
  width: number,
  height: number,
  settings: Pick<DetectionSettings, 'preset' | 'sizes' | 'largeFaces' | 'tiles'>,
  model: FixedSides,
): Pass[] {
  const { preset, largeFaces, tiles } = settings;
  const isFixed = model.width !== null && model.height !== null;
  const sizes: readonly InputSize[] = isFixed ? [{ width: model.width!, height: model.height! }] : settings.sizes;
  const whole: Unsized = {
    region: { x: 0, y: 0, width, height },
    size: sizes[0]!,
    cutEdges: null,
    minSide: 0,
    from: null,
    when: 'always',
  };
  const passes = sizes.map((size): Unsized => ({ ...whole, size }));
  for (const { pixels, when } of largeFaces) {
    passes.push({
      ...whole,
      size: { pixels },
      minSide: LARGE_FACE_MIN_SIDE * Math.sqrt(pixels),
      from: 0,
      // On a model with a fixed shape even a small pass costs a whole run.
      when: isFixed && when === 'always' ? 'no-confident-face' : when,
    });
  }
  if (tiles) {
    for (const region of tileRegions(width, height, tiles.size || unscaledTileSide(sizes[0]!), tiles.overlap))
      passes.push({ ...whole, region, cutEdges: cutEdgesOf(region, width, height) });
  }
  return passes.map((pass): Pass => {
    const view = viewOf(pass, 0, { preset, fixed: model });
    return { ...pass, width: view.width, height: view.height };
  });
}

/** A pass before the size of its scaled region is known. */
type Unsized = Omit<Pass, 'width' | 'height'>;

function cutEdgesOf(region: Box, width: number, height: number): CutEdges {
  return {
    left: region.x > 0,
    top: region.y > 0,
    right: region.x + region.width < width,
    bottom: region.y + region.height < height,
  };
}

/** The side of a square tile that is not scaled. */
function unscaledTileSide(size: InputSize): number {
  if (typeof size === 'number') return size;
  return 'pixels' in size ? Math.floor(Math.sqrt(size.pixels)) : Math.min(size.width, size.height);
}

/**
 * Squares of `side` (clipped to the image) that cover the image evenly and overlap by at least `overlap`; none if one
 * tile would be the whole image. Throws `INVALID_ARGUMENT` for more than 4,096 tiles.
 */
export function tileRegions(width: number, height: number, side: number, overlap: number): Box[] {
  const countFor = (length: number) => (length <= side ? 1 : Math.ceil((length - side) / (side * (1 - overlap))) + 1);
  const [columns, rows] = [countFor(width), countFor(height)];
  if (columns * rows > MAX_TILES) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected at most ${MAX_TILES} tiles but received tiles of ${side} pixels that overlap by ${overlap}, ` +
        `${columns * rows} for ${width} × ${height}; raise tiles.size.`,
    );
  }
  if (columns * rows === 1) return [];
  const startsFor = (length: number, count: number) =>
    Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - side)) / (count - 1))));
  const xs = startsFor(width, columns);
  return startsFor(height, rows).flatMap((y) =>
    xs.map((x) => ({ x, y, width: Math.min(side, width), height: Math.min(side, height) })),
  );
}
