// SCRFD's deployed pipeline, plainly: one canvas, boxes mapped back per axis by the ratio of scaled to source size.
// Independent of core except for scaling pixels; what benchmarks compare boxes with.
import { resizeBilinear, type Box, type Face, type InferenceSession, type PixelBuffer } from '@facedet/core';

/** A longer side, or a pixel budget. */
export type ReferenceSize = number | { readonly pixels: number };

const STRIDES = [8, 16, 32];
const ANCHORS = 2;
const SCORE = 0.5;
const IOU = 0.4;

/**
 * Of all canvases with sides in multiples of 32 and at most this many pixels, the one that shows the picture largest;
 * of equals the smaller.
 */
function budgetCanvas(width: number, height: number, pixels: number): [number, number] {
  let best = [32, 32, 0] as [number, number, number];
  for (let w = 32; 32 * w <= pixels; w += 32) {
    for (let h = 32; w * h <= pixels; h += 32) {
      const scale = Math.min(w / width, h / height);
      if (scale > best[2] || (scale === best[2] && w * h < best[0] * best[1])) best = [w, h, scale];
    }
  }
  return [best[0], best[1]];
}

/** Overlap with sides one pixel longer, as the deployed pipeline has it. */
function overlap(a: Box, b: Box): number {
  const width = Math.max(Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + 1, 0);
  const height = Math.max(Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + 1, 0);
  const area = (box: Box) => (box.width + 1) * (box.height + 1);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** Faces of score 0.5 and more by falling score. The model has three strides and outputs in rows. */
export async function referenceDetect(
  session: InferenceSession,
  image: PixelBuffer,
  size: ReferenceSize,
): Promise<Face[]> {
  const { width, height } = image;
  const next32 = (value: number) => Math.ceil(value / 32) * 32;
  let canvas = typeof size === 'number' ? ([size, size] as [number, number]) : budgetCanvas(width, height, size.pixels);
  const narrow = height / width > canvas[1] / canvas[0];
  const shown: [number, number] = narrow
    ? [Math.floor(canvas[1] / (height / width)), canvas[1]]
    : [canvas[0], Math.floor(canvas[0] * (height / width))];
  if (typeof size === 'number') canvas = [next32(shown[0]), next32(shown[1])];

  const area = canvas[0] * canvas[1];
  const data = new Float32Array(3 * area).fill(-127.5 / 128);
  const scaled = resizeBilinear(image, shown[0], shown[1]);
  for (let y = 0; y < shown[1]; y++) {
    for (let x = 0; x < shown[0]; x++) {
      for (let c = 0; c < 3; c++)
        data[c * area + y * canvas[0] + x] = (scaled.data[3 * (y * shown[0] + x) + c]! - 127.5) / 128;
    }
  }
  const outputs = Object.values(
    await session.run({ [session.inputs[0]!.name]: { type: 'float32', data, dims: [1, 3, canvas[1], canvas[0]] } }),
  );
  const rowsOf = (numbers: number) =>
    outputs.filter(({ dims }) => dims.at(-1) === numbers).sort((a, b) => b.data.length - a.data.length);
  const scores = rowsOf(1);
  const boxes = rowsOf(4);
  if (scores.length !== 3 || boxes.length !== 3)
    throw new Error('Expected a model of three strides whose outputs are rows of 1, 4 and 10 numbers.');

  const [scaleX, scaleY] = [shown[0] / width, shown[1] / height];
  const candidates: Face[] = [];
  STRIDES.forEach((stride, level) => {
    const columns = canvas[0] / stride;
    const values = boxes[level]!.data as Float32Array;
    (scores[level]!.data as Float32Array).forEach((score, row) => {
      if (score < SCORE) return;
      const cell = Math.floor(row / ANCHORS);
      const centerX = (cell % columns) * stride;
      const centerY = Math.floor(cell / columns) * stride;
      const [left, top, right, bottom] = [0, 1, 2, 3].map((k) => values[4 * row + k]! * stride) as [
        number,
        number,
        number,
        number,
      ];
      const box = {
        x: (centerX - left) / scaleX,
        y: (centerY - top) / scaleY,
        width: (left + right) / scaleX,
        height: (top + bottom) / scaleY,
      };
      candidates.push({ box, score });
    });
  });
  candidates.sort((a, b) => b.score - a.score);
  const kept: Face[] = [];
  for (const face of candidates) if (kept.every((other) => overlap(other.box, face.box) <= IOU)) kept.push(face);
  return kept;
}
