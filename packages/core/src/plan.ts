import { letterbox, type Letterbox } from './geometry.ts';
import type { ModelShape } from './model-shape.ts';
import { isRasterSource } from './pixels.ts';
import type { CanvasSize, DetectionSettings } from './settings.ts';
import type { Box, ImageSource, PixelBuffer } from './types.ts';

/** One look of the model at a part of the picture; plain data. */
export interface Pass extends Letterbox {
  /** The part shown, in source pixels. */
  readonly region: Box;
  /** Edges of the region that cut the picture: 1 left, 2 top, 4 right, 8 bottom. */
  readonly cuts: number;
}

/** A pass and its pixels: those of the whole source, or only the region scaled to `pass.width` × `pass.height` already. */
export interface PassPixels {
  readonly pass: Pass;
  readonly pixels: PixelBuffer;
  readonly scaled: boolean;
}

/** The looks that one image gets: each size on the whole picture, then the tiles. */
export function planPasses(width: number, height: number, settings: DetectionSettings, model: Pick<ModelShape, 'width' | 'height'>): Pass[] {
  const fixed = model.width !== null && model.height !== null;
  const sizes: readonly CanvasSize[] = fixed ? [[model.width!, model.height!]] : settings.sizes;
  const whole = { x: 0, y: 0, width, height };
  const passes = sizes.map((size): Pass => ({ ...letterbox(width, height, size, settings.preset), region: whole, cuts: 0 }));
  if (settings.tiles) {
    const size = sizes[0]!;
    const side = settings.tiles.size || tileSide(size);
    for (const region of tileRegions(width, height, side, settings.tiles.overlap)) {
      const cuts = (region.x > 0 ? 1 : 0) | (region.y > 0 ? 2 : 0) | (region.x + region.width < width ? 4 : 0) | (region.y + region.height < height ? 8 : 0);
      passes.push({ ...letterbox(region.width, region.height, size, settings.preset), region, cuts });
    }
  }
  return passes;
}

/** The side at which a square tile is shown at scale 1. */
function tileSide(size: CanvasSize): number {
  if (typeof size === 'number') return size;
  if (Array.isArray(size)) return Math.min(...(size as readonly number[]));
  return 'longSide' in size ? size.longSide : Math.floor(Math.sqrt((size as { pixels: number }).pixels));
}

/** Squares of `side` (cut to the picture) that cover it evenly and overlap by at least `overlap`; none where one would be all of it. */
export function tileRegions(width: number, height: number, side: number, overlap: number): Box[] {
  const starts = (length: number): number[] => {
    if (length <= side) return [0];
    const count = Math.ceil((length - side) / (side * (1 - overlap))) + 1;
    return Array.from({ length: count }, (_, i) => Math.round((i * (length - side)) / (count - 1)));
  };
  const columns = starts(width);
  const rows = starts(height);
  if (columns.length === 1 && rows.length === 1) return [];
  return rows.flatMap((y) => columns.map((x) => ({ x, y, width: Math.min(side, width), height: Math.min(side, height) })));
}

/** The pixels of each pass: a raster source scales itself, plain pixels go along as they are. Rejects with the signal's reason. */
export async function rasterizePasses(image: ImageSource, passes: readonly Pass[], signal?: AbortSignal): Promise<PassPixels[]> {
  if (!isRasterSource(image)) return passes.map((pass) => ({ pass, pixels: image, scaled: false }));
  const result: PassPixels[] = [];
  for (const pass of passes) {
    signal?.throwIfAborted();
    const { region } = pass;
    const all = region.x === 0 && region.y === 0 && region.width === image.width && region.height === image.height;
    const pixels = await image.rasterize(pass.width, pass.height, { ...(all ? {} : { region }), ...(signal ? { signal } : {}) });
    result.push({ pass, pixels, scaled: true });
  }
  return result;
}
