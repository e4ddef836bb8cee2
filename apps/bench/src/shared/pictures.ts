// What benchmarks do with pixels: crops, turns, patches, outlines and contact sheets. All buffers are packed RGB.
import { resizeBilinear, type Box, type PixelBuffer, type RasterSource } from '@facedet/core';
import { readImage } from '@facedet/runtime-node';

export type Color = readonly [red: number, green: number, blue: number];

export function blank(width: number, height: number, [red, green, blue]: Color = [0, 0, 0]): PixelBuffer {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i += 3) {
    data[i] = red;
    data[i + 1] = green;
    data[i + 2] = blue;
  }
  return { data, width, height, format: 'rgb' };
}

/** All pixels of a picture file, as packed RGB. */
export async function readPixels(path: string): Promise<PixelBuffer> {
  const picture = await readImage(path);
  const pixels = await picture.pixels();
  picture.close();
  return pixels.format === 'rgb' ? pixels : resizeBilinear(pixels, pixels.width, pixels.height);
}

/** A part of a picture at another size: bilinear, and averaged where it shrinks, as a photo program does. */
export function crop(source: PixelBuffer, region: Box, width: number, height: number): PixelBuffer {
  const factor = Math.ceil(Math.max(region.width / width, region.height / height, 1));
  const large = resizeBilinear(source, factor * width, factor * height, region);
  if (factor === 1) return large;
  const data = new Uint8Array(3 * width * height);
  const area = factor * factor;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [r, g, b] = [area / 2, area / 2, area / 2];
      for (let v = 0; v < factor; v++) {
        let from = 3 * ((y * factor + v) * factor * width + x * factor);
        for (let u = 0; u < factor; u++, from += 3) {
          r += large.data[from]!;
          g += large.data[from + 1]!;
          b += large.data[from + 2]!;
        }
      }
      const to = 3 * (y * width + x);
      data[to] = r / area;
      data[to + 1] = g / area;
      data[to + 2] = b / area;
    }
  }
  return { data, width, height, format: 'rgb' };
}

/** A picture that claims a larger size than its pixels have, enlarged only as far as it is asked for. */
export function enlarged(pixels: PixelBuffer, width: number, height: number): RasterSource {
  const [x, y] = [pixels.width / width, pixels.height / height];
  return {
    width,
    height,
    rasterize(toWidth, toHeight, { region = { x: 0, y: 0, width, height } } = {}) {
      const shown = { x: region.x * x, y: region.y * y, width: region.width * x, height: region.height * y };
      return resizeBilinear(pixels, toWidth, toHeight, shown);
    },
  };
}

/** A picture turned clockwise, and the way from its points to those of the turned one. */
export interface Turned {
  readonly pixels: PixelBuffer;
  map(x: number, y: number): [x: number, y: number];
}

/**
 * Turns a picture clockwise about its center, the canvas grown to hold it.
 * Multiples of 90° move pixels; other angles are bilinear on black.
 */
export function turn({ data, width, height }: PixelBuffer, degrees: number): Turned {
  const right = ((degrees % 360) + 360) % 360;
  const exact = right % 90 === 0;
  const cos = exact ? [1, 0, -1, 0][right / 90]! : Math.cos((right * Math.PI) / 180);
  const sin = exact ? [0, 1, 0, -1][right / 90]! : Math.sin((right * Math.PI) / 180);
  const toWidth = Math.ceil(Math.abs(width * cos) + Math.abs(height * sin) - 1e-9);
  const toHeight = Math.ceil(Math.abs(width * sin) + Math.abs(height * cos) - 1e-9);
  const map = (x: number, y: number): [number, number] => {
    const [u, v] = [x - width / 2, y - height / 2];
    return [toWidth / 2 + u * cos - v * sin, toHeight / 2 + u * sin + v * cos];
  };
  const result = new Uint8Array(3 * toWidth * toHeight);
  for (let y = 0, to = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++, to += 3) {
      const [u, v] = [x + 0.5 - toWidth / 2, y + 0.5 - toHeight / 2];
      const fromX = width / 2 + u * cos + v * sin - 0.5;
      const fromY = height / 2 - u * sin + v * cos - 0.5;
      if (exact) {
        const from = 3 * (Math.round(fromY) * width + Math.round(fromX));
        result[to] = data[from]!;
        result[to + 1] = data[from + 1]!;
        result[to + 2] = data[from + 2]!;
        continue;
      }
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const [a, b] = [fromX - left, fromY - top];
      for (let c = 0; c < 3; c++) {
        const at = (column: number, row: number) =>
          column < 0 || row < 0 || column >= width || row >= height ? 0 : data[3 * (row * width + column) + c]!;
        const upper = (1 - a) * at(left, top) + a * at(left + 1, top);
        const lower = (1 - a) * at(left, top + 1) + a * at(left + 1, top + 1);
        result[to + c] = (1 - b) * upper + b * lower + 0.5;
      }
    }
  }
  return { pixels: { data: result, width: toWidth, height: toHeight, format: 'rgb' }, map };
}

/** Copies a picture into another, its upper left corner at `x, y`; what reaches over the edges is left out. */
export function paste(into: PixelBuffer, patch: PixelBuffer, x: number, y: number): void {
  for (let row = Math.max(0, -y); row < patch.height && y + row < into.height; row++) {
    const from = Math.max(0, -x);
    const to = Math.min(patch.width, into.width - x);
    if (to <= from) return;
    const line = patch.data.subarray(3 * (row * patch.width + from), 3 * (row * patch.width + to));
    into.data.set(line, 3 * ((y + row) * into.width + x + from));
  }
}

/** Draws a box's outline, inwards. */
export function outline(into: PixelBuffer, box: Box, color: Color, thickness = 2): void {
  const x0 = Math.round(box.x);
  const y0 = Math.round(box.y);
  const x1 = Math.round(box.x + box.width);
  const y1 = Math.round(box.y + box.height);
  const fill = (left: number, top: number, right: number, bottom: number) => {
    for (let y = Math.max(top, 0); y < Math.min(bottom, into.height); y++) {
      for (let x = Math.max(left, 0); x < Math.min(right, into.width); x++)
        into.data.set(color, 3 * (y * into.width + x));
    }
  };
  fill(x0, y0, x1, y0 + thickness);
  fill(x0, y1 - thickness, x1, y1);
  fill(x0, y0, x0 + thickness, y1);
  fill(x1 - thickness, y0, x1, y1);
}

/** A picture scaled to fit a square, and the scale. */
export function thumbnail(source: PixelBuffer, side: number): { pixels: PixelBuffer; scale: number } {
  const scale = side / Math.max(source.width, source.height);
  const width = Math.max(Math.round(source.width * scale), 1);
  const height = Math.max(Math.round(source.height * scale), 1);
  return { pixels: crop(source, { x: 0, y: 0, width: source.width, height: source.height }, width, height), scale };
}

/** Pictures of at most `side` pixels a side in rows. */
export function contactSheet(pictures: readonly PixelBuffer[], side: number, columns: number): PixelBuffer {
  const gap = 4;
  const rows = Math.max(Math.ceil(pictures.length / columns), 1);
  const sheet = blank(
    Math.min(columns, Math.max(pictures.length, 1)) * (side + gap),
    rows * (side + gap),
    [255, 255, 255],
  );
  pictures.forEach((picture, i) =>
    paste(sheet, picture, (i % columns) * (side + gap), Math.floor(i / columns) * (side + gap)),
  );
  return sheet;
}
