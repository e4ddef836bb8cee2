import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOverlapFinder, type BoxSelection } from './overlap.ts';

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

/** Every second box is not selected, so that positions differ from indices. */
function selectionOf(boxes: Corners[]): BoxSelection {
  const spaced = boxes.flatMap((b) => [[-1e5, -1e5, 1e5, 1e5], b]).flat();
  return {
    boxes: Float64Array.from(spaced),
    indices: Int32Array.from(boxes, (_, i) => 2 * i + 1),
    count: boxes.length,
  };
}

describe('visitOverlaps', () => {
  it('visits only the overlapping pairs, once each, in the order of the first selection', () => {
    const visitOverlaps = createOverlapFinder(); // One for all runs: the state that a run leaves must not matter.
    fc.assert(
      fc.property(fc.array(corners, { maxLength: 25 }), fc.array(corners, { maxLength: 25 }), (first, second) => {
        const seen = new Map<string, number>();
        let last = 0;
        visitOverlaps(selectionOf(first), selectionOf(second), (i, j, iou) => {
          expect(i).toBeGreaterThanOrEqual(last);
          last = i;
          expect(seen.has(`${i} ${j}`)).toBe(false);
          if (iou > 0) seen.set(`${i} ${j}`, iou);
        });
        const expected = new Map(
          first
            .flatMap((a, i) => second.map((b, j): [string, number] => [`${i} ${j}`, slowIou(a, b)]))
            .filter(([, iou]) => iou > 0),
        );
        expect([...seen.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [key, iou] of expected) expect(seen.get(key)).toBeCloseTo(iou, 12);
      }),
      { numRuns: 300 },
    );
  });

  it('visits pairs within the margin too', () => {
    const visitOverlaps = createOverlapFinder();
    const found: number[][] = [];
    const first = selectionOf([
      [0, 0, 10, 10],
      [100, 100, 110, 110],
    ]);
    visitOverlaps(
      first,
      selectionOf([
        [14, 0, 24, 10],
        [115, 100, 125, 110],
      ]),
      (i, j, iou) => void found.push([i, j, iou]),
      Float64Array.of(5, 4),
    );
    expect(found).toEqual([[0, 0, 0]]);
  });
});
