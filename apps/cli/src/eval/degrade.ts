import { type Box, FaceDetError, type PixelBuffer, resizeBilinear } from '@facedet/core';

/** Blurs a packed RGB picture with a Gaussian of `sigma` pixels, truncated at 3 σ; edges are repeated. */
export function gaussianBlur(picture: PixelBuffer, sigma: number): PixelBuffer {
  checkRgb(picture);
  check(sigma > 0 && sigma <= 1000, `a sigma above 0 and up to 1000 pixels but received ${sigma}`);
  const { data, width, height } = picture;
  const reach = Math.ceil(3 * sigma);
  const weights = Float32Array.from({ length: reach + 1 }, (_, k) => Math.exp(-(k * k) / (2 * sigma * sigma)));
  const sum = weights.reduce((total, weight, k) => total + (k ? 2 : 1) * weight, 0);
  for (let k = 0; k <= reach; k++) weights[k]! /= sum;
  const row = 3 * width;
  const across = new Float32Array(row * height);
  // A line with repeated edges, so that the inner loop needs no bounds checks.
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
  check(gamma > 0, `a gamma above 0 but received ${gamma}`);
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.round(255 * (value / 255) ** gamma));
  return { ...picture, data: picture.data.map((value) => table[value]!) as Uint8Array };
}

/** Covers a lower fraction of every box with gray, as a mask or a scarf does. */
export function coverLower(picture: PixelBuffer, boxes: readonly Box[], fraction: number): PixelBuffer {
  checkRgb(picture);
  check(fraction >= 0 && fraction <= 1, `a fraction from 0 to 1 but received ${fraction}`);
  const { width, height } = picture;
  // Not `slice`, which for Node's Buffer returns a view of the same bytes.
  const data = new Uint8Array(picture.data);
  for (const box of boxes) {
    const left = clamp(Math.round(box.x), width);
    const right = clamp(Math.round(box.x + box.width), width);
    const bottom = clamp(Math.round(box.y + box.height), height);
    for (let y = clamp(Math.round(box.y + box.height * (1 - fraction)), height); y < bottom; y++)
      data.fill(127, 3 * (y * width + left), 3 * (y * width + right));
  }
  return { data, width, height, format: 'rgb' };
}

/** Shrinks a picture to 1 / `factor` of its sides, in steps of at most a half, so that every pixel contributes. */
export function shrink(picture: PixelBuffer, factor: number): PixelBuffer {
  check(factor >= 1, `a factor of at least 1 but received ${factor}`);
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
  const isPacked = stride === undefined || stride === 3 * width;
  check(
    format === 'rgb' && isPacked && data.length >= 3 * width * height,
    `packed rgb pixels but received ${format} with ${data.length} bytes for ${width} × ${height}`,
  );
}

function check(ok: boolean, expected: string): asserts ok {
  if (!ok) throw new FaceDetError('INVALID_ARGUMENT', `Expected ${expected}.`);
}
