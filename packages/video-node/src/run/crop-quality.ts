import { clipBox, type Box, type Face, type PixelBuffer } from '@facedet/core';

/** Longest side of a crop, in pixels. */
export const CROP_SIDE = 160;

/** Side of a crop, in sides of its face. */
const SURROUNDINGS = 1.7;

/**
 * The square of a picture that a crop shows, inside the picture where that is possible; null for a face outside of
 * it.
 */
export function cropRegion(box: Box, width: number, height: number): Box | null {
  const shown = clipBox(box, width, height);
  if (!(shown.width > 0 && shown.height > 0)) return null;
  const side = Math.min(Math.max(box.width, box.height) * SURROUNDINGS, width, height);
  const inside = (center: number, limit: number) => Math.min(Math.max(center - side / 2, 0), limit - side);
  return {
    x: inside(box.x + box.width / 2, width),
    y: inside(box.y + box.height / 2, height),
    width: side,
    height: side,
  };
}

/**
 * What a crop of a face can at best be worth, in [0, 1], before its pixels are read: score × frontality × size ×
 * the part of it that the picture shows. The size of 40 pixels is worth a half.
 */
export function cropPromise(face: Face, width: number, height: number): number {
  const { box, score, landmarks } = face;
  const shown = clipBox(box, width, height);
  const side = Math.min(box.width, box.height);
  if (!(side > 0)) return 0;
  return (
    score *
    (landmarks ? frontality(landmarks, box) : 0.5) *
    (side / (side + 40)) *
    ((shown.width * shown.height) / (box.width * box.height))
  );
}

/**
 * How far a face looks into the camera, in [0, 1]: 1 with the nose midway between the eyes, the eyes level, and as far
 * apart as in a frontal face (some 0.4 of the box's width).
 */
export function frontality([left, right, nose]: NonNullable<Face['landmarks']>, box: Box): number {
  const [dx, dy] = [right.x - left.x, right.y - left.y];
  const apart = Math.hypot(dx, dy);
  if (!(apart > 0)) return 0;
  const along = ((nose.x - left.x) * dx + (nose.y - left.y) * dy) / (apart * apart);
  const centered = Math.max(0, 1 - 2 * Math.abs(along - 0.5));
  const level = Math.max(0, dx / apart);
  return centered * level * Math.min(1, apart / (0.4 * box.width));
}

/** Side of the grid that sharpness is measured on: the same for all faces, so that near and far ones compare. */
const GRID = 64;

/**
 * Sharpness of a part of an RGB picture, in [0, 1): the variance of the Laplacian over that of the luma (so that
 * contrast hardly counts), on means over a grid of at most 64 × 64 cells. Pech-Pacheco et al., "Diatom autofocusing in
 * brightfield microscopy", 2000.
 */
export function sharpness({ data, width, height }: PixelBuffer, part: Box): number {
  const [x0, y0] = [Math.max(0, Math.floor(part.x)), Math.max(0, Math.floor(part.y))];
  const [w, h] = [
    Math.min(width, Math.ceil(part.x + part.width)) - x0,
    Math.min(height, Math.ceil(part.y + part.height)) - y0,
  ];
  const [columns, rows] = [Math.min(GRID, w), Math.min(GRID, h)];
  if (columns < 3 || rows < 3) return 0;
  const luma = new Float32Array(columns * rows);
  const count = new Float32Array(columns * rows);
  for (let y = 0; y < h; y++) {
    const row = Math.floor((y * rows) / h) * columns;
    for (let x = 0, i = ((y0 + y) * width + x0) * 3; x < w; x++, i += 3) {
      const cell = row + Math.floor((x * columns) / w);
      luma[cell] = luma[cell]! + 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
      count[cell] = count[cell]! + 1;
    }
  }
  for (let i = 0; i < luma.length; i++) luma[i] = luma[i]! / count[i]!;
  const edges = new Float32Array((columns - 2) * (rows - 2));
  for (let y = 1, to = 0; y < rows - 1; y++) {
    for (let x = 1, i = y * columns + 1; x < columns - 1; x++, i++)
      edges[to++] = luma[i - 1]! + luma[i + 1]! + luma[i - columns]! + luma[i + columns]! - 4 * luma[i]!;
  }
  // In the dark, where a face differs by some twenty levels only, edges are noise.
  const ratio = variance(edges) / (variance(luma) + 500);
  return ratio / (ratio + 0.1);
}

function variance(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return Math.max(0, squares / values.length - mean * mean);
}
