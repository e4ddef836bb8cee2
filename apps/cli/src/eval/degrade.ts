import { FaceDetError, received } from '@facedet/checks';
import { type Box, type PixelBuffer, resizeBilinear } from '@facedet/core';

/** Blurs a packed RGB picture with a Gaussian of standard deviation `sigma` pixels, cut at 3 σ; edges are repeated. */
export function gaussianBlur(picture: PixelBuffer, sigma: number): PixelBuffer {
  checkRgb(picture);
  if (!(sigma > 0 && sigma <= 1000))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a sigma above 0 and up to 1000 pixels but received ${received(sigma)}.`,
    );
  const { data, width, height } = picture;
  const reach = Math.ceil(3 * sigma);
  const weights = Float32Array.from({ length: reach + 1 }, (_, k) => Math.exp(-(k * k) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight, k) => total + (k ? 2 : 1) * weight, 0);
  for (let k = 0; k <= reach; k++) weights[k]! /= sum;
  const row = 3 * width;
  const across = new Float32Array(row * height);
  // A line with its edges repeated, so that the inner loop needs no bounds.
  const line = new Float32Array(row + 6 * reach);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < line.length; k++) {
      const x = Math.min(width - 1, Math.max(0, Math.floor(k / 3) - reach));
      line[k] = data[y * row + 3 * x + (k % 3)]!;
    }
    for (let i = 0; i < row; i++) {
      const middle = i + 3 * reach;
      let value = weights[0]! * line[middle]!;
      for (let k = 1; k <= reach; k++) value += weights[k]! * (line[middle - 3 * k]! + line[middle + 3 * k]!);
      across[y * row + i] = value;
    }
  }
  const result = new Uint8ClampedArray(row * height);
  const totals = new Float32Array(row);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < row; i++) totals[i] = weights[0]! * across[y * row + i]!;
    for (let k = 1; k <= reach; k++) {
      const above = Math.max(0, y - k) * row;
      const below = Math.min(height - 1, y + k) * row;
      const weight = weights[k]!;
      for (let i = 0; i < row; i++) totals[i]! += weight * (across[above + i]! + across[below + i]!);
    }
    result.set(totals, y * row);
  }
  return { data: result, width, height, format: 'rgb' };
}

/** Darkens a packed RGB picture: each value becomes 255 · (value / 255)^γ. */
export function darken(picture: PixelBuffer, gamma: number): PixelBuffer {
  checkRgb(picture);
  if (!(gamma > 0))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a gamma above 0 but received ${received(gamma)}.`);
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.round(255 * (value / 255) ** gamma));
  return { ...picture, data: picture.data.map((value) => table[value]!) as Uint8Array };
}

/** Covers the lower `part` of every box with grey, as a mask or a scarf does. */
export function coverLower(picture: PixelBuffer, boxes: readonly Box[], part: number): PixelBuffer {
  checkRgb(picture);
  if (!(part >= 0 && part <= 1))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a part from 0 to 1 but received ${received(part)}.`);
  const { width, height } = picture;
  // Not by slice, which in Node's Buffer is a view of the same bytes.
  const data = new Uint8Array(picture.data);
  for (const box of boxes) {
    const left = clamp(Math.round(box.x), width);
    const right = clamp(Math.round(box.x + box.width), width);
    const bottom = clamp(Math.round(box.y + box.height), height);
    for (let y = clamp(Math.round(box.y + box.height * (1 - part)), height); y < bottom; y++)
      data.fill(127, 3 * (y * width + left), 3 * (y * width + right));
  }
  return { data, width, height, format: 'rgb' };
}

/**
 * Shrinks a picture to 1 / `factor` of its sides, averaging (in steps of at most a half), so that no pixel is passed
 * over.
 */
export function shrink(picture: PixelBuffer, factor: number): PixelBuffer {
  if (!(factor >= 1))
    throw new FaceDetError('INVALID_ARGUMENT', `Expected a factor of at least 1 but received ${received(factor)}.`);
  const side = (length: number): number => Math.max(1, Math.round(length / factor));
  const [width, height] = [side(picture.width), side(picture.height)];
  let step = picture;
  while (step.width > 2 * width || step.height > 2 * height)
    step = resizeBilinear(
      step,
      Math.max(width, Math.ceil(step.width / 2)),
      Math.max(height, Math.ceil(step.height / 2)),
    );
  return step.width === width && step.height === height ? step : resizeBilinear(step, width, height);
}

function clamp(value: number, end: number): number {
  return Math.min(end, Math.max(0, value));
}

function checkRgb({ data, width, height, format, stride }: PixelBuffer): void {
  if (format !== 'rgb' || (stride !== undefined && stride !== 3 * width) || data.length < 3 * width * height) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected packed rgb pixels but received ${format} with ${data.length} bytes for ${width} × ${height}.`,
    );
  }
}
