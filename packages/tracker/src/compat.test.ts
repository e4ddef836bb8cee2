/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection } from './types.ts';

const folder = new URL('../../../../shared/mot/MOT17-val/', import.meta.url);
const shared = existsSync(folder);
if (!shared) console.warn('compat.test.ts: skipped, the MOT17-val data of ../shared is missing');

/** The `track_buffer` of each sequence in bytetrack_python.txt, frames. */
const sequences = { 'MOT17-02': 30, 'MOT17-05': 14, 'MOT17-09': 30, 'MOT17-11': 30 };

const rows = (file: string) =>
  readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number));

describe('compat', () => {
  it.skipIf(!shared).each(Object.entries(sequences))(
    "gives the original's rows on %s [needs ../shared]",
    (name, buffer) => {
      const detections = rows(`${name}/det.txt`);
      const last = Math.max(...detections.map((row) => row[0]!));
      const skip = Math.floor(last / 2) + 1;
      const frames: Detection[][] = Array.from({ length: last - skip }, () => []);
      for (const [frame, , x, y, width, height, score] of detections as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ][]) {
        if (frame > skip) frames[frame - skip - 1]!.push({ box: { x, y, width, height }, score });
      }

      const tracker = createTracker({
        compat: true,
        highScoreThreshold: 0.6,
        matchThreshold: 0.9,
        maxLostSeconds: buffer / 30,
      });
      const actual: number[][] = [];
      frames.forEach((detections, i) => {
        for (const { id, box, score, state, detection } of tracker.update(detections)) {
          if (state !== 'tracked' || !detection || box.width * box.height <= 100 || box.width / box.height > 1.6)
            continue;
          actual.push([i + 1, id, box.x, box.y, box.width, box.height, score]);
        }
      });

      // Rows have another order within a frame, and track IDs may differ.
      const expected = rows(`${name}/bytetrack_python.txt`);
      expect(actual).toHaveLength(expected.length);
      const idOf = new Map<number, number>();
      const wrong: string[] = [];
      for (const row of expected) {
        const near = actual.filter(
          (a) => a[0] === row[0] && [2, 3, 4, 5].every((k) => Math.abs(a[k]! - row[k]!) <= 0.11),
        );
        const known = idOf.get(row[1]!);
        const match = near.find((a) => known === undefined || a[1] === known);
        if (!match)
          wrong.push(
            `frame ${row[0]} track ${row[1]}: ${near.length ? `has ID ${near[0]![1]}, before ${known}` : 'missing'}`,
          );
        else idOf.set(row[1]!, match[1]!);
      }
      expect(wrong).toEqual([]);
    },
  );
});
