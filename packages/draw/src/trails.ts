import type { Point } from '@facedet/core';
import { invalid } from './surface.ts';
import type { DrawableFace } from './types.ts';

/** The recent ways of identities, for the `trails` option of the overlays. */
export interface Trails {
  /** Takes the faces of a frame, `timestamp` in seconds, rising; returns the ways, oldest point first. The map is reused. */
  update(faces: readonly DrawableFace[], timestamp: number): ReadonlyMap<number, readonly Point[]>;
}

/** Remembers where each identity's centre was in the last `duration` seconds (default 1). Throws `INVALID_ARGUMENT` for one that is not above 0. */
export function createTrails({ duration = 1 }: { duration?: number } = {}): Trails {
  if (!(duration > 0)) throw invalid(`Expected a duration above 0 seconds, received ${duration}.`);
  const ways = new Map<number, { times: number[]; points: Point[] }>();
  const shown = new Map<number, readonly Point[]>();
  return {
    update(faces, timestamp) {
      for (const { id, box } of faces) {
        if (id === null || id === undefined) continue;
        const way = ways.get(id) ?? { times: [], points: [] };
        way.times.push(timestamp);
        way.points.push({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
        ways.set(id, way);
        shown.set(id, way.points);
      }
      for (const [id, { times, points }] of ways) {
        const old = times.findIndex((time) => time >= timestamp - duration);
        const gone = old < 0 ? times.length : old;
        times.splice(0, gone);
        points.splice(0, gone);
        if (times.length > 0) continue;
        ways.delete(id);
        shown.delete(id);
      }
      return shown;
    },
  };
}
