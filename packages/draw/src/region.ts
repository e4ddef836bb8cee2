import { scaleBox, type Box } from '@facedet/core';
import { checkFaces, expectThat, isObject } from './check.ts';
import type { Plane } from './surface.ts';
import type { DrawableFace, RegionOptions } from './types.ts';

/** The part of the picture that masks one face: a box in pixels, or the ellipse inscribed in it. */
export interface Region {
  readonly box: Box;
  readonly shape: 'ellipse' | 'box';
}

/** Default of `margin`: a face box runs from forehead to chin; hair and ears identify a person too. */
const MARGIN = 1.3;

/**
 * The regions to mask. Throws `INVALID_ARGUMENT` for a face or option that is not usable, rather than leave a face
 * visible.
 */
export function regionsOf(faces: readonly DrawableFace[], options: RegionOptions): Region[] {
  const { shape = 'ellipse', margin = MARGIN, keepIds = [] } = options;
  expectThat(
    typeof margin === 'number' && margin >= 0.1 && margin <= 100,
    'a number from 0.1 to 100 for margin',
    margin,
    '1 is the box itself',
  );
  expectThat(
    shape === 'ellipse' || shape === 'box',
    "'ellipse' or 'box' for shape",
    shape,
    'an ellipse covers less background',
  );
  checkFaces(faces);
  const visible = idsOf(keepIds);
  const hidden = faces.filter(({ id }) => id === undefined || id === null || !visible.has(id));
  return hidden.map(({ box }) => ({ box: scaleBox(box, margin), shape }));
}

function idsOf(keepIds: Iterable<number>): Set<number> {
  const isIterable = isObject(keepIds) && typeof (keepIds as Partial<Iterable<number>>)[Symbol.iterator] === 'function';
  expectThat(isIterable, 'an iterable of IDs for keepIds', keepIds, 'give an array or a Set');
  const ids = new Set(keepIds);
  for (const id of ids)
    expectThat(
      typeof id === 'number',
      'a number for each ID in keepIds',
      id,
      'IDs are numbers, as a tracker gives them',
    );
  return ids;
}

/**
 * Rows and columns of a plane that a region touches: x0 ≤ x < x1, y0 ≤ y < y1; empty if it is outside the picture.
 */
export function boundsOf({ box }: Region, plane: Plane) {
  const { scaleX, scaleY, width, height } = plane;
  return {
    x0: Math.max(0, Math.floor(box.x * scaleX)),
    x1: Math.min(width, Math.ceil((box.x + box.width) * scaleX)),
    y0: Math.max(0, Math.floor(box.y * scaleY)),
    y1: Math.min(height, Math.ceil((box.y + box.height) * scaleY)),
  };
}

/**
 * The region's left and right end on row `y` of a plane, in samples; left > right where the row misses it. Written into
 * `out`.
 */
export function spanOf(region: Region, plane: Plane, y: number, out: [number, number]): void {
  const { box, shape } = region;
  const center = (box.x + box.width / 2) * plane.scaleX;
  let half = (box.width / 2) * plane.scaleX;
  if (shape === 'ellipse') {
    const ry = (box.height / 2) * plane.scaleY;
    const middle = (box.y + box.height / 2) * plane.scaleY;
    // The row's line nearest to the middle: a row that the ellipse touches at all is covered as far as it reaches.
    const dy = Math.max(0, Math.abs(y + 0.5 - middle) - 0.5) / ry;
    half = dy < 1 ? half * Math.sqrt(1 - dy * dy) : -1;
  }
  out[0] = center - half;
  out[1] = center + half;
}
