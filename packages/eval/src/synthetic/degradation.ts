import { mix } from './math.ts';
import { randomAt } from './random.ts';
import type { Raster } from './raster.ts';

/** How a picture is degraded; 0 changes nothing. */
export interface Degradation {
  /** Standard deviation of the blur, in pixels. */
  readonly blur: number;
  /** Fraction of the light that is lost, 0 to 1. */
  readonly dark: number;
  /** Standard deviation of the sensor noise, in 8-bit levels. */
  readonly noise: number;
  /** Quantization step of the lowest coefficients of 8 × 8 blocks, in 8-bit levels. */
  readonly compression: number;
}

/** Degrades a picture in place, in the order of a camera: lens, exposure, sensor, encoder. */
export function degradePicture(raster: Raster, { blur, dark, noise, compression }: Degradation, seed: number): void {
  if (blur > 0.2) blurRaster(raster, blur);
  if (dark > 0) darken(raster, dark);
  if (noise > 0.2) addNoise(raster, noise, seed);
  if (compression > 0.5) quantizeBlocks(raster, compression);
}

/**
 * Two box filters in each direction, which resembles the blur of a lens. Widths may be fractional: the outermost pixels
 * have a lower weight.
 */
function blurRaster({ data, width, height }: Raster, sigma: number): void {
  const radius = Math.sqrt((12 * sigma * sigma) / 2 + 1) / 2 - 0.5;
  const line = new Float32Array(3 * Math.max(width, height));
  const out = new Float32Array(line.length);
  const pass = (start: number, step: number, length: number) => {
    for (let i = 0, at = start; i < 3 * length; i += 3, at += step) {
      line[i] = data[at]!;
      line[i + 1] = data[at + 1]!;
      line[i + 2] = data[at + 2]!;
    }
    boxBlur(line, out, length, radius);
    boxBlur(out, line, length, radius);
    for (let i = 0, at = start; i < 3 * length; i += 3, at += step) {
      data[at] = line[i]! + 0.5;
      data[at + 1] = line[i + 1]! + 0.5;
      data[at + 2] = line[i + 2]! + 0.5;
    }
  };
  for (let y = 0; y < height; y++) pass(y * width * 3, 3, width);
  for (let x = 0; x < width; x++) pass(x * 3, width * 3, height);
}

/** Box filter of one line of RGB pixels. Three running sums side by side, which the processor can add in parallel. */
function boxBlur(from: Float32Array, to: Float32Array, length: number, radius: number): void {
  const whole = Math.floor(radius);
  const part = radius - whole;
  const weight = 1 / (2 * radius + 1);
  const last = 3 * (length - 1);
  let [r, g, b] = [from[0]! * (whole + 1), from[1]! * (whole + 1), from[2]! * (whole + 1)];
  for (let i = 1; i <= whole; i++) {
    const at = Math.min(3 * i, last);
    r += from[at]!;
    g += from[at + 1]!;
    b += from[at + 2]!;
  }
  for (let at = 0; at <= last; at += 3) {
    const before = Math.max(at - 3 * whole - 3, 0);
    const after = Math.min(at + 3 * whole + 3, last);
    const leaving = Math.max(at - 3 * whole, 0);
    const [newR, newG, newB] = [from[after]!, from[after + 1]!, from[after + 2]!];
    to[at] = (r + part * (from[before]! + newR)) * weight;
    to[at + 1] = (g + part * (from[before + 1]! + newG)) * weight;
    to[at + 2] = (b + part * (from[before + 2]! + newB)) * weight;
    r += newR - from[leaving]!;
    g += newG - from[leaving + 1]!;
    b += newB - from[leaving + 2]!;
  }
}

function darken({ data }: Raster, dark: number): void {
  const table = Uint8Array.from(
    { length: 256 },
    (_, v) => mix(v, (v * v) / 255, Math.min(1, dark)) * (1 - 0.75 * dark) + 0.5,
  );
  for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!;
}

function addNoise({ data }: Raster, sigma: number, seed: number): void {
  let state = Math.floor(randomAt(seed, 9) * 4294967296) | 1;
  const scale = sigma / 147.8; // four bytes summed have a standard deviation of 147.8
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const sum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24) - 510;
    const value = data[i]! + sum * scale + 0.5;
    data[i] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

/**
 * Transforms the luma of each 8 × 8 block (Walsh–Hadamard), quantizes its coefficients, those of finer detail more
 * coarsely, and transforms back.
 */
function quantizeBlocks({ data, width, height }: Raster, step: number): void {
  const block = new Float32Array(64);
  const luma = new Float32Array(64);
  // Rows of the 8-point Hadamard matrix in natural order, by their number of sign changes.
  const sequency = [0, 7, 3, 4, 1, 6, 2, 5];
  const steps = Float32Array.from({ length: 64 }, (_, i) => step * (1 + 0.6 * (sequency[i & 7]! + sequency[i >> 3]!)));
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) {
        const at = (Math.min(height - 1, top + (i >> 3)) * width + Math.min(width - 1, left + (i & 7))) * 3;
        luma[i] = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
        block[i] = luma[i]!;
      }
      hadamard(block);
      for (let i = 1; i < 64; i++) block[i] = Math.floor(block[i]! / 8 / steps[i]! + 0.5) * steps[i]! * 8;
      hadamard(block);
      for (let i = 0; i < 64; i++) {
        const y = top + (i >> 3);
        const x = left + (i & 7);
        if (y >= height || x >= width) continue;
        const at = (y * width + x) * 3;
        const change = block[i]! / 64 - luma[i]!;
        for (let c = at; c < at + 3; c++) {
          const value = data[c]! + change + 0.5;
          data[c] = value < 0 ? 0 : value > 255 ? 255 : value;
        }
      }
    }
  }
}

function hadamard(block: Float32Array): void {
  for (let half = 1; half < 64; half *= 2) {
    for (let i = 0; i < 64; i += 2 * half) {
      for (let j = i; j < i + half; j++) {
        const a = block[j]!;
        const b = block[j + half]!;
        block[j] = a + b;
        block[j + half] = a - b;
      }
    }
  }
}
