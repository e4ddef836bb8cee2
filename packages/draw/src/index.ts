/** Faces to draw or mask, and the pictures that the functions take. */
export type { AnonymizeOptions, DrawableFace, OverlayOptions, RegionOptions, Rgb, YuvPlanes } from './types.ts';
/** Boxes, labels, landmarks and trails, directly in pixels or planes. */
export { drawPixels, drawPlanes } from './overlay.ts';
/** Masks faces, directly in pixels or planes. */
export { anonymizePixels, anonymizePlanes } from './anonymize.ts';
/** The same on a Canvas 2D context. */
export {
  anonymizeCanvas,
  drawCanvas,
  type CanvasAnonymizeOptions,
  type CanvasContext,
  type CanvasPixels,
} from './canvas.ts';
/** The color of a track, for legends beside the picture. */
export { trackColor } from './color.ts';
/** Where tracks were in the last second. */
export { createTrails, type Trails } from './trails.ts';
