import type { PixelBuffer } from '@facedet/core';
import { checkEffect, hideRegion } from './effects.ts';
import { regionsOf } from './region.ts';
import { surfaceOfPixels, surfaceOfPlanes, type Surface } from './surface.ts';
import type { AnonymizeOptions, DrawableFace, YuvPlanes } from './types.ts';

/**
 * Makes faces unrecognisable, in place and for good: only pixels in each face's ellipse (or box) change. Boxes may be
 * of any size and reach over the edges.
 * @throws FaceDetError `INVALID_ARGUMENT` where pixels, faces or options are not usable; nothing is changed then.
 */
export function anonymizePixels(
  pixels: PixelBuffer,
  faces: readonly DrawableFace[],
  options: AnonymizeOptions = {},
): void {
  anonymizeSurface(surfaceOfPixels(pixels), faces, options);
}

/**
 * As `anonymizePixels`, straight in the planes of a video frame: no conversion, no copy. A chroma sample that serves a
 * hidden pixel is hidden too.
 * @throws FaceDetError `INVALID_ARGUMENT` where planes, faces or options are not usable; nothing is changed then.
 */
export function anonymizePlanes(
  picture: YuvPlanes,
  faces: readonly DrawableFace[],
  options: AnonymizeOptions = {},
): void {
  anonymizeSurface(surfaceOfPlanes(picture), faces, options);
}

function anonymizeSurface(surface: Surface, faces: readonly DrawableFace[], options: AnonymizeOptions): void {
  checkEffect(options);
  for (const region of regionsOf(faces, options)) hideRegion(surface, region, options);
}
