import { checkOptionNames } from '@facedet/checks';
import type { Point } from '@facedet/core';
import { checkFaces, expectThat } from './check.ts';
import type { DrawableFace } from './types.ts';

/** The recent ways of identities, for the `trails` option of the overlays. */
export interface Trails {
  /**
   * Takes the faces of a frame, `timestamp` in seconds; returns the trails, oldest point first. The map is reused.
   * Where time goes back, as where a video begins again, all trails start over. Throws `INVALID_ARGUMENT` for unusable
   * faces and a time that is not finite; the trails are unchanged then.
   */
  update(faces: readonly DrawableFace[], timestamp: number): ReadonlyMap<number, readonly Point[]>;
}

/**
 * Remembers where each identity's center was in the last `duration` seconds: above 0, default 1. Higher draws longer
 * trails. Throws `INVALID_ARGUMENT` for another.
 */
export function createTrails(options: { duration?: number } = {}): Trails {
  checkOptionNames(options, ['duration']);
  const { duration = 1 } = options;
  expectThat(
    typeof duration === 'number' && duration > 0,
    'a number of seconds above 0 for duration',
    duration,
    'leave it out for 1 second',
  );
  let last = -Infinity;
  const ways = new Map<number, { times: number[]; points: Point[] }>();
  const shown = new Map<number, readonly Point[]>();
  return {
    update(faces, timestamp) {
      checkFaces(faces);
      expectThat(Number.isFinite(timestamp), 'a timestamp in seconds', timestamp, 'give the time of the frame');
      if (timestamp < last) {
        ways.clear();
        shown.clear();
      }
      last = timestamp;
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
