import { FaceDetError } from '@facedet/checks';
import type { CanvasSize, Preset } from './settings.ts';

/** Sides of a model's input are multiples of this: its coarsest stride of the three-stride models, which every SCRFD has. */
export const CANVAS_STEP = 32;

/** A canvas and the size that a picture has in its upper left corner, in canvas pixels. */
export interface Letterbox {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels a source pixel, for the way back. */
  readonly scaleX: number;
  readonly scaleY: number;
}

const up = (value: number) => Math.ceil(value / CANVAS_STEP) * CANVAS_STEP;

/**
 * Of all canvases whose sides are multiples of 32 and whose area is at most `pixels`, the one that shows a picture of
 * `width` × `height` at the largest scale; of equals, the smaller. Returns [canvas width, canvas height].
 */
export function budgetCanvas(width: number, height: number, pixels: number): [number, number] {
  let best: [number, number] = [CANVAS_STEP, CANVAS_STEP];
  let bestScale = 0;
  for (let w = CANVAS_STEP; w * CANVAS_STEP <= pixels; w += CANVAS_STEP) {
    const tallest = Math.floor(pixels / w / CANVAS_STEP) * CANVAS_STEP;
    // The lowest canvas of this width that does not limit the scale; rounding may put it a step too low.
    let h = Math.max(up((w / width) * height), CANVAS_STEP);
    if (h / height < w / width) h += CANVAS_STEP;
    else if (h > CANVAS_STEP && (h - CANVAS_STEP) / height >= w / width) h -= CANVAS_STEP;
    h = Math.min(h, tallest);
    const scale = Math.min(w / width, h / height);
    if (scale > bestScale || (scale === bestScale && w * h < best[0] * best[1])) {
      best = [w, h];
      bestScale = scale;
    }
  }
  return best;
}

/**
 * Where a picture of `width` × `height` lies on the model's canvas: upper left, aspect kept.
 * `paper` rounds the scaled sides and maps back per axis (the SCRFD repository's evaluation); `runtime` cuts them to integers and maps
 * back by the height's scale alone (InsightFace's deployed package).
 */
export function letterbox(width: number, height: number, size: CanvasSize, preset: Preset): Letterbox {
  const padded = typeof size === 'number' || (!Array.isArray(size) && 'longSide' in size);
  const longSide = typeof size === 'number' ? size : padded ? (size as { longSide: number }).longSide : 0;
  let [canvasWidth, canvasHeight] = padded ? [longSide, longSide] : Array.isArray(size) ? (size as [number, number]) : budgetCanvas(width, height, (size as { pixels: number }).pixels);
  let w: number;
  let h: number;
  if (preset === 'paper') {
    const scale = Math.min(canvasWidth / width, canvasHeight / height);
    w = Math.floor(width * scale + 0.5);
    h = Math.floor(height * scale + 0.5);
  } else if (height / width > canvasHeight / canvasWidth) {
    w = Math.floor(canvasHeight / (height / width));
    h = canvasHeight;
  } else {
    w = canvasWidth;
    h = Math.floor(canvasWidth * (height / width));
  }
  w = Math.min(Math.max(w, 1), canvasWidth);
  h = Math.min(Math.max(h, 1), canvasHeight);
  if (padded) [canvasWidth, canvasHeight] = [up(w), up(h)];
  const scaleY = h / height;
  return { canvasWidth, canvasHeight, width: w, height: h, scaleX: preset === 'paper' ? w / width : scaleY, scaleY };
}

/** Throws `INVALID_ARGUMENT` for a canvas size that no SCRFD model can take. */
export function checkCanvasSize(size: CanvasSize): void {
  const refuse = (expected: string, received: string): never => {
    throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} for inputSize but received ${received}.`);
  };
  const side = (value: unknown, what: string) => {
    if (!Number.isInteger(value) || (value as number) < CANVAS_STEP) refuse(`an integer of at least ${CANVAS_STEP} (pixels of the ${what})`, String(value));
  };
  if (typeof size === 'number') return side(size, 'longer side');
  if (size === null || typeof size !== 'object') refuse('a number, [width, height], { pixels } or a list of these', String(size));
  if (Array.isArray(size)) {
    for (const value of size as readonly unknown[]) {
      side(value, 'canvas');
      if ((value as number) % CANVAS_STEP) refuse(`multiples of ${CANVAS_STEP}`, `[${size.join(', ')}] (nearest: ${(size as number[]).map((v) => Math.max(Math.round(v / CANVAS_STEP), 1) * CANVAS_STEP).join(' × ')})`);
    }
  } else if ('longSide' in size) {
    side(size.longSide, 'longer side');
  } else {
    const { pixels } = size as { pixels: number };
    if (!Number.isFinite(pixels) || pixels < CANVAS_STEP * CANVAS_STEP) refuse(`a pixel budget of at least ${CANVAS_STEP * CANVAS_STEP}`, `{ pixels: ${String(pixels)} }`);
  }
}
