import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import type { Box, Landmarks, PixelBuffer } from './types.ts';
import type { View } from './view.ts';

/** The smallest angle between two directions in degrees, in [0, 180]. */
export function angleBetween(a: number, b: number): number {
  const difference = Math.abs(a - b) % 360;
  return Math.min(difference, 360 - difference);
}

/**
 * The degrees by which an image must be rotated clockwise until the face with these landmarks is upright, in [0, 360):
 * 0 for an upright face, 90 for one whose top points to the left. Down is the direction from the middle of the eyes to
 * the middle of the mouth corners.
 */
export function uprightRotation(landmarks: Landmarks): number {
  const [leftEye, rightEye, , leftMouth, rightMouth] = landmarks;
  const dx = leftMouth.x + rightMouth.x - leftEye.x - rightEye.x;
  const dy = leftMouth.y + rightMouth.y - leftEye.y - rightEye.y;
  return (450 - (Math.atan2(dy, dx) * 180) / Math.PI) % 360;
}

/** Rotates pixels clockwise by 90, 180 or 270° into packed RGB; `into` must be large enough. */
export function rotateQuarter(pixels: PixelBuffer, rotation: number, into: Uint8Array): PixelBuffer {
  const { data, width, height, format } = pixels;
  const [red, green, blue] = channelOffsets(format);
  const step = bytesPerPixel(format);
  const stride = rowStride(pixels);
  const swapped = rotation === 90 || rotation === 270;
  const outWidth = swapped ? height : width;
  const outHeight = swapped ? width : height;
  // The source position of the result's first pixel, and the steps of its columns and rows, in bytes.
  const last = (height - 1) * stride;
  const [start, column, row] =
    rotation === 90
      ? [last, -stride, step]
      : rotation === 180
        ? [last + (width - 1) * step, -step, -stride]
        : [(width - 1) * step, stride, -step];
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    let from = start + y * row;
    for (let x = 0; x < outWidth; x++, from += column, to += 3) {
      into[to] = data[from + red]!;
      into[to + 1] = data[from + green]!;
      into[to + 2] = data[from + blue]!;
    }
  }
  return { data: into, width: outWidth, height: outHeight, format: 'rgb' };
}

/**
 * Samples a view at any angle from pixels of its region (or the part `crop` of them): bilinear, without anti-aliasing,
 * as packed RGB. Positions outside the region are black.
 */
export function sampleRotated(pixels: PixelBuffer, crop: Box | null, view: View, into: Uint8Array): PixelBuffer {
  const { width, height } = view;
  const { xx, xy, x0, yx, yy, y0 } = view.toSource;
  const { x: regionX, y: regionY, width: regionWidth, height: regionHeight } = view.pass.region;
  const { data } = pixels;
  const [red, green, blue] = channelOffsets(pixels.format);
  const step = bytesPerPixel(pixels.format);
  const stride = rowStride(pixels);
  const part = crop ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
  // From source pixels to those of `pixels`.
  const kx = part.width / regionWidth;
  const ky = part.height / regionHeight;
  const left = Math.max(Math.floor(part.x), 0);
  const top = Math.max(Math.floor(part.y), 0);
  const right = Math.min(Math.ceil(part.x + part.width), pixels.width) - 1;
  const bottom = Math.min(Math.ceil(part.y + part.height), pixels.height) - 1;
  let to = 0;
  for (let row = 0; row < height; row++) {
    const Y = row + 0.5;
    for (let column = 0; column < width; column++, to += 3) {
      const X = column + 0.5;
      const x = (xx * X + xy * Y + x0 - regionX) * kx + part.x - 0.5;
      const y = (yx * X + yy * Y + y0 - regionY) * ky + part.y - 0.5;
      if (x < left - 0.5 || y < top - 0.5 || x > right + 0.5 || y > bottom + 0.5) {
        into[to] = into[to + 1] = into[to + 2] = 0;
        continue;
      }
      const clampedX = Math.min(Math.max(x, left), right);
      const clampedY = Math.min(Math.max(y, top), bottom);
      const column0 = Math.floor(clampedX);
      const row0 = Math.floor(clampedY);
      const u = clampedX - column0;
      const v = clampedY - row0;
      const tl = row0 * stride + column0 * step;
      const tr = column0 < right ? tl + step : tl;
      const below = row0 < bottom ? stride : 0;
      const a = (1 - u) * (1 - v);
      const b = u * (1 - v);
      const c = (1 - u) * v;
      const d = u * v;
      into[to] =
        data[tl + red]! * a + data[tr + red]! * b + data[tl + below + red]! * c + data[tr + below + red]! * d + 0.5;
      into[to + 1] =
        data[tl + green]! * a +
        data[tr + green]! * b +
        data[tl + below + green]! * c +
        data[tr + below + green]! * d +
        0.5;
      into[to + 2] =
        data[tl + blue]! * a + data[tr + blue]! * b + data[tl + below + blue]! * c + data[tr + below + blue]! * d + 0.5;
    }
  }
  return { data: into, width, height, format: 'rgb' };
}
