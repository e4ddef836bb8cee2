import { assign } from '@facedet/tracker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iouAt, visitOverlaps } from '../boxes.ts';
import { evaluateMot } from './evaluate.ts';
import { createMatcher } from './bipartite-matching.ts';
import type { TrackRows } from './track-rows.ts';

/** The sum of gains of a matching, which must be one to one and use existing edges. */
function gainOf(rowToColumn: Int32Array, gains: ReadonlyMap<string, number>): number {
  const columns = [...rowToColumn].filter((column) => column >= 0);
  expect(new Set(columns).size).toBe(columns.length);
  let sum = 0;
  rowToColumn.forEach((column, row) => {
    if (column < 0) return;
    expect(gains.has(`${row} ${column}`)).toBe(true);
    sum += gains.get(`${row} ${column}`)!;
  });
  return sum;
}

/** The largest sum by dense assignment, in which missing edges gain nothing. */
function bestSum(rows: number, cols: number, gains: ReadonlyMap<string, number>): number {
  const cost = Float64Array.from(
    { length: rows * cols },
    (_, k) => -(gains.get(`${Math.floor(k / cols)} ${k % cols}`) ?? 0),
  );
  const { rowToCol } = assign(cost, rows, cols);
  return rowToCol.reduce((sum, column, row) => sum - (column < 0 ? 0 : cost[row * cols + column]!), 0);
}

describe('createMatcher', () => {
  const gain = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.double({ min: 0, max: 1001, noNaN: true }));
  const problem = fc
    .record({ rows: fc.integer({ min: 1, max: 12 }), cols: fc.integer({ min: 1, max: 12 }) })
    .chain(({ rows, cols }) =>
      fc.record({
        rows: fc.constant(rows),
        cols: fc.constant(cols),
        pairs: fc.uniqueArray(fc.tuple(fc.nat({ max: rows - 1 }), fc.nat({ max: cols - 1 }), gain), {
          maxLength: 60,
          selector: ([row, column]) => `${row} ${column}`,
        }),
      }),
    );

  it('reaches the gain of dense assignment, in successive problems with one matcher', () => {
    const match = createMatcher();
    fc.assert(
      fc.property(problem, ({ rows, cols, pairs }) => {
        const gains = new Map(pairs.map(([row, column, value]) => [`${row} ${column}`, value]));
        const rowToColumn = match(rows, cols, {
          row: pairs.map(([row]) => row),
          column: pairs.map(([, column]) => column),
          gain: pairs.map(([, , value]) => value),
          count: pairs.length,
        });
        expect(rowToColumn).toHaveLength(rows);
        expect(gainOf(rowToColumn, gains)).toBeCloseTo(bestSum(rows, cols, gains), 8);
      }),
      { numRuns: 2000 },
    );
  });

  it('reaches the same gain in larger problems with many ties', () => {
    let state = 7;
    const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
    for (let round = 0; round < 12; round++) {
      const [rows, cols] = [40 + random(80), 40 + random(80)];
      const gains = new Map(
        Array.from({ length: 5 * rows }, () => [`${random(rows)} ${random(cols)}`, 1 + random(20)] as const),
      );
      const pairs = [...gains].map(
        ([key, value]) => [...key.split(' ').map(Number), value] as [number, number, number],
      );
      const rowToColumn = createMatcher()(rows, cols, {
        row: pairs.map(([row]) => row),
        column: pairs.map(([, column]) => column),
        gain: pairs.map(([, , value]) => value),
        count: pairs.length,
      });
      expect(gainOf(rowToColumn, gains)).toBe(bestSum(rows, cols, gains));
    }
  });

  it('reads a range of the edges', () => {
    const rowToColumn = createMatcher()(2, 2, {
      row: [9, 0, 1, 9],
      column: [9, 1, 0, 9],
      gain: [1, 2],
      from: 1,
      count: 2,
    });
    expect([...rowToColumn]).toEqual([1, 0]);
    expect([...createMatcher()(0, 5, { row: [], column: [], gain: [], count: 0 })]).toEqual([]);
  });
});

