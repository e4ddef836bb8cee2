import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOverlapFinder, type Choice } from './overlap.ts';

type Corners = [left: number, top: number, right: number, bottom: number];

function slowIou(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height);
}

const side = fc.oneof(fc.double({ min: 0.5, max: 60, noNaN: true }), fc.double({ min: 1e-3, max: 3000, noNaN: true }));
const place = fc.oneof(
  fc.double({ min: 0, max: 400, noNaN: true }),
  fc.integer({ min: -20, max: 20 }),
  fc.constant(1e6),
);
const corners = fc.tuple(place, place, side, side).map(([x, y, w, h]): Corners => [x, y, x + w, y + h]);

/** Every second box is not chosen, so that places differ from indices. */
function choice(boxes: Corners[]): Choice {
  const spaced = boxes.flatMap((b) => [[-1e5, -1e5, 1e5, 1e5], b]).flat();
  return { boxes: Float64Array.from(spaced), index: Int32Array.from(boxes, (_, i) => 2 * i + 1), count: boxes.length };
}

describe('visitOverlaps', () => {
  it('visits just the overlapping pairs, once each, rows in order', () => {
    const visitOverlaps = createOverlapFinder(); // one for all runs: what a run leaves must not matter
    fc.assert(
      fc.property(fc.array(corners, { maxLength: 25 }), fc.array(corners, { maxLength: 25 }), (rows, cols) => {
        const seen = new Map<string, number>();
        let last = 0;
        visitOverlaps(choice(rows), choice(cols), (row, col, iou) => {
          expect(row).toBeGreaterThanOrEqual(last);
          last = row;
          expect(seen.has(`${row} ${col}`)).toBe(false);
          if (iou > 0) seen.set(`${row} ${col}`, iou);
        });
        const expected = new Map(
          rows
            .flatMap((a, i) => cols.map((b, j): [string, number] => [`${i} ${j}`, slowIou(a, b)]))
            .filter(([, iou]) => iou > 0),
        );
        expect([...seen.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [key, iou] of expected) expect(seen.get(key)).toBeCloseTo(iou, 12);
      }),
      { numRuns: 300 },
    );
  });

  it('reaches farther where it is told to', () => {
    const visitOverlaps = createOverlapFinder();
    const found: number[][] = [];
    const rows = choice([
      [0, 0, 10, 10],
      [100, 100, 110, 110],
    ]);
    visitOverlaps(
      rows,
      choice([
        [14, 0, 24, 10],
        [115, 100, 125, 110],
      ]),
      (row, col, iou) => void found.push([row, col, iou]),
      Float64Array.of(5, 4),
    );
    expect(found).toEqual([[0, 0, 0]]);
  });
});
