import { checkOptionNames } from '@facedet/checks';
import type { Point } from '@facedet/core';
import { checkFaces, expectThat } from './check.ts';
import type { DrawableFace } from './types.ts';

/** The recent paths of tracks, for the `trails` option of the overlays. */
export interface Trails {
  /**
   * Takes the faces of a frame, `timestamp` in seconds; returns the trails, oldest point first. The map is reused.
   * When time goes back, as when a video restarts, all trails start over. Throws `INVALID_ARGUMENT` for unusable
   * faces and a time that is not finite; the trails are unchanged then.
   */
  update(faces: readonly DrawableFace[], timestamp: number): ReadonlyMap<number, readonly Point[]>;
}

/**
 * Remembers where the center of each track was in the last `duration` seconds: above 0, default 1. Higher draws longer
 * trails. Throws `INVALID_ARGUMENT` for any other value.
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
  const paths = new Map<number, { times: number[]; points: Point[] }>();
  const shown = new Map<number, readonly Point[]>();
  return {
    update(faces, timestamp) {
      checkFaces(faces);
      expectThat(Number.isFinite(timestamp), 'a timestamp in seconds', timestamp, 'give the time of the frame');
      if (timestamp < last) {
        paths.clear();
        shown.clear();
      }
      last = timestamp;
      for (const { id, box } of faces) {
        if (id === null || id === undefined) continue;
        const path = paths.get(id) ?? { times: [], points: [] };
        path.times.push(timestamp);
        path.points.push({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
        paths.set(id, path);
        shown.set(id, path.points);
      }
      for (const [id, { times, points }] of paths) {
        const old = times.findIndex((time) => time >= timestamp - duration);
        const gone = old < 0 ? times.length : old;
        times.splice(0, gone);
        points.splice(0, gone);
        if (times.length > 0) continue;
        paths.delete(id);
        shown.delete(id);
      }
      return shown;
    },
  };
}
