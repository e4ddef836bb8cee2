/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection } from './types.ts';

/** One run of the original; its options have the original's names. */
interface Run {
  readonly scene: string;
  readonly track_thresh: number;
  readonly match_thresh: number;
  readonly track_buffer: number;
  readonly frame_rate: number;
  readonly mot20: boolean;
  /** Per frame `id:index` of each tracked face: its identity and the index of its detection. */
  readonly matches: readonly string[];
  /** Per frame `x,y,width,height` of the same, to a thousandth of a pixel. */
  readonly boxes?: readonly string[];
}

// Made by tools/training/parity/bytetrack.py with the original's Python code.
const { scenes, runs } = JSON.parse(readFileSync(new URL('fixtures/bytetrack.json', import.meta.url), 'utf8')) as {
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

const titleOf = ({ scene, track_thresh, match_thresh, track_buffer, frame_rate, mot20 }: Run): string =>
  `${scene}, track_thresh ${track_thresh}, match_thresh ${match_thresh}, ` +
  `track_buffer ${track_buffer} at ${frame_rate} fps${mot20 ? ', mot20' : ''}`;

describe('compat', () => {
  it.each(runs.map((run) => [titleOf(run), run] as const))("equals the original's rows: %s", (_, run) => {
    const tracker = createTracker({
      compat: true,
      scoreThreshold: run.track_thresh,
      matchThreshold: run.match_thresh,
      maxLostSeconds: run.track_buffer / 30,
      frameRate: run.frame_rate,
    });
    const frames = scenes[run.scene]!;
    expect(run.matches).toHaveLength(frames.length);
    const wrong: string[] = [];
    let furthest = 0;
    frames.forEach((frame, f) => {
      const tracked = tracker.update(detectionsOf(frame)).filter(({ state }) => state === 'tracked');
      const matches = tracked.map(({ id, detectionIndex }) => `${id}:${detectionIndex}`).join(' ');
      if (matches !== run.matches[f]) wrong.push(`frame ${f}: ${matches} instead of ${run.matches[f]}`);
      else if (run.boxes) {
        rowsOf(run.boxes[f]!, ',').forEach((expected, i) => {
          const { x, y, width, height } = tracked[i]!.box;
          [x, y, width, height].forEach((value, k) => (furthest = Math.max(furthest, Math.abs(value - expected[k]!))));
        });
      }
    });
    expect(wrong).toEqual([]);
    expect(furthest).toBeLessThan(0.0005 + 1e-7);
  });

  it('is asked for everything that the original does', () => {
    const rows = runs.flatMap((run) =>
      run.matches.flatMap((frame, f) =>
        rowsOf(frame, ':').map(([id, index]) => ({ run, f, id: id!, score: detectionsOf(scenes[run.scene]![f]!)[index!]!.score })),
      ),
    );
    expect(rows.length).toBeGreaterThan(12_000);
    expect(rows.filter(({ run, score }) => score < run.track_thresh).length).toBeGreaterThan(400); // second association
    // Gaps after which an identity comes back, beside the buffer in frames: the original lets a track return a frame late.
    const late = new Set<number>();
    for (const run of runs) {
      const buffer = Math.floor((run.frame_rate * run.track_buffer) / 30);
      const last = new Map<number, number>();
      for (const row of rows.filter((each) => each.run === run)) {
        late.add(row.f - (last.get(row.id) ?? row.f) - buffer);
        last.set(row.id, row.f);
      }
    }
    expect(late).toContain(0);
    expect(late).toContain(1);
    // A score equal to the threshold belongs to neither band; one equal to that of new tracks starts one.
    const scores = new Set(Object.values(scenes).flatMap((frames) => frames.flatMap((frame) => detectionsOf(frame).map(({ score }) => score))));
    expect([...scores]).toEqual(expect.arrayContaining([0.1, 0.4, 0.5, 0.6, 0.7]));
  });
});
