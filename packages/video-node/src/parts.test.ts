import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ahead } from './read/read-ahead.ts';
import { createClock } from './read/clock.ts';
import { displayMatrix } from './fixtures.ts';
import { layoutOf } from './ffmpeg/pixel-layout.ts';
import { orientationFilters, orientationOf, turnsSideways } from './ffmpeg/orientation.ts';
import { csvLines, jsonLine, motLines, parseRow, rowOf } from './run/rows.ts';
import { naturalOrder } from './read/source.ts';

describe('clock', () => {
  it('rises strictly from 0, whatever the source says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ min: -100, max: 1e5, noNaN: true })), { minLength: 1, maxLength: 50 }),
        (times) => {
          const clock = createClock();
          const stamps = times.map((time) => clock.stamp(time, 0.04));
          expect(stamps[0]).toBe(0);
          stamps.slice(1).forEach((t, i) => expect(t).toBeGreaterThan(stamps[i]!));
        },
      ),
    );
  });

  it('keeps a rising clock unchanged and continues across a clock that starts over', () => {
    const clock = createClock();
    expect([5, 5.04, 5.1].map((t) => clock.stamp(t, 0.04))).toEqual([0, 0.04, 0.1]);
    expect(clock.stamp(1, 0.04)).toBeCloseTo(0.14, 9);
    expect(clock.stamp(1.5, 0.04)).toBeCloseTo(0.64, 9);
    clock.restart(10);
    expect(clock.stamp(777, 0.04)).toBe(10);
  });
});

describe('orientation', () => {
  /** Where a filter chain takes the unit vectors of x and y. */
  const carryOut = (filters: readonly string[]) => {
    const turns: Record<string, (v: [number, number]) => [number, number]> = {
      hflip: ([x, y]) => [-x, y],
      vflip: ([x, y]) => [x, -y],
      'transpose=clock': ([x, y]) => [-y, x],
      'transpose=cclock': ([x, y]) => [y, -x],
    };
    return (
      [
        [1, 0],
        [0, 1],
      ] as [number, number][]
    ).map((v) => filters.reduce((at, name) => turns[name]!(at), v));
  };

  it('carries out all eight turns', () => {
    for (const [a, b, c, d] of [
      [1, 0, 0, 1],
      [-1, 0, 0, -1],
      [0, 1, -1, 0],
      [0, -1, 1, 0],
      [-1, 0, 0, 1],
      [1, 0, 0, -1],
      [0, 1, 1, 0],
      [0, -1, -1, 0],
    ] as const) {
      const orientation = orientationOf(displayMatrix(a, b, c, d));
      expect(carryOut(orientationFilters(orientation))).toEqual(
        [
          [a + 0, b + 0],
          [c + 0, d + 0],
        ].map((v) => v.map((n) => expect.closeTo(n, 9))),
      );
      expect(turnsSideways(orientation)).toBe(a === 0);
    }
    expect(orientationFilters(orientationOf(null))).toEqual([]);
  });
});

describe('ahead', () => {
  it('gives everything in order, at most so far ahead, and the error last', async () => {
    let made = 0;
    let taken = 0;
    let furthest = 0;
    async function* source() {
      for (let i = 0; i < 50; i++) {
        furthest = Math.max(furthest, ++made - taken);
        yield i;
      }
      throw new Error('broken');
    }
    const got: number[] = [];
    await expect(async () => {
      for await (const value of ahead(source(), { size: 4, discard() {} })) {
        got.push(value);
        taken++;
        if (value % 7 === 0) await new Promise((done) => setImmediate(done));
      }
    }).rejects.toThrow('broken');
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(furthest).toBeLessThanOrEqual(6);
  });

  it('discards what waits when it is left, and the oldest where late values are of no use', async () => {
    const dropped: number[] = [];
    let ended = false;
    async function* source() {
      try {
        for (let i = 0; ; i++) {
          await new Promise((done) => setImmediate(done));
          yield i;
        }
      } finally {
        ended = true;
      }
    }
    for await (const value of ahead(source(), { size: 2, dropOldest: true, discard: (v) => void dropped.push(v) })) {
      if (value > 20) break;
      await new Promise((done) => setTimeout(done, 10));
    }
    expect(ended).toBe(true);
    expect(dropped.length).toBeGreaterThan(5);
  });
});

describe('rows', () => {
  it('say the same in all three formats, with short numbers', () => {
    const row = rowOf({
      index: 4,
      timestamp: 0.16,
      faces: [
        { id: 7, box: { x: 1.23456, y: 2, width: 3.0004, height: 4 }, score: 0.987654, state: 'detected' },
        { id: null, box: { x: 0, y: 0, width: 1, height: 1 }, score: 0.5, state: 'predicted' },
      ],
    });
    expect(parseRow(jsonLine(row))).toEqual(row);
    expect(motLines(row)).toBe('5,7,1.235,2,3,4,0.98765,-1,-1,-1\n5,-1,0,0,1,1,0.5,-1,-1,-1\n');
    expect(csvLines(row)).toBe('4,0.16,7,1.235,2,3,4,0.98765,detected\n4,0.16,,0,0,1,1,0.5,predicted\n');
  });
});

describe('names', () => {
  it('are put in the order that a person expects', () => {
    expect(naturalOrder(['b10.jpg', 'b9.jpg', 'a.jpg', 'b1.jpg'])).toEqual(['a.jpg', 'b1.jpg', 'b9.jpg', 'b10.jpg']);
  });
});

describe('layouts', () => {
  it('of the common pixel formats', () => {
    expect(layoutOf('yuv420p')?.planes).toEqual([
      { bytes: 1, shiftX: 0, shiftY: 0 },
      { bytes: 1, shiftX: 1, shiftY: 1 },
      { bytes: 1, shiftX: 1, shiftY: 1 },
    ]);
    expect(layoutOf('yuv422p10le')).toMatchObject({
      bitDepth: 10,
      subsampling: '422',
      planes: [{ bytes: 2 }, { bytes: 2, shiftX: 1, shiftY: 0 }, {}],
    });
    expect(layoutOf('nv12')?.planes[1]).toEqual({ bytes: 2, shiftX: 1, shiftY: 1 });
    expect(layoutOf('bgra')?.planes).toEqual([{ bytes: 4, shiftX: 0, shiftY: 0 }]);
    expect(layoutOf('pal8')).toBeUndefined();
  });
});
