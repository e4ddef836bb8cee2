import { FaceDetError } from '@facedet/checks';
import type { CanvasSize, Preset } from './settings.ts';

/**
 * Sides of a model's input are multiples of this: its coarsest stride of the three-stride models, which every SCRFD
 * has.
 */
export const CANVAS_STEP = 32;

/** A canvas and the size that a picture has in its upper left corner, in canvas pixels. */
export interface Letterbox {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels per source pixel along each axis, for the way back. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** Sides of the canvas that a model fixes; null where it takes any multiple of 32. */
export interface FixedSides {
  readonly width: number | null;
  readonly height: number | null;
}

const FREE: FixedSides = { width: null, height: null };

const roundUp = (value: number) => Math.ceil(value / CANVAS_STEP) * CANVAS_STEP;

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
    let h = Math.max(roundUp((w / width) * height), CANVAS_STEP);
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
 * Where a picture of `width` × `height` lies on the model's canvas: upper left, aspect kept. `paper` rounds the scaled
 * sides (the SCRFD repository's evaluation); `runtime` cuts them to integers (InsightFace's deployed package). Both map
 * back per axis, with the true ratio of scaled to source size. A side that the model fixes stays as it is.
 */
export function letterbox(
  width: number,
  height: number,
  size: CanvasSize,
  preset: Preset,
  fixed: FixedSides = FREE,
): Letterbox {
  const area = canvasArea(width, height, size, fixed);
  const { w, h } = fit(width, height, area, preset);
  // A longer side, and a free side beside a fixed one, are padded no further than to the next multiple of 32.
  const trim = longSideOf(size) !== null;
  const canvasWidth = fixed.width ?? (trim || fixed.height !== null ? roundUp(w) : area.width);
  const canvasHeight = fixed.height ?? (trim || fixed.width !== null ? roundUp(h) : area.height);
  return { canvasWidth, canvasHeight, width: w, height: h, scaleX: w / width, scaleY: h / height };
}

/**
 * The letterbox of a picture shown at the scale that a free canvas of `size` would give it, on a canvas whose fixed
 * sides may be far larger: how a model with a fixed shape sees a picture small.
 */
export function insetLetterbox(
  width: number,
  height: number,
  size: CanvasSize,
  preset: Preset,
  fixed: FixedSides,
): Letterbox {
  const { width: w, height: h, scaleX, scaleY, canvasWidth, canvasHeight } = letterbox(width, height, size, preset);
  if ((fixed.width ?? w) < w || (fixed.height ?? h) < h) return letterbox(width, height, size, preset, fixed);
  return {
    canvasWidth: fixed.width ?? canvasWidth,
    canvasHeight: fixed.height ?? canvasHeight,
    width: w,
    height: h,
    scaleX,
    scaleY,
  };
}

/** The area that the picture is fitted into, in canvas pixels. */
function canvasArea(
  width: number,
  height: number,
  size: CanvasSize,
  fixed: FixedSides,
): { width: number; height: number } {
  if (fixed.width !== null && fixed.height !== null) return { width: fixed.width, height: fixed.height };
  const longSide = longSideOf(size);
  const known = fixed.width ?? fixed.height;
  if (known !== null) {
    // What is asked for decides how long the free side may become.
    const other =
      longSide ??
      (isPair(size)
        ? size[fixed.width === null ? 0 : 1]
        : Math.max(Math.floor((size as { pixels: number }).pixels / known / CANVAS_STEP), 1) * CANVAS_STEP);
    return { width: fixed.width ?? roundUp(other), height: fixed.height ?? roundUp(other) };
  }
  if (longSide !== null) return { width: longSide, height: longSide };
  const [w, h] = isPair(size) ? size : budgetCanvas(width, height, (size as { pixels: number }).pixels);
  return { width: w, height: h };
}

/** The largest size of the picture's aspect inside an area, by the rounding of each preset. */
function fit(
  width: number,
  height: number,
  area: { width: number; height: number },
  preset: Preset,
): { w: number; h: number } {
  let w: number;
  let h: number;
  if (preset === 'paper') {
    const scale = Math.min(area.width / width, area.height / height);
    w = Math.floor(width * scale + 0.5);
    h = Math.floor(height * scale + 0.5);
  } else if (height / width > area.height / area.width) {
    w = Math.floor(area.height / (height / width));
    h = area.height;
  } else {
    w = area.width;
    h = Math.floor(area.width * (height / width));
  }
  return { w: Math.min(Math.max(w, 1), area.width), h: Math.min(Math.max(h, 1), area.height) };
}

function isPair(size: CanvasSize): size is readonly [number, number] {
  return Array.isArray(size);
}

function longSideOf(size: CanvasSize): number | null {
  if (typeof size === 'number') return size;
  return !isPair(size) && 'longSide' in size ? size.longSide : null;
}

/** Throws `INVALID_ARGUMENT` for a canvas size that no SCRFD model can take. */
export function checkCanvasSize(size: CanvasSize): void {
  const refuse = (expected: string, received: string): never => {
    throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} for inputSize but received ${received}.`);
  };
  const side = (value: unknown, what: string) => {
    if (!Number.isInteger(value) || (value as number) < CANVAS_STEP)
      refuse(`an integer of at least ${CANVAS_STEP} (pixels of the ${what})`, String(value));
  };
  if (typeof size === 'number') return side(size, 'longer side');
  if (size === null || typeof size !== 'object')
    refuse('a number, [width, height], { pixels } or a list of these', String(size));
  if (Array.isArray(size)) {
    for (const value of size as readonly unknown[]) {
      side(value, 'canvas');
      if ((value as number) % CANVAS_STEP)
        refuse(
          `multiples of ${CANVAS_STEP}`,
          `[${size.join(', ')}] (nearest: ${(size as number[]).map((v) => Math.max(Math.round(v / CANVAS_STEP), 1) * CANVAS_STEP).join(' × ')})`,
        );
    }
  } else if ('longSide' in size) {
    side(size.longSide, 'longer side');
  } else {
    const { pixels } = size as { pixels: number };
    if (!Number.isFinite(pixels) || pixels < CANVAS_STEP * CANVAS_STEP)
      refuse(`a pixel budget of at least ${CANVAS_STEP * CANVAS_STEP}`, `{ pixels: ${String(pixels)} }`);
  }
}
