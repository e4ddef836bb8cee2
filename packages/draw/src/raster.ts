/* eslint-disable max-params -- Called per glyph run and segment: with objects drawPixels takes half as long again. */
import { sampleOf, type Plane, type Surface } from './surface.ts';
import type { Rgb } from './types.ts';

/** Fills a rectangle in pixels; an edge within a sample covers it in part. */
export function fillRect(
  surface: Surface,
  x: number,
  y: number,
  width: number,
  height: number,
  color: Rgb,
  opacity = 1,
): void {
  for (const plane of surface.planes)
    fillRectOfPlane(
      plane,
      x * plane.scaleX,
      y * plane.scaleY,
      (x + width) * plane.scaleX,
      (y + height) * plane.scaleY,
      sampleOf(plane, color),
      opacity,
    );
}

/**
 * Fills all points within `radius` pixels of the segment from (ax, ay) to (bx, by): a line with round ends, or a disc.
 */
export function fillCapsule(
  surface: Surface,
  ax: number,
  ay: number,
  bx: number,
  by: number,
  radius: number,
  color: Rgb,
  opacity = 1,
): void {
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

function fillRectOfPlane(
  plane: Plane,
  left: number,
  top: number,
  right: number,
  bottom: number,
  sample: number,
  opacity: number,
): void {
  const { data, step, stride, offset, width, height } = plane;
  const x0 = Math.max(0, Math.floor(left));
  const x1 = Math.min(width, Math.ceil(right));
  const y0 = Math.max(0, Math.floor(top));
  const y1 = Math.min(height, Math.ceil(bottom));
  for (let y = y0; y < y1; y++) {
    const row = (Math.min(y + 1, bottom) - Math.max(y, top)) * opacity;
    let at = offset + y * stride + x0 * step;
    for (let x = x0; x < x1; x++, at += step) {
      const cover = row * (Math.min(x + 1, right) - Math.max(x, left));
      data[at] = (data[at]! + (sample - data[at]!) * cover + 0.5) | 0;
    }
  }
}
