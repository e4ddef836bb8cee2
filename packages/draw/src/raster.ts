import type { Box, Point } from '@facedet/core';
import { sampleOf, type Plane, type Surface } from './surface.ts';
import type { Rgb } from './types.ts';

/** Fills a rectangle in pixels; an edge within a sample covers it in part. */
export function fillRect(surface: Surface, { x, y, width, height }: Box, color: Rgb): void {
  for (const plane of surface.planes) {
    const { scaleX, scaleY } = plane;
    const edges = { left: x * scaleX, top: y * scaleY, right: (x + width) * scaleX, bottom: (y + height) * scaleY };
    fillRectOfPlane(plane, edges, sampleOf(plane, color));
  }
}

/** All points within `radius` pixels of the segment between two points: a line with round ends, or a disc. */
interface Capsule {
  readonly from: Point;
  readonly to: Point;
  readonly radius: number;
}

/** Fills a capsule with a soft edge. */
export function fillCapsule(surface: Surface, { from, to, radius }: Capsule, color: Rgb, opacity = 1): void {
  const { x: ax, y: ay } = from;
  const { x: bx, y: by } = to;
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  for (const plane of surface.planes) {
    const { data, step, stride, offset, scaleX, scaleY } = plane;
    const sample = sampleOf(plane, color);
    const soft = Math.min(scaleX, scaleY); // one sample of soft edge
    const reach = radius + 0.5 / soft;
    const x0 = Math.max(0, Math.floor((Math.min(ax, bx) - reach) * scaleX));
    const x1 = Math.min(plane.width, Math.ceil((Math.max(ax, bx) + reach) * scaleX));
    const y0 = Math.max(0, Math.floor((Math.min(ay, by) - reach) * scaleY));
    const y1 = Math.min(plane.height, Math.ceil((Math.max(ay, by) + reach) * scaleY));
    for (let y = y0; y < y1; y++) {
      const py = (y + 0.5) / scaleY - ay;
      for (let x = x0; x < x1; x++) {
        const px = (x + 0.5) / scaleX - ax;
        const t = length2 > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
        const [ex, ey] = [px - t * dx, py - t * dy];
        const cover = Math.min(1, 0.5 + (radius - Math.sqrt(ex * ex + ey * ey)) * soft) * opacity;
        if (!(cover > 0)) continue; // also where a point is not finite
        const at = offset + y * stride + x * step;
        data[at] = (data[at]! + (sample - data[at]!) * cover + 0.5) | 0;
      }
    }
  }
}

/** Edges of a rectangle in samples of a plane. */
interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function fillRectOfPlane(plane: Plane, { left, top, right, bottom }: Edges, sample: number): void {
  const { data, step, stride, offset, width, height } = plane;
  const x0 = Math.max(0, Math.floor(left));
  const x1 = Math.min(width, Math.ceil(right));
  const y0 = Math.max(0, Math.floor(top));
  const y1 = Math.min(height, Math.ceil(bottom));
  for (let y = y0; y < y1; y++) {
    const row = Math.min(y + 1, bottom) - Math.max(y, top);
    let at = offset + y * stride + x0 * step;
    for (let x = x0; x < x1; x++, at += step) {
      const cover = row * (Math.min(x + 1, right) - Math.max(x, left));
      data[at] = (data[at]! + (sample - data[at]!) * cover + 0.5) | 0;
    }
  }
}
