import { bytesPerPixel, channelOffsets, rowStride } from './pixels.ts';
import { sampleAffine } from './sample.ts';
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
 * Samples a view at any angle from pixels of its region (or the part `crop` of them) as packed RGB. Positions outside
 * the region are black; `into` must be large enough.
 */
export function sampleRotated(pixels: PixelBuffer, crop: Box | null, view: View, into: Uint8Array): PixelBuffer {
  const { width, height, toSource } = view;
  const { region } = view.pass;
  const part = crop ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
  // From source pixels to those of `pixels`.
  const kx = part.width / region.width;
  const ky = part.height / region.height;
  return sampleAffine(
    {
      pixels,
      left: Math.max(Math.floor(part.x), 0),
      top: Math.max(Math.floor(part.y), 0),
      right: Math.min(Math.ceil(part.x + part.width), pixels.width) - 1,
      bottom: Math.min(Math.ceil(part.y + part.height), pixels.height) - 1,
    },
    {
      xx: toSource.xx * kx,
      xy: toSource.xy * kx,
      x0: (toSource.x0 - region.x) * kx + part.x,
      yx: toSource.yx * ky,
      yy: toSource.yy * ky,
      y0: (toSource.y0 - region.y) * ky + part.y,
    },
    { data: into, width, height, format: 'rgb' },
  );
}
