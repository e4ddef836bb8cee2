import fc from 'fast-check';
import { expect, it } from 'vitest';
import { iou } from './boxes.ts';
import { nms } from './nms.ts';
import type { Box } from './types.ts';

interface Scored {
  box: Box;
  score: number;
}

const scored = fc.record({
  box: fc.record({ x: fc.double({ min: 0, max: 60, noNaN: true }), y: fc.double({ min: 0, max: 60, noNaN: true }), width: fc.double({ min: 0.5, max: 40, noNaN: true }), height: fc.double({ min: 0.5, max: 40, noNaN: true }) }),
  score: fc.integer({ min: 0, max: 20 }).map((v) => v / 20), // few values, so that there are ties
});

const arrays = (faces: readonly Scored[]) => {
  const column = (f: (s: Scored) => number) => Float64Array.from(faces, f);
  return { x1: column((f) => f.box.x), y1: column((f) => f.box.y), x2: column((f) => f.box.x + f.box.width), y2: column((f) => f.box.y + f.box.height), score: column((f) => f.score), count: faces.length };
};

/** The definition: of what is left, take the best and strike what overlaps it. */
function slow(faces: readonly Scored[], threshold: number, plus: number): number[] {
  const grown = (b: Box) => ({ ...b, width: b.width + plus, height: b.height + plus });
  let left = faces.map((_, i) => i).sort((a, b) => faces[b]!.score - faces[a]!.score || a - b);
  const kept: number[] = [];
  while (left.length) {
    const best = left[0]!;
    kept.push(best);
    left = left.slice(1).filter((i) => iou(grown(faces[best]!.box), grown(faces[i]!.box)) <= threshold);
  }
  return kept;
}

it('keeps what the slow definition keeps', () => {
  fc.assert(
    fc.property(fc.array(scored, { maxLength: 40 }), fc.constantFrom(0.3, 0.4, 0.45), fc.constantFrom(0 as const, 1 as const), (faces, threshold, plus) => {
      // Rounding may only matter where an overlap lies on the threshold itself.
      const near = faces.some((a, i) => faces.some((b, j) => i < j && Math.abs(iou(a.box, b.box) - threshold) < 1e-9));
      fc.pre(!near);
      expect(Array.from(nms(arrays(faces), threshold, plus))).toEqual(slow(faces, threshold, plus));
    }),
  );
});

it('stops at the limit', () => {
  const faces = [0, 100, 200].map((x, i) => ({ box: { x, y: 0, width: 10, height: 10 }, score: i / 3 }));
  expect(Array.from(nms(arrays(faces), 0.4, 0, 2))).toEqual([2, 1]);
});
