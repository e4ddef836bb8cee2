import { describe, expect, it } from 'vitest';
import { parseMotRows } from '../mot/track-rows.ts';
import { evaluateStability, frameTimes } from './evaluate.ts';
import { parseTrackJsonl } from './track-jsonl.ts';

/** Reproducible uniform noise of mean 0 and variance 1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * Math.sqrt(12);
  };
}

const fps = 25;
const count = 400;
/** The center of an oscillating face of 100 px at a time in seconds. */
const swing = (seconds: number) => ({ x: 500 + 150 * Math.sin(2 * seconds), y: 300 + 80 * Math.cos(3.1 * seconds) });

function tracks(
  center: (seconds: number, frame: number) => { x: number; y: number; side?: number } | null,
  id: (frame: number) => number = () => 1,
) {
  const rows: string[] = [];
  for (let k = 0; k < count; k++) {
    const at = center(k / fps, k);
    const side = at?.side ?? 100;
    if (at) rows.push(`${k + 1},${id(k)},${at.x - side / 2},${at.y - side / 2},${side},${side},1,-1,-1,-1`);
  }
  return { rows: parseMotRows(rows.join('\n'), 'tracks.txt'), times: frameTimes(count, fps) };
}

const truth = tracks(swing).rows;

describe('evaluateStability', () => {
  it('returns the noise of a static face as its jitter, with and without ground truth', () => {
    const random = noise(1);
    const still = tracks(() => ({ x: 500, y: 300 })).rows;
    const noisy = tracks(() => ({ x: 500 + 2 * random(), y: 300 + 2 * random(), side: 100 + random() }));
    const { jitter, againstTruth } = evaluateStability(noisy, still);
    for (const { centerPx, center, sizePx, size } of [jitter, againstTruth!.jitter]) {
      expect(centerPx).toBeGreaterThan(2 * Math.SQRT2 * 0.9);
      expect(centerPx).toBeLessThan(2 * Math.SQRT2 * 1.1);
      expect(center).toBeCloseTo(centerPx! / 100, 3);
      expect(sizePx).toBeGreaterThan(0.9);
      expect(sizePx).toBeLessThan(1.1);
      expect(size).toBeCloseTo(sizePx! / 100, 3);
    }
  });

  it('finds no jitter in a constant offset, and no acceleration in uniform motion', () => {
    const offset = tracks((seconds) => ({ x: swing(seconds).x + 5, y: swing(seconds).y - 5 }));
    const { againstTruth } = evaluateStability(offset, truth);
    expect(againstTruth!.jitter.centerPx).toBeCloseTo(0, 9);
    expect(againstTruth!.centerErrorPx).toBeCloseTo(5 * Math.SQRT2, 9);
    const uniform = evaluateStability(tracks((seconds) => ({ x: 100 * seconds, y: 50 * seconds })));
    expect(uniform.accelerationEnergy).toBeCloseTo(0, 12);
    expect(uniform.jitter.centerPx).toBeCloseTo(0, 9);
    expect(uniform.againstTruth).toBeUndefined();
  });

  it('returns the acceleration of a circle: size-relative radius times angular speed squared', () => {
    const circle = tracks((seconds) => ({ x: 500 + 50 * Math.cos(2 * seconds), y: 500 + 50 * Math.sin(2 * seconds) }));
    expect(evaluateStability(circle).accelerationEnergy).toBeCloseTo(((50 / 100) * 2 ** 2) ** 2, 1);
  });

  it.each([0, 0.03, 0.08, -0.05])('finds a lag of %f seconds', (lag) => {
    const lagging = tracks((seconds) => swing(seconds - lag));
    const { lagSeconds, lagCorrelation, positionLagSeconds } = evaluateStability(lagging, truth).againstTruth!;
    expect(lagSeconds).toBeCloseTo(lag, 2);
    expect(lagCorrelation).toBeGreaterThan(0.95);
    expect(positionLagSeconds).toBeCloseTo(lag, 2);
  });

  it('measures the lag of uniform motion by position, not by correlation', () => {
    const moving = (seconds: number) => ({ x: 50 * seconds, y: 0 });
    const { lagSeconds, positionLagSeconds } = evaluateStability(
      tracks((seconds) => moving(seconds - 0.1)),
      tracks(moving).rows,
    ).againstTruth!;
    expect(lagSeconds).toBeNull();
    expect(positionLagSeconds).toBeCloseTo(0.1, 9);
  });

  it('counts interruptions and flicker', () => {
    const flickering = tracks(
      (seconds, frame) => (frame % 100 === 50 ? null : swing(seconds)),
      (frame) => (frame < 200 ? 1 : 2),
    );
    const metrics = evaluateStability(flickering, truth);
    expect(metrics).toMatchObject({ tracks: 2, fragmentations: 4, boxes: 396 });
    expect(metrics.flickerPerSecond).toBeCloseTo(8 / (2 * (199 / fps)), 9);
    expect(metrics.againstTruth).toMatchObject({ fragmentations: 4, idSwitches: 1, covered: 396, boxes: 400 });
    expect(metrics.againstTruth!.flickerPerSecond).toBeCloseTo(8 / (399 / fps), 9);
  });

  it('returns metrics of empty tracks', () => {
    const none = { rows: parseMotRows('', 'none.txt'), times: frameTimes(3, fps) };
    expect(evaluateStability(none, truth.frames.length ? parseMotRows('', 'gt.txt') : truth)).toMatchObject({
      tracks: 0,
      jitter: { centerPx: null },
      flickerPerSecond: null,
      againstTruth: { covered: 0, lagSeconds: null },
    });
  });

  it('rejects ground truth of a longer video', () => {
    expect(() => evaluateStability({ rows: parseMotRows('', 'a.txt'), times: frameTimes(3, fps) }, truth)).toThrow(
      'tracks.txt, line 4: expected a frame up to 3 but received frame 4',
    );
  });
});

