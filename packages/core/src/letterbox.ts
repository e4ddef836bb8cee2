import { INPUT_STEP, roundUpToStep } from './input-size.ts';
import type { DetectionPreset, InputSize } from './options.ts';

/** The network's input and the scaled image in its upper left corner, in pixels of the input. */
export interface Letterbox {
  /** Width of the network's input. */
  readonly inputWidth: number;
  /** Height of the network's input. */
  readonly inputHeight: number;
  /** Width of the scaled image. */
  readonly width: number;
  /** Height of the scaled image. */
  readonly height: number;
  /** Input pixels per source pixel along x, for mapping boxes back. */
  readonly scaleX: number;
  /** Input pixels per source pixel along y. */
  readonly scaleY: number;
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The sides of its input that a model fixes; null for a side that can be any multiple of 32. */
export interface FixedSides {
  readonly width: number | null;
  readonly height: number | null;
}

const FREE: FixedSides = { width: null, height: null };

/**
 * Fits an image into the input of a network whose shape is free: at the upper left, with its aspect ratio. `paper`
 * rounds the scaled sides (the SCRFD repository's evaluation), `runtime` truncates them (InsightFace's deployed
 * package). Boxes are mapped back per axis, by the true ratio of scaled to source size.
 */
export function letterbox(
  image: { readonly width: number; readonly height: number },
  inputSize: InputSize,
  preset: DetectionPreset = 'runtime',
): Letterbox {
  return fitToModel(image, inputSize, preset, FREE);
}

/** As `letterbox`, for a model that may fix one or both sides of its input. */
export function fitToModel(image: Size, inputSize: InputSize, preset: DetectionPreset, fixed: FixedSides): Letterbox {
  const area = areaFor(image, inputSize, fixed);
  const { width, height } = fitInto(image, area, preset);
  // A longer side, and a free side beside a fixed one, are padded no further than to the next multiple of 32.
  const trim = typeof inputSize === 'number';
  const trimWidth = trim || fixed.height !== null;
  const trimHeight = trim || fixed.width !== null;
  return {
    inputWidth: fixed.width ?? (trimWidth ? roundUpToStep(width) : area.width),
    inputHeight: fixed.height ?? (trimHeight ? roundUpToStep(height) : area.height),
    width,
    height,
    scaleX: width / image.width,
    scaleY: height / image.height,
  };
}

/**
 * Shows an image at the scale that a free input of `inputSize` would give it, in an input whose fixed sides may be far
 * larger: this is how a model with a fixed shape sees an image at a small scale.
 */
export function insetIntoModel(
  image: Size,
  inputSize: InputSize,
  preset: DetectionPreset,
  fixed: FixedSides,
): Letterbox {
  const free = fitToModel(image, inputSize, preset, FREE);
  if ((fixed.width ?? free.width) < free.width || (fixed.height ?? free.height) < free.height)
    return fitToModel(image, inputSize, preset, fixed);
  return { ...free, inputWidth: fixed.width ?? free.inputWidth, inputHeight: fixed.height ?? free.inputHeight };
}

/**
 * Of all input sizes with sides that are multiples of 32 and an area of at most `pixels`, the one that shows the image
 * at the largest scale; of equals, the smallest.
 */
export function sizeForBudget(image: Size, pixels: number): Size {
  let best: Size = { width: INPUT_STEP, height: INPUT_STEP };
  let bestScale = 0;
  for (let width = INPUT_STEP; width * INPUT_STEP <= pixels; width += INPUT_STEP) {
    const tallest = Math.floor(pixels / width / INPUT_STEP) * INPUT_STEP;
    // The smallest height that does not limit the scale at this width; rounding may be off by one step.
    let height = Math.max(roundUpToStep((width / image.width) * image.height), INPUT_STEP);
    if (height / image.height < width / image.width) height += INPUT_STEP;
    else if (height > INPUT_STEP && (height - INPUT_STEP) / image.height >= width / image.width) height -= INPUT_STEP;
    height = Math.min(height, tallest);
    const scale = Math.min(width / image.width, height / image.height);
    if (scale > bestScale || (scale === bestScale && width * height < best.width * best.height)) {
      best = { width, height };
      bestScale = scale;
    }
  }
  return best;
}

/** The area that the image is fitted into, in input pixels. */
function areaFor(image: Size, inputSize: InputSize, fixed: FixedSides): Size {
  if (fixed.width !== null && fixed.height !== null) return { width: fixed.width, height: fixed.height };
  const fixedSide = fixed.width ?? fixed.height;
  if (fixedSide !== null) {
    const freeSide = roundUpToStep(longestFreeSide(inputSize, fixedSide, fixed.width === null ? 'width' : 'height'));
    return { width: fixed.width ?? freeSide, height: fixed.height ?? freeSide };
  }
  if (typeof inputSize === 'number') return { width: inputSize, height: inputSize };
  return 'pixels' in inputSize ? sizeForBudget(image, inputSize.pixels) : inputSize;
}

/** How long the free side of an input may become beside a fixed one. */
function longestFreeSide(inputSize: InputSize, fixedSide: number, freeAxis: 'width' | 'height'): number {
  if (typeof inputSize === 'number') return inputSize;
  if (!('pixels' in inputSize)) return inputSize[freeAxis];
  return Math.max(Math.floor(inputSize.pixels / fixedSide / INPUT_STEP), 1) * INPUT_STEP;
}

/** The largest size with the image's aspect ratio inside an area, rounded as the preset does. */
function fitInto(image: Size, area: Size, preset: DetectionPreset): Size {
  let { width, height } = area;
  const aspect = image.height / image.width;
  if (preset === 'paper') {
    const scale = Math.min(area.width / image.width, area.height / image.height);
    width = Math.floor(image.width * scale + 0.5);
    height = Math.floor(image.height * scale + 0.5);
  } else if (aspect > area.height / area.width) {
    width = Math.floor(area.height / aspect);
  } else {
    height = Math.floor(area.width * aspect);
  }
  return { width: clamp(width, area.width), height: clamp(height, area.height) };
}

function clamp(side: number, limit: number): number {
  return Math.min(Math.max(side, 1), limit);
}
