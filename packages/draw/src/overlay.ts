import type { PixelBuffer, Point } from '@facedet/core';
import { inkOn } from './color.ts';
import { forEachRun, GLYPH_HEIGHT, textWidth } from './font.ts';
import { planOverlay, type OverlayItem } from './overlay-plan.ts';
import { fillCapsule, fillRect } from './raster.ts';
import { surfaceOfPixels, surfaceOfPlanes, type Surface } from './surface.ts';
import type { DrawableFace, OverlayOptions, Rgb, YuvPlanes } from './types.ts';

/**
 * Draws boxes, labels, landmarks and trails into packed pixels, in place.
 * @throws FaceDetError `INVALID_ARGUMENT` where pixels, faces or options are not usable, and what the options'
 * functions throw; nothing is changed then.
 */
export function drawPixels(pixels: PixelBuffer, faces: readonly DrawableFace[], options: OverlayOptions = {}): void {
  drawOnSurface(surfaceOfPixels(pixels), faces, options);
}

/**
 * As `drawPixels`, straight in the planes of a video frame.
 * @throws as `drawPixels`; nothing is changed then.
 */
export function drawPlanes(picture: YuvPlanes, faces: readonly DrawableFace[], options: OverlayOptions = {}): void {
  drawOnSurface(surfaceOfPlanes(picture), faces, options);
}

function drawOnSurface(surface: Surface, faces: readonly DrawableFace[], options: OverlayOptions): void {
  const { line, boxes, items } = planOverlay(faces, options, surface.width, surface.height);
  for (const { trail, color } of items) drawTrail(surface, trail, line, color);
  for (const { face, color, landmarks } of items) {
    if (boxes) drawBox(surface, face, line, color);
    drawDots(surface, { face, landmarks, color }, line);
  }
  for (const item of items) drawLabel(surface, item, line);
}

function drawBox(surface: Surface, { box }: DrawableFace, line: number, color: Rgb): void {
  const [left, top] = [Math.round(box.x), Math.round(box.y)];
  const [right, bottom] = [
    Math.max(left + 1, Math.round(box.x + box.width)),
    Math.max(top + 1, Math.round(box.y + box.height)),
  ];
  const t = Math.min(line, right - left, bottom - top);
  const [width, height] = [right - left, bottom - top - 2 * t];
  fillRect(surface, left, top, width, t, color);
  fillRect(surface, left, bottom - t, width, t, color);
  fillRect(surface, left, top + t, t, height, color);
  fillRect(surface, right - t, top + t, t, height, color);
}

type FaceDots = Pick<OverlayItem, 'face' | 'landmarks' | 'color'>;

function drawDots(surface: Surface, { face: { box }, landmarks, color }: FaceDots, line: number): void {
  const radius = Math.max(0.75, Math.min(line, Math.min(box.width, box.height) / 16));
  for (const { x, y } of landmarks) {
    fillCapsule(surface, x, y, x, y, radius + Math.min(1, radius / 2), [0, 0, 0], 0.6);
    fillCapsule(surface, x, y, x, y, radius, color);
  }
}

function drawTrail(surface: Surface, points: readonly Point[], line: number, color: Rgb): void {
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    fillCapsule(surface, a.x, a.y, b.x, b.y, line / 2, color, (0.9 * i) / points.length);
  }
}

/** A label is above its box, or below or inside it at the picture's edge; it is never much wider than its face. */
function drawLabel(surface: Surface, { face: { box }, label: text, color }: OverlayItem, line: number): void {
  if (!text) return;
  const columns = textWidth(text);
  const room = box.width + box.height;
  const dot = Math.min(Math.max(1, Math.round(line * 0.75)), Math.floor(room / (columns + 4)));
  const [width, height] = [(columns + 4) * dot, (GLYPH_HEIGHT + 4) * dot];
  if (dot < 1 || height > Math.max(box.height, 1)) return;
  const left = Math.round(Math.max(0, Math.min(box.x, surface.width - width)));
  const [above, below] = [Math.round(box.y) - height, Math.round(box.y + box.height)];
  const top = above >= 0 ? above : below + height <= surface.height ? below : Math.max(0, Math.round(box.y));
  fillRect(surface, left, top, width, height, color);
  const ink = inkOn(color);
  forEachRun(text, (column, row, length) =>
    fillRect(surface, left + (column + 2) * dot, top + (row + 2) * dot, length * dot, dot, ink),
  );
}