describe('visitOverlaps', () => {
  const side = fc.constantFrom(-5, 0, 3, 10, 80);
  const boxes = fc
    .array(fc.tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -40, max: 40 }), side, side), {
      maxLength: 14,
    })
    .map((all) => Float64Array.from(all.flat()));

  it('visits each overlapping pair once, with its IoU', () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const found: [number, number, number][] = [];
        visitOverlaps(a, b, (row, column, iou) => found.push([row, column, iou]));
        const all: [number, number, number][] = [];
        for (let i = 0; i < a.length / 4; i++)
          for (let j = 0; j < b.length / 4; j++) if (iouAt(a, i, b, j) > 0) all.push([i, j, iouAt(a, i, b, j)]);
        expect(found.sort(([a1, a2], [b1, b2]) => a1 - b1 || a2 - b2)).toEqual(all);
      }),
      { numRuns: 500 },
    );
  });
});

describe('ID metrics', () => {
  /** Boxes in few places, so that IDs share many frames. */
  const rows = (name: string) =>
    fc
      .uniqueArray(
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 3 })),
        { maxLength: 40, selector: ([frame, id]) => `${frame} ${id}` },
      )
      .map((all): TrackRows => ({
        file: name,
        frames: Int32Array.from(all, ([frame]) => frame),
        ids: Float64Array.from(all, ([, id]) => id),
        boxes: Float64Array.from(all.flatMap(([, id, place]) => [12 * place + (id % 2), 0, 10, 10])),
        scores: new Float64Array(all.length).fill(1),
        classes: new Int32Array(all.length).fill(-1),
        lines: Int32Array.from(all, (_, i) => i + 1),
      }));

  it('equal those of dense assignment of all IDs', () => {
    fc.assert(
      fc.property(rows('truth'), rows('tracks'), (truth, tracks) => {
        const inCommon = new Map<string, number>();
        truth.frames.forEach((frame, i) =>
          tracks.frames.forEach((other, j) => {
            const key = `${truth.ids[i]! - 1} ${tracks.ids[j]! - 1}`;
            if (frame === other && iouAt(truth.boxes, i, tracks.boxes, j) >= 0.5)
              inCommon.set(key, (inCommon.get(key) ?? 0) + 1);
          }),
        );
        const truePositives = bestSum(6, 6, inCommon);
        const metrics = evaluateMot({ truth, tracks });
        expect([metrics.IDTP, metrics.IDFN, metrics.IDFP]).toEqual([
          truePositives,
          truth.frames.length - truePositives,
          tracks.frames.length - truePositives,
        ]);
        for (const value of [metrics.HOTA, metrics.AssA, metrics.MOTA, metrics.IDF1]) expect(value).not.toBeNaN();
      }),
      { numRuns: 600 },
    );
  });

  it('reject unknown options and invalid rows', () => {
    const none = {
      file: 'a',
      frames: new Int32Array(0),
      ids: new Float64Array(0),
      boxes: new Float64Array(0),
      scores: new Float64Array(0),
      classes: new Int32Array(0),
      lines: new Int32Array(0),
    };
    expect(() =>
      evaluateMot({ truth: none, tracks: none, lenght: 5 } as object as Parameters<typeof evaluateMot>[0]),
    ).toThrow('Expected a known name in the sequence but received "lenght"; did you mean length?');
    expect(() =>
      evaluateMot({ truth: none, tracks: none, distractors: 8 } as object as Parameters<typeof evaluateMot>[0]),
    ).toThrow('Expected a list of classes for distractors but received 8.');
    expect(() => evaluateMot({ truth: none } as Parameters<typeof evaluateMot>[0])).toThrow(
      'Expected rows of parseMotRows or parseTrackJsonl for tracks but received undefined.',
    );
    expect(
      evaluateMot({ truth: none, tracks: none, length: undefined, distractors: undefined } as object as Parameters<
        typeof evaluateMot
      >[0]),
    ).toMatchObject({ CLR_Frames: 0 });
  });
});
