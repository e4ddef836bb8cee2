import type { InferenceBackend, Tensor } from '../backend.ts';
import { rowStride } from '../pixels.ts';
import type { Box, Face, Landmarks, PixelBuffer } from '../types.ts';
import { fakeBackend, type FakeBackendOptions } from './fake-backend.ts';

/** The size of one input that the model ran on. */
export interface InputSeen {
  readonly width: number;
  readonly height: number;
}

/**
 * An image of a "face": a box that is brighter than the background (60), its upper half 255 and its lower half 180, so
 * that a model can recognize its orientation. `up` is the direction of its top.
 */
export function imageOfFace(
  width: number,
  height: number,
  box: Box,
  up: 'up' | 'right' | 'down' | 'left' = 'up',
): PixelBuffer {
  const data = new Uint8Array(width * height * 3).fill(60);
  const pixels: PixelBuffer = { width, height, format: 'rgb', data };
  const stride = rowStride(pixels);
  for (let y = Math.max(Math.round(box.y), 0); y < Math.min(Math.round(box.y + box.height), height); y++) {
    for (let x = Math.max(Math.round(box.x), 0); x < Math.min(Math.round(box.x + box.width), width); x++) {
      const u = (x + 0.5 - box.x) / box.width;
      const v = (y + 0.5 - box.y) / box.height;
      const top = { up: v, down: 1 - v, left: u, right: 1 - u }[up] < 0.5;
      data.fill(top ? 255 : 180, y * stride + 3 * x, y * stride + 3 * x + 3);
    }
  }
  return pixels;
}

/**
 * A backend whose model finds the bright box of `imageOfFace` in its input, with landmarks. The face has the score
 * `score` (0.9) if it is upright and `tiltedScore` (0, that is not found) otherwise; one with a side above `largest` is
 * not found.
 */
export function brightBoxBackend(
  {
    tiltedScore = 0,
    score = 0.9,
    largest = Infinity,
    ...options
  }: Omit<FakeBackendOptions, 'faces'> & { tiltedScore?: number; score?: number; largest?: number } = {},
  seen: InputSeen[] = [],
): InferenceBackend {
  return fakeBackend({
    ...options,
    faces(input, image) {
      const [, , height, width] = input.dims as [number, number, number, number];
      seen.push({ width, height });
      const box = brightBox(input, image);
      if (!box || Math.max(box.width, box.height) > largest) return [];
      const found = isUpright(input, image, box) ? score : tiltedScore;
      return found > 0 ? [faceIn(box, found)] : [];
    },
  });
}

/** Pixels above level 130 belong to the box. */
const BRIGHT = (130 - 127.5) / 128;

function planeOf(input: Tensor, image: number): Float32Array {
  const [, , height, width] = input.dims as [number, number, number, number];
  return (input.data as Float32Array).subarray(image * 3 * height * width, (image * 3 + 1) * height * width);
}

function brightBox(input: Tensor, image: number): Box | null {
  const [, , height, width] = input.dims as [number, number, number, number];
  const plane = planeOf(input, image);
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (plane[y * width + x]! < BRIGHT) continue;
      left = Math.min(left, x);
      top = Math.min(top, y);
      right = Math.max(right, x + 1);
      bottom = Math.max(bottom, y + 1);
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

function isUpright(input: Tensor, image: number, box: Box): boolean {
  const width = input.dims[3]!;
  const plane = planeOf(input, image);
  // Means of the box's four edge strips: upright, the upper one is brighter than the lower one by more than left and
  // right differ.
  const mean = (x0: number, y0: number, x1: number, y1: number) => {
    let [sum, count] = [0, 0];
    for (let y = Math.floor(y0); y < Math.max(Math.ceil(y1), Math.floor(y0) + 1); y++) {
      for (let x = Math.floor(x0); x < Math.max(Math.ceil(x1), Math.floor(x0) + 1); x++) {
        if (plane[y * width + x]! < BRIGHT) continue;
        sum += plane[y * width + x]!;
        count++;
      }
    }
    return count ? sum / count : 0;
  };
  const { x, y, width: w, height: h } = box;
  const vertical = mean(x, y, x + w, y + h / 3) - mean(x, y + (2 * h) / 3, x + w, y + h);
  const horizontal = mean(x, y, x + w / 3, y + h) - mean(x + (2 * w) / 3, y, x + w, y + h);
  return vertical > 0.05 && vertical > 1.5 * Math.abs(horizontal);
}

function faceIn(box: Box, score: number): Face {
  const at = (u: number, v: number) => ({ x: box.x + u * box.width, y: box.y + v * box.height });
  return {
    box,
    score,
    landmarks: [at(0.3, 0.35), at(0.7, 0.35), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)] as Landmarks,
  };
}
