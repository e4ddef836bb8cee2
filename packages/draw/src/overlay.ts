import type { PixelBuffer, Point } from '@facedet/core';
import { identityColor, inkOn } from './color.ts';
import { forEachRun, GLYPH_HEIGHT, textWidth } from './font.ts';
import { fillCapsule, fillRect } from './raster.ts';
import { checkBox } from './region.ts';
import { invalid, surfaceOfPixels, surfaceOfPlanes, type Surface } from './surface.ts';
import type { DrawableFace, Rgb, YuvPlanes } from './types.ts';

/** What is drawn of each face. */
export interface OverlayOptions {
  /** Rectangles about the faces; default true. */
  readonly boxes?: boolean;
  /** Texts above the boxes: identity and score (default true), none, or your own (undefined for none). */
  readonly labels?: boolean | ((face: DrawableFace) => string | undefined);
  /** Five dots, where a face has landmarks; default true. */
  readonly landmarks?: boolean;
  /** Where each identity was, oldest first; see `createTrails`. */
  readonly trails?: ReadonlyMap<number, readonly Point[]>;
  /** Pixels, above 0; default about 1/300 of the picture's shorter side, at least 2 (1 where that side is below 160). */
  readonly lineWidth?: number;
  /** The colour of a face; default by identity. */
  readonly color?: (face: DrawableFace) => Rgb;
}

/**
 * Draws boxes, labels, landmarks and trails into packed pixels, in place.
 * @throws FaceDetError `INVALID_ARGUMENT` where pixels, boxes or the line width are not usable.
 */
export function drawFaces(pixels: PixelBuffer, faces: readonly DrawableFace[], options: OverlayOptions = {}): void {
  drawOnSurface(surfaceOfPixels(pixels), faces, options);
}

/**
 * As `drawFaces`, straight in the planes of a video frame.
 * @throws FaceDetError `INVALID_ARGUMENT` where planes, boxes or the line width are not usable.
 */
export function drawPlanes(picture: YuvPlanes, faces: readonly DrawableFace[], options: OverlayOptions = {}): void {
  drawOnSurface(surfaceOfPlanes(picture), faces, options);
}

/** The line width for a picture of `width` × `height`, pixels. Throws `INVALID_ARGUMENT` for one that is not above 0. */
export function lineWidthOf({ lineWidth }: OverlayOptions, width: number, height: number): number {
  if (lineWidth !== undefined) {
    if (!(lineWidth > 0 && lineWidth < Infinity)) throw invalid(`Expected a line width above 0, received ${lineWidth}.`);
    return lineWidth;
  }
  const shorter = Math.min(width, height);
  return Math.max(shorter < 160 ? 1 : 2, Math.round(shorter / 300));
}

/** Identity and score, as far as there are any: `#7 0.93`, `0.93`, `#7`. */
export function defaultLabel({ id, score }: DrawableFace): string {
  return [id === null || id === undefined ? '' : `#${id}`, score === undefined ? '' : score.toFixed(2)].filter(Boolean).join(' ');
}

/** The text of a face's label, empty for none. */
export function labelOf(face: DrawableFace, labels: OverlayOptions['labels']): string {
  if (labels === false) return '';
  return typeof labels === 'function' ? (labels(face) ?? '') : defaultLabel(face);
}

function drawOnSurface(surface: Surface, faces: readonly DrawableFace[], options: OverlayOptions): void {
  const line = lineWidthOf(options, surface.width, surface.height);
  for (const face of faces) checkBox(face.box);
  const colorOf = options.color ?? ((face: DrawableFace) => identityColor(face.id));
  for (const face of faces) drawTrail(surface, options.trails?.get(face.id ?? NaN) ?? [], line, colorOf(face));
  for (const face of faces) {
    const color = colorOf(face);
    if (options.boxes ?? true) drawBox(surface, face, line, color);
    if (options.landmarks ?? true) for (const { x, y } of face.landmarks ?? []) drawDot(surface, face, x, y, line, color);
  }
  for (const face of faces) drawLabel(surface, face, labelOf(face, options.labels), line, colorOf(face));
}

function drawBox(surface: Surface, { box }: DrawableFace, line: number, color: Rgb): void {
  const [left, top] = [Math.round(box.x), Math.round(box.y)];
  const [right, bottom] = [Math.max(left + 1, Math.round(box.x + box.width)), Math.max(top + 1, Math.round(box.y + box.height))];
  const t = Math.min(line, right - left, bottom - top);
  fillRect(surface, left, top, right - left, t, color);
  fillRect(surface, left, bottom - t, right - left, t, color);
  fillRect(surface, left, top + t, t, bottom - top - 2 * t, color);
  fillRect(surface, right - t, top + t, t, bottom - top - 2 * t, color);
}

function drawDot(surface: Surface, { box }: DrawableFace, x: number, y: number, line: number, color: Rgb): void {
  const radius = Math.max(0.75, Math.min(line, Math.min(box.width, box.height) / 16));
  fillCapsule(surface, x, y, x, y, radius + Math.min(1, radius / 2), [0, 0, 0], 0.6);
  fillCapsule(surface, x, y, x, y, radius, color);
}

function drawTrail(surface: Surface, points: readonly Point[], line: number, color: Rgb): void {
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    fillCapsule(surface, a.x, a.y, b.x, b.y, line / 2, color, (0.9 * i) / points.length);
  }
}

/** A label stands above its box, or below or inside where the picture ends; it is never much wider than its face. */
function drawLabel(surface: Surface, { box }: DrawableFace, text: string, line: number, color: Rgb): void {
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
  forEachRun(text, (column, row, length) => fillRect(surface, left + (column + 2) * dot, top + (row + 2) * dot, length * dot, dot, ink));
}
