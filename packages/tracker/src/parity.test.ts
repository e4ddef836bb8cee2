/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection } from './types.ts';

/** One run of the original ByteTrack over a scene; its options have the original's names. */
interface Run {
  readonly scene: string;
  readonly track_thresh: number;
  readonly match_thresh: number;
  readonly track_buffer: number;
  readonly frame_rate: number;
  readonly mot20: boolean;
  /** Per frame `id:index` of each tracked face: its ID and the index of its detection. */
  readonly matches: readonly string[];
  /** Per frame `x,y,width,height` of the same, rounded to a thousandth of a pixel. */
  readonly boxes?: readonly string[];
}

// tools/training/parity/bytetrack.py makes this file with the original's Python code.
const file = JSON.parse(readFileSync(new URL('fixtures/bytetrack.json', import.meta.url), 'utf8')) as {
  scenes: Record<string, string[]>;
  runs: Run[];
};

const rowsOf = (frame: string, separator: string): number[][] =>
  frame === '' ? [] : frame.split(' ').map((row) => row.split(separator).map(Number));

const detectionsOf = (frame: string): Detection[] =>
  rowsOf(frame, ',').map(([x, y, width, height, score]) => ({
    box: { x: x!, y: y!, width: width!, height: height! },
    score: score!,
  }));

/** Detections per scene and frame. */
const scenes = new Map(Object.entries(file.scenes).map(([name, frames]) => [name, frames.map(detectionsOf)]));

const titleOf = ({ scene, track_thresh, match_thresh, track_buffer, frame_rate, mot20 }: Run): string =>
  `${scene}, track_thresh ${track_thresh}, match_thresh ${match_thresh}, ` +
  `track_buffer ${track_buffer} at ${frame_rate} fps${mot20 ? ', mot20' : ''}`;

describe('compat', () => {
  it.each(file.runs.map((run) => [titleOf(run), run] as const))("equals the original's rows: %s", (_, run) => {
    const tracker = createTracker({
      compat: true,
      scoreThreshold: run.track_thresh,
      matchThreshold: run.match_thresh,
      maxLostSeconds: run.track_buffer / 30,
      frameRate: run.frame_rate,
    });
    const frames = scenes.get(run.scene)!;
    expect(run.matches).toHaveLength(frames.length);
    const wrong: string[] = [];
    let furthest = 0;
    frames.forEach((detections, f) => {
      const tracked = tracker.update(detections).filter(({ state }) => state === 'tracked');
      const matches = tracked.map(({ id, detectionIndex }) => `${id}:${detectionIndex}`).join(' ');
      if (matches !== run.matches[f]) {
        wrong.push(`frame ${f}: ${matches} instead of ${run.matches[f]}`);
        return;
      }
      if (!run.boxes) return;
      rowsOf(run.boxes[f]!, ',').forEach((expected, i) => {
        const { x, y, width, height } = tracked[i]!.box;
        for (const [k, value] of [x, y, width, height].entries()) {
          furthest = Math.max(furthest, Math.abs(value - expected[k]!));
        }
      });
    });
    expect(wrong).toEqual([]);
    // Half of the last digit that the file has.
    expect(furthest).toBeLessThan(0.0005 + 1e-7);
  });

  it('is compared on scenes that reach every stage of the original', () => {
    let rows = 0;
    let low = 0;
    // For each ID that comes back: how many frames it was away, less the buffer.
    const away = new Set<number>();
    for (const { scene, matches, track_thresh, track_buffer, frame_rate } of file.runs) {
      // A buffer of 0 works as one of 1: the original checks a lost track from the next frame on.
      const buffer = Math.max(1, Math.floor((frame_rate * track_buffer) / 30));
      const last = new Map<number, number>();
      matches.forEach((frame, f) => {
        for (const [id, index] of rowsOf(frame, ':')) {
          rows++;
          if (scenes.get(scene)![f]![index!]!.score < track_thresh) low++;
          away.add(f - (last.get(id!) ?? f) - buffer);
          last.set(id!, f);
        }
      });
    }
    expect(rows).toBeGreaterThan(12_000);
    // Low scores continue tracks in the second association only.
    expect(low).toBeGreaterThan(400);
    // The original removes a track in the frame after its buffer, and can find it again once more in the next.
    expect([...away].sort((a, b) => b - a).slice(0, 3)).toEqual([2, 1, 0]);
    // A score equal to `track_thresh` belongs to neither band, and one equal to 0.1 is no detection.
    const scores = new Set([...scenes.values()].flatMap((frames) => frames.flat().map(({ score }) => score)));
    expect([...scores]).toEqual(expect.arrayContaining([0.1, 0.3, 0.5, 0.6, 0.7]));
  });
});
