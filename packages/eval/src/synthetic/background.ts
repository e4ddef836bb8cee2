import type { Box } from '@facedet/core';
import { mix, sine, smoothstep } from './math.ts';
import { createRandom, randomAt } from './random.ts';
import { createRaster, type Raster } from './raster.ts';

/**
 * Paints a room: a wall with grain and light, framed pictures, a floor. Nothing in it resembles a face. `grain`: the
 * strength of the fine texture, from 0 to 1.
 */
export function paintBackground(width: number, height: number, seed: number, grain: number): Raster {
  const raster = createRaster(width, height);
  const random = createRandom(seed);
  const unit = height / 360;
  const tone = [150 + 60 * random(), 150 + 50 * random(), 140 + 50 * random()];
  const lit = random();
  const floor = 0.8 + 0.08 * random();
  const { data } = raster;
  for (let y = 0; y < height; y++) {
    const v = y / height;
    const below = smoothstep(floor - 0.004, floor + 0.004, v);
    for (let x = 0; x < width; x++) {
      const u = x / width;
      const uneven =
        10 * (valueNoise(x / unit / 34, y / unit / 34, seed) - 0.5) +
        9 * grain * (valueNoise(x / unit / 7, y / unit / 7, seed + 1) - 0.5) +
        5 * grain * (randomAt(seed, x, y) - 0.5);
      const distance = (u - lit) * (u - lit) + (v - 0.2) * (v - 0.2);
      const light = 1.08 - 0.32 * smoothstep(0, 0.9, distance);
      const plank = 1 + 0.05 * sine(u * 9 + (v - floor) * 3);
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) {
        const wall = tone[c]! * light;
        const wood = [112, 84, 62][c]! * plank * light;
        data[at + c] = Math.max(0, Math.min(255, mix(wall, wood, below) + uneven));
      }
    }
  }
  const frames = 3 + Math.floor(random() * 3);
  for (let i = 0; i < frames; i++) {
    const w = width * (0.08 + 0.09 * random());
    const h = height * (0.12 + 0.16 * random());
    const x = ((i + 0.2 + 0.5 * random()) / frames) * width;
    const y = height * (0.04 + 0.2 * random());
    paintFrame(raster, { x, y, width: w, height: h }, seed + 7 + i);
  }
  return raster;
}

/** Paints a landscape of soft stripes in a dark frame. */
function paintFrame({ data, width, height }: Raster, frame: Box, seed: number): void {
  const { x: left, y: top, width: w, height: h } = frame;
  const border = Math.max(2, h * 0.06);
  const random = createRandom(seed);
  const [sky, land] = [[0, 1, 2].map(() => 120 + 110 * random()), [0, 1, 2].map(() => 50 + 110 * random())];
  const [x0, x1] = [Math.max(0, Math.round(left)), Math.min(width, Math.round(left + w))];
  const [y0, y1] = [Math.max(0, Math.round(top)), Math.min(height, Math.round(top + h))];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const [u, v] = [(x - left) / w, (y - top) / h];
      const edge = Math.min(x - left, left + w - x, y - top, top + h - y) < border;
      const hill = smoothstep(-0.03, 0.03, v - 0.55 - 0.12 * sine(u * 1.3 + seed * 0.37) - 0.05 * sine(u * 3.7));
      const at = (y * width + x) * 3;
      for (let c = 0; c < 3; c++)
        data[at + c] = edge ? [58, 44, 34][c]! : mix(sky[c]! * (1.1 - 0.3 * v), land[c]! * (1.2 - 0.4 * v), hill);
    }
  }
}

function valueNoise(x: number, y: number, seed: number): number {
  const [ix, iy] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [smoothstep(0, 1, x - ix), smoothstep(0, 1, y - iy)];
  const top = mix(randomAt(seed, ix, iy), randomAt(seed, ix + 1, iy), fx);
  return mix(top, mix(randomAt(seed, ix, iy + 1), randomAt(seed, ix + 1, iy + 1), fx), fy);
}
