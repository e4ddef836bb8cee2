import type { Box } from '@facedet/core';

/** When and where a centre was seen. */
type Sighting = [time: number, x: number, y: number];

/**
 * How much boxes tremble, in pixels: the root mean square, over the last hundred steps, of how far a centre lies off
 * the straight way between its neighbours in time. Divided by what independent noise of one pixel would give, as
 * `facedet eval stability` does; a live picture is looked at unevenly, which times must account for, or motion counts
 * as trembling.
 */
export function createJitter() {
  const last = new Map<number, { time: number; points: Sighting[] }>();
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
        const [a, b, c] = points as [Sighting, Sighting, Sighting];
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
