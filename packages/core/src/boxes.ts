import { FaceDetError, received } from '@facedet/checks';
import type { Box } from './types.ts';

/** Area in square pixels; 0 where a side is not positive or not a number. */
export function boxArea(box: Box): number {
  return box.width > 0 && box.height > 0 ? box.width * box.height : 0;
}

/** Intersection over union in [0, 1]; 0 where the boxes don't touch, one is empty, or a number is NaN or infinite. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const [areaA, areaB] = [boxArea(a), boxArea(b)];
  // Far from the origin x + width is rounded, and the intersection could be larger than a box.
  const intersection = Math.min(width * height, areaA, areaB);
  const value = intersection / (areaA + areaB - intersection);
  return value > 0 ? value : 0; // NaN where an area is 0 or infinite
}

/**
 * The box grown about its center: `factor` 1 keeps it, 1.3 adds 30 % to each side's length, 0 leaves the center.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for a factor that is negative or not finite, and for a box with a number that
 * is not finite.
 */
export function scaleBox(box: Box, factor: number): Box {
  if (!(Number.isFinite(factor) && factor >= 0))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a number of at least 0 for factor but received ${received(factor)}; 1 keeps the box.`,
    );
  const { x, y, width, height } = box;
  if (![x, y, width, height].every(Number.isFinite))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a box of finite numbers but received ${received(box)}; drop it before scaling.`,
    );
  const [scaledWidth, scaledHeight] = [width * factor, height * factor];
  return {
    x: x + (width - scaledWidth) / 2,
    y: y + (height - scaledHeight) / 2,
    width: scaledWidth,
    height: scaledHeight,
  };
}

/**
 * The part of the box inside a picture of `width` × `height`; sides of 0 where there is none. A box with NaN or a
 * negative side has no part inside. All four numbers are finite, whatever the box is.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for a picture whose sides are negative or not finite.
 */
export function clipBox(box: Box, width: number, height: number): Box {
  if (!(Number.isFinite(width) && width >= 0 && Number.isFinite(height) && height >= 0)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a picture's width and height of at least 0 but received ${received(width)} × ${received(height)}; ` +
        'pass those of the image.',
    );
  }
  const [x, clippedWidth] = clipSpan(box.x, box.width, width);
  const [y, clippedHeight] = clipSpan(box.y, box.height, height);
  return { x, y, width: clippedWidth, height: clippedHeight };
}

function clipSpan(start: number, length: number, limit: number): [start: number, length: number] {
  const from = start > 0 ? Math.min(start, limit) : 0; // NaN becomes 0
  const to = Math.min(start + length, limit);
  return [from, to > from ? to - from : 0];
}
