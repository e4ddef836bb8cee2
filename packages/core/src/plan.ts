import { FaceDetError } from '@facedet/checks';
import type { ModelShape } from './model-shape.ts';
import { checkRaster, isRasterSource } from './pixels.ts';
import { viewOf } from './view.ts';
import type { CanvasSize, DetectionSettings, PassCondition } from './settings.ts';
import type { Box, ImageSource, PixelBuffer } from './types.ts';

/** One run of the model over a part of the picture, upright; plain data. */
export interface Pass {
  /** The part shown, in source pixels. */
  readonly region: Box;
  /** The canvas asked for. */
  readonly size: CanvasSize;
  /** Size of the scaled region in canvas pixels: what a raster source is asked for. */
  readonly width: number;
  readonly height: number;
  /** The edges of the region that lie inside the picture, so that they may cut faces; null where none does. */
  readonly cuts: Cuts | null;
  /** Boxes whose longer side is shorter, in canvas pixels, are left to the other passes; 0 in most. */
  readonly minSide: number;
  /** The pass whose pixels this one is scaled down from, or null: its pixels are the source's own. */
  readonly from: number | null;
  /** When it runs: always, where no sure face was found by then, or where something was found but no sure face. */
  readonly when: PassCondition;
}

/** Edges of a region. */
export interface Cuts {
  readonly left: boolean;
  readonly top: boolean;
  readonly right: boolean;
  readonly bottom: boolean;
}

/** A pass and its pixels. */
export interface PassPixels {
  readonly pass: Pass;
  readonly pixels: PixelBuffer;
  /**
   * The part of `pixels` that shows the pass's region; null where they are exactly it, at the pass's width and height.
   */
  readonly crop: Box | null;
}

/** More runs than this for one picture are a mistake in the options. */
const MAX_PASSES = 4096;

/**
 * The smallest box that a pass for faces which fill the picture contributes, as a fraction of its canvas's geometric
 * mean side: the first pass finds smaller ones better.
 */
const LARGE_FACE_MIN_SIDE = 0.25;

/**
 * The passes of one image: each size on the whole picture, the small ones for faces that fill it, then the tiles.
 * Throws `INVALID_ARGUMENT` where the tiles are so small that there would be thousands.
 */
export function planPasses(
  width: number,
  height: number,
  settings: DetectionSettings,
  model: Pick<ModelShape, 'width' | 'height'>,
): Pass[] {
  const { preset } = settings;
  const fixed = model.width !== null && model.height !== null;
  const sizes: readonly CanvasSize[] = fixed ? [[model.width!, model.height!]] : settings.sizes;
  const place = (pass: Omit<Pass, 'width' | 'height'>): Pass => {
    const { width: w, height: h } = viewOf({ ...pass, width: 0, height: 0 }, 0, preset, model);
    return { ...pass, width: w, height: h };
  };
  const whole = { x: 0, y: 0, width, height };
  const passes = sizes.map((size) =>
    place({ region: whole, size, cuts: null, minSide: 0, from: null, when: 'always' }),
  );
  for (const { pixels, when } of settings.largeFaces) {
    const minSide = LARGE_FACE_MIN_SIDE * Math.sqrt(pixels);
    // On a model with a fixed shape even a small picture costs a whole run.
    passes.push(
      place({
        region: whole,
        size: { pixels },
        cuts: null,
        minSide,
        from: 0,
        when: fixed && when === 'always' ? 'unsure' : when,
      }),
    );
  }
  if (settings.tiles) {
    const size = sizes[0]!;
    const side = settings.tiles.size || tileSide(size);
    for (const region of tileRegions(width, height, side, settings.tiles.overlap))
      passes.push(place({ region, size, cuts: cutsOf(region, width, height), minSide: 0, from: null, when: 'always' }));
  }
  return passes;
}

function cutsOf(region: Box, width: number, height: number): Cuts {
  return {
    left: region.x > 0,
    top: region.y > 0,
    right: region.x + region.width < width,
    bottom: region.y + region.height < height,
  };
}

/** The side at which a square tile is shown at scale 1. */
function tileSide(size: CanvasSize): number {
  if (typeof size === 'number') return size;
  if (Array.isArray(size)) return Math.min(...(size as readonly number[]));
  return 'longSide' in size ? size.longSide : Math.floor(Math.sqrt((size as { pixels: number }).pixels));
}

/**
 * Squares of `side` (cut to the picture) that cover it evenly and overlap by at least `overlap`; none where one would
 * be all of it. Throws `INVALID_ARGUMENT` for more than 4,096 of them.
 */
export function tileRegions(width: number, height: number, side: number, overlap: number): Box[] {
  const countOf = (length: number) => (length <= side ? 1 : Math.ceil((length - side) / (side * (1 - overlap))) + 1);
  const [columns, rows] = [countOf(width), countOf(height)];
  if (columns * rows > MAX_PASSES) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected at most ${MAX_PASSES} tiles but tiles of ${side} pixels that overlap by ${overlap} make ` +
        `${columns * rows} of ${width} × ${height}; raise tiles.size.`,
    );
  }
  if (columns * rows === 1) return [];
  const starts = (length: number, count: number) =>
    Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - side)) / (count - 1))));
  const xs = starts(width, columns);
  return starts(height, rows).flatMap((y) =>
    xs.map((x) => ({ x, y, width: Math.min(side, width), height: Math.min(side, height) })),
  );
}

/**
 * The pixels of each pass: a raster source scales itself, plain pixels go along as they are. Rejects with the signal's
 * reason, and with `INVALID_IMAGE` where a raster source gives other pixels than it was asked for.
 */
export async function rasterizePasses(
  image: ImageSource,
  passes: readonly Pass[],
  signal?: AbortSignal,
): Promise<PassPixels[]> {
  if (!isRasterSource(image)) return passes.map((pass) => ({ pass, pixels: image, crop: pass.region }));
  const result: PassPixels[] = [];
  for (const pass of passes) {
    signal?.throwIfAborted();
    if (pass.from !== null) {
      result.push(derivedPixels(pass, result[pass.from]!));
      continue;
    }
    const { region } = pass;
    const all = region.x === 0 && region.y === 0 && region.width === image.width && region.height === image.height;
    const pixels = await image.rasterize(pass.width, pass.height, {
      ...(all ? {} : { region }),
      ...(signal ? { signal } : {}),
    });
    checkRaster(pixels, pass.width, pass.height);
    if (result.some((earlier) => earlier.pass.from === null && isSameMemory(earlier.pixels, pixels))) {
      throw new FaceDetError(
        'INVALID_IMAGE',
        `Expected pixels in memory of their own from each rasterize() but those of ${pass.width} × ${pass.height} ` +
          'were written over earlier ones of the same call; return a new array each time.',
      );
    }
    result.push({ pass, pixels, crop: null });
  }
  return result;
}

/**
 * Whether packed pixels begin where other ones do. Parts of a decoded picture may share its memory: they have strides.
 */
function isSameMemory(a: PixelBuffer, b: PixelBuffer): boolean {
  if (a.stride !== undefined || b.stride !== undefined) return false;
  return a.data.buffer === b.data.buffer && a.data.byteOffset === b.data.byteOffset;
}

/** A pass that shows the same region as another one takes its pixels, too: the source scales but once. */
export function derivedPixels(pass: Pass, { pixels, crop }: PassPixels): PassPixels {
  return { pass, pixels, crop: crop ?? { x: 0, y: 0, width: pixels.width, height: pixels.height } };
}
