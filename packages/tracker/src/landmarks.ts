import type { Box, Point } from './types.ts';

/**
 * Landmarks as fractions of a box's width and height from its upper left corner: x and y of each point, one after the
 * other. A side that is not positive (possible only in `compat`, where boxes may shrink without limit) counts as 1.
 */
export function relativeLandmarks(points: readonly Readonly<Point>[], box: Readonly<Box>): number[] {
  const width = positiveSide(box.width);
  const height = positiveSide(box.height);
  const relative = new Array<number>(2 * points.length);
  for (let k = 0; k < points.length; k++) {
    relative[2 * k] = (points[k]!.x - box.x) / width;
    relative[2 * k + 1] = (points[k]!.y - box.y) / height;
  }
  return relative;
}

/** The points of relative landmarks in a box. */
export function placeLandmarks(relative: readonly number[], box: Readonly<Box>): Point[] {
  const [width, height] = [positiveSide(box.width), positiveSide(box.height)];
  return Array.from({ length: relative.length / 2 }, (_, k) => ({
    x: box.x + relative[2 * k]! * width,
    y: box.y + relative[2 * k + 1]! * height,
  }));
}

const positiveSide = (side: number) => (side > 0 ? side : 1);
