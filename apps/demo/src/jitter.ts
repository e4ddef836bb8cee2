import type { Box } from '@facedet/core';

/** How much boxes tremble: the root mean square of their centres' second difference, in pixels, over the last hundred steps. */
export function createJitter() {
  const last = new Map<number, { time: number; points: [number, number][] }>();
  const recent: number[] = [];
  return {
    add(faces: readonly { id: number | null; box: Box }[], time: number): void {
      for (const { id, box } of faces) {
        if (id === null) continue;
        const way = last.get(id);
        const points = way && time - way.time < 0.3 ? way.points : [];
        points.push([box.x + box.width / 2, box.y + box.height / 2]);
        if (points.length > 3) points.shift();
        last.set(id, { time, points });
        if (points.length < 3) continue;
        const [a, b, c] = points as [[number, number], [number, number], [number, number]];
        recent.push((a[0] - 2 * b[0] + c[0]) ** 2 + (a[1] - 2 * b[1] + c[1]) ** 2);
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
