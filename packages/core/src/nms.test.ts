import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iou } from './box.ts';
import { nms, type BoxArrays } from './nms.ts';
import type { Box } from './types.ts';

interface Scored {
  box: Box;
  score: number;
}

const scored = fc.record({
  box: fc.record({
    x: fc.double({ min: 0, max: 60, noNaN: true }),
    y: fc.double({ min: 0, max: 60, noNaN: true }),
    width: fc.double({ min: 0.5, max: 40, noNaN: true }),
    height: fc.double({ min: 0.5, max: 40, noNaN: true }),
  }),
  score: fc.integer({ min: 0, max: 20 }).map((v) => v / 20), // few values, so that there are ties
});

const arrays = (faces: readonly Scored[]) => {
  const column = (f: (s: Scored) => number) => Float64Array.from(faces, f);
  return {
    x1: column((f) => f.box.x),
    y1: column((f) => f.box.y),
    x2: column((f) => f.box.x + f.box.width),
    y2: column((f) => f.box.y + f.box.height),
    score: column((f) => f.score),
    count: faces.length,
  };
};

/** The definition: of the remaining boxes, keep the best and drop those that overlap it. */
function byDefinition(faces: readonly Scored[], threshold: number, pixelOffset: number): number[] {
  const grown = (b: Box) => ({ ...b, width: b.width + pixelOffset, height: b.height + pixelOffset });
  let left = faces.map((_, i) => i).sort((a, b) => faces[b]!.score - faces[a]!.score || a - b);
  const kept: number[] = [];
  while (left.length) {
    const best = left[0]!;
    kept.push(best);
    left = left.slice(1).filter((i) => iou(grown(faces[best]!.box), grown(faces[i]!.box)) <= threshold);
  }
  return kept;
}

it('keeps the boxes that the definition keeps', () => {
  fc.assert(
    fc.property(
      fc.array(scored, { maxLength: 40 }),
      fc.constantFrom(0.3, 0.4, 0.45),
      fc.constantFrom(0 as const, 1 as const),
      (faces, threshold, pixelOffset) => {
        // Rounding only matters for an overlap at the threshold itself.
        const near = faces.some((a, i) =>
          faces.some((b, j) => i < j && Math.abs(iou(a.box, b.box) - threshold) < 1e-9),
        );
        fc.pre(!near);
        expect(Array.from(nms(arrays(faces), threshold, pixelOffset))).toEqual(
          byDefinition(faces, threshold, pixelOffset),
        );
      },
    ),
  );
});

it('stops at the limit', () => {
  const faces = [0, 100, 200].map((x, i) => ({ box: { x, y: 0, width: 10, height: 10 }, score: i / 3 }));
  expect(Array.from(nms(arrays(faces), 0.4, 0, 2))).toEqual([2, 1]);
});

it('keeps inverted and empty boxes: they overlap no other', () => {
  const side = fc.oneof(
    fc.double({ min: -40, max: -1, noNaN: true }),
    fc.constant(0),
    fc.double({ min: 0.5, max: 40, noNaN: true }),
  );
  const any = fc.record({
    box: fc.record({
      x: fc.double({ min: -60, max: 60, noNaN: true }),
      y: fc.double({ min: -60, max: 60, noNaN: true }),
      width: side,
      height: side,
    }),
    score: fc.integer({ min: -3, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 25 }), (faces) => {
      fc.pre(!faces.some((a, i) => faces.some((b, j) => i < j && Math.abs(iou(a.box, b.box) - 0.4) < 1e-9)));
      const kept = Array.from(nms(arrays(faces), 0.4));
      expect(kept).toEqual(byDefinition(faces, 0.4, 0));
      expect(
        faces.flatMap(({ box }, i) => ((box.width <= 0 || box.height <= 0) && !kept.includes(i) ? [i] : [])),
      ).toEqual([]);
    }),
  );
});

describe('refused', () => {
  const two = () =>
    arrays([
      { box: { x: 0, y: 0, width: 10, height: 10 }, score: 0.9 },
      { box: { x: 1, y: 0, width: 10, height: 10 }, score: 0.8 },
    ]);
  const refusal = (message: RegExp) =>
    expect.objectContaining({
      name: 'FaceDetError',
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });

  it.each(['x1', 'y1', 'x2', 'y2', 'score'] as const)(
    'are values of %s that are not finite, and fewer than count',
    (name) => {
      for (const value of [NaN, Infinity, -Infinity]) {
        const boxes = two();
        boxes[name][1] = value;
        expect(() => nms(boxes, 0.4)).toThrow(
          refusal(new RegExp(`finite numbers in ${name} but received ${value}; drop box 1`)),
        );
        // Values beyond count are not read.
        expect(Array.from(nms({ ...boxes, count: 1 }, 0.4))).toEqual([0]);
      }
      expect(() => nms({ ...two(), [name]: new Float64Array(1) }, 0.4)).toThrow(
        refusal(new RegExp(`2 numbers for ${name} but received 1`)),
      );
    },
  );

  it.each([NaN, -0.1, 1.1, undefined])('is a threshold of %s', (threshold) => {
    expect(() => nms(two(), threshold as number)).toThrow(refusal(/in \[0, 1\] for iouThreshold/));
  });

  it.each([NaN, -1, 1.5])('is a limit of %s', (limit) => {
    expect(() => nms(two(), 0.4, 0, limit)).toThrow(refusal(/for limit/));
  });

  it.each([-1, 1.5, NaN, 3])('is a count of %s', (count) => {
    expect(() => nms({ ...two(), count } as BoxArrays, 0.4)).toThrow(refusal(/count|numbers for x1/));
  });
});
