import type { Box } from '@facedet/core';

/** A box's center at one time. */
type Center = [time: number, x: number, y: number];

/**
 * The jitter of boxes, in pixels: the root mean square, over the last hundred steps, of a center's distance from the
 * straight line between its neighbors in time. It is divided by what independent noise of one pixel would give, as
 * `facedet eval stability` does. Frames of a live source come at uneven times, which the line must account for;
 * otherwise motion would count as jitter.
 */
export function createJitter() {
  const last = new Map<number, { time: number; points: Center[] }>();
  const recent: number[] = [];
  return {
    add(faces: readonly { id: number | null; box: Box }[], time: number): void {
      for (const { id, box } of faces) {
        if (id === null) continue;
        const way = last.get(id);
        const points = way && time - way.time < 0.3 ? way.points : [];
        points.push([time, box.x + box.width / 2, box.y + box.height / 2]);
        if (points.length > 3) points.shift();
        last.set(id, { time, points });
        if (points.length < 3) continue;
        const [a, b, c] = points as [Center, Center, Center];
        if (!(c[0] > a[0])) continue;
        const w = (b[0] - a[0]) / (c[0] - a[0]);
        const off = (axis: 1 | 2): number => b[axis] - (1 - w) * a[axis] - w * c[axis];
        recent.push((off(1) ** 2 + off(2) ** 2) / (1 + (1 - w) ** 2 + w ** 2));
        if (recent.length > 100) recent.shift();
      }
      if (last.size > 200) for (const [id, way] of last) if (time - way.time > 1) last.delete(id);
    },
    /** Pixels, or null before there is anything to say. */
    get value(): number | null {
      return recent.length < 10 ? null : Math.sqrt(recent.reduce((a, b) => a + b, 0) / recent.length);
    },
    reset() {
      last.clear();
      recent.length = 0;
    },
  };
}