describe('parseTrackJsonl', () => {
  const line = (frame: number, timestamp: number, ...ids: (number | null)[]) =>
    JSON.stringify({
      frame,
      timestamp,
      faces: ids.map((id) => ({ id, box: { x: 0, y: 0, width: 9, height: 9 }, score: 0.5, state: 'detected' })),
    });

  it('parses frames, empty ones too, and interpolates missing ones', () => {
    const { rows, times } = parseTrackJsonl(
      `${line(0, 0, 1)}\n${line(1, 0.04)}\n${line(4, 0.16, 1, 2)}\n`,
      'rows.jsonl',
    );
    expect([...rows.frames]).toEqual([1, 5, 5]);
    expect([...rows.ids]).toEqual([1, 1, 2]);
    expect([...times].map((time) => Number(time.toFixed(9)))).toEqual([0, 0.04, 0.08, 0.12, 0.16]);
  });

  it.each([
    [`${line(0, 0, 1)}\n{"frame":1,"timest`, 'rows.jsonl, line 2: expected JSON'],
    [`${line(0, 0, 1)}\n${line(0, 0.04, 1)}`, 'rows.jsonl, line 2: expected "frame" of at least 1 but received 0'],
    [
      `${line(0, 0, 1)}\n${line(1, 0, 1)}`,
      'rows.jsonl, line 2: expected "timestamp" in seconds after 0 but received 0',
    ],
    [line(0, 0, null), 'rows.jsonl, line 1: expected faces with "id"'],
    [line(0, 0, 1, 1), 'rows.jsonl, line 1: expected each track ID once per frame'],
    ['', 'rows.jsonl, line 1: expected one line per frame but received an empty file'],
  ])('rejects %j', (text, message) => {
    expect(() => parseTrackJsonl(text, 'rows.jsonl')).toThrow(message);
  });
});
