import type { Box } from '@facedet/core';
import { invalid, type Plane } from './surface.ts';
import type { DrawableFace, RegionOptions } from './types.ts';

/** The part of the picture that hides one face: a box in pixels, or the ellipse inscribed in it. */
export interface Region {
  readonly box: Box;
  readonly shape: 'ellipse' | 'box';
}

/** Default of `margin`: a face box runs from forehead to chin; hair and ears tell a person apart too. */
const MARGIN = 1.3;

/** The regions to hide. Throws `INVALID_ARGUMENT` for a box that isn't finite, rather than leave a face clear. */
export function regionsOf(faces: readonly DrawableFace[], options: RegionOptions): Region[] {
  const { shape = 'ellipse', margin = MARGIN } = options;
  if (!(margin >= 0.1) || !Number.isFinite(margin)) throw invalid(`Expected a margin of at least 0.1, received ${margin}.`);
  if (shape !== 'ellipse' && shape !== 'box') throw invalid(`Expected shape 'ellipse' or 'box', received ${String(shape)}.`);
  const clear = new Set(options.clear);
  const hidden = faces.filter(({ id }) => id === undefined || id === null || !clear.has(id));
  return hidden.map(({ box }) => ({ box: enlarge(checkBox(box), margin), shape }));
}

/** The same box, if its numbers are finite and its sides not negative; else throws `INVALID_ARGUMENT`. */
export function checkBox(box: Box): Box {
  const { x, y, width, height } = box;
  if (![x, y, width, height].every(Number.isFinite) || width < 0 || height < 0) throw invalid(`Expected a box of finite numbers with sides of at least 0, received x ${x}, y ${y}, width ${width}, height ${height}.`);
  return box;
}

/** Rows and columns of a plane that a region touches: x0 ≤ x < x1, y0 ≤ y < y1; empty where it lies outside the picture. */
export function boundsOf({ box }: Region, plane: Plane) {
  const { scaleX, scaleY, width, height } = plane;
  return {
    x0: Math.max(0, Math.floor(box.x * scaleX)),
    x1: Math.min(width, Math.ceil((box.x + box.width) * scaleX)),
    y0: Math.max(0, Math.floor(box.y * scaleY)),
    y1: Math.min(height, Math.ceil((box.y + box.height) * scaleY)),
  };
}

/** The region's left and right end on row `y` of a plane, in samples; left > right where the row misses it. Written into `out`. */
export function spanOf(region: Region, plane: Plane, y: number, out: [number, number]): void {
  const { box, shape } = region;
  const centre = (box.x + box.width / 2) * plane.scaleX;
  let half = (box.width / 2) * plane.scaleX;
  if (shape === 'ellipse') {
    const ry = (box.height / 2) * plane.scaleY;
    const middle = (box.y + box.height / 2) * plane.scaleY;
    // The row's line nearest to the middle: a row that the ellipse touches at all is covered as far as it reaches.
    const dy = Math.max(0, Math.abs(y + 0.5 - middle) - 0.5) / ry;
    half = dy < 1 ? half * Math.sqrt(1 - dy * dy) : -1;
  }
  out[0] = centre - half;
  out[1] = centre + half;
}

function enlarge({ x, y, width, height }: Box, by: number): Box {
  return { x: x - ((by - 1) * width) / 2, y: y - ((by - 1) * height) / 2, width: width * by, height: height * by };
}
