import { FaceDetError, invalidArgument, received } from '@facedet/checks';
import type { Box } from './types.ts';

/** The area in square pixels; 0 if a side is not positive or not a number. */
export function boxArea(box: Box): number {
  return box.width > 0 && box.height > 0 ? box.width * box.height : 0;
}

/**
 * Intersection over union of two boxes, in [0, 1]; 0 if they don't touch, one is empty, or a number is NaN or infinite.
 */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const [areaA, areaB] = [boxArea(a), boxArea(b)];
  // Far from the origin x + width is rounded, and the intersection could be larger than a box.
  const intersection = Math.min(width * height, areaA, areaB);
  const value = intersection / (areaA + areaB - intersection);
  return value > 0 ? value : 0; // NaN if an area is 0 or infinite
}

/**
 * Scales a box about its center: `factor` 1 keeps it, 1.3 adds 30 % to the length of each side, 0 leaves the center.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for a factor that is negative or not finite, and for a box with a number that
 * is not finite.
 */
export function scaleBox(box: Box, factor: number): Box {
  if (!(Number.isFinite(factor) && factor >= 0))
    throw invalidArgument('a number of at least 0 for factor', factor, '1 keeps the box');
  const { x, y, width, height } = box;
  if (![x, y, width, height].every(Number.isFinite))
    throw invalidArgument('a box of finite numbers', box, 'drop it before scaling');
  const [scaledWidth, scaledHeight] = [width * factor, height * factor];
  return {
    x: x + (width - scaledWidth) / 2,
    y: y + (height - scaledHeight) / 2,
    width: scaledWidth,
    height: scaledHeight,
  };
}

/**
 * The part of a box inside an image of `width` × `height`; its sides are 0 if no part of the box is inside, as for a
 * box with NaN or a negative side. The result's numbers are finite, whatever the box is.
 *
 * @throws FaceDetError `INVALID_ARGUMENT` for an image whose sides are negative or not finite.
 */
export function clipBox(box: Box, width: number, height: number): Box {
  if (!(Number.isFinite(width) && width >= 0 && Number.isFinite(height) && height >= 0)) {
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected an image's width and height of at least 0 but received ${received(width)} × ${received(height)}; ` +
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
