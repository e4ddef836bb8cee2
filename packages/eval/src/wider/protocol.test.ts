import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ScoredBoxes, scoredBoxes } from '../boxes.ts';
import type { WiderImage } from './image.ts';
import { evaluateWider } from './protocol.ts';

/** The protocol directly from its definition: every threshold, every image, one after the other. */
function referenceAp(
  images: readonly WiderImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
  subset: 'easy',
): number {
  const scores = images.flatMap(({ name }) => Array.from(predictions.get(name)?.scores ?? []));
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const curve = Array.from({ length: 1000 }, (_, t) => {
    let [matched, predicted, faces] = [0, 0, 0];
    for (const { name, boxes, counted } of images) {
      const flags = counted![subset];
      faces += flags.filter(Boolean).length;
      const found = new Set<number>();
      const own = predictions.get(name);
      if (!own || boxes.length === 0) continue;
      for (let i = 0; i < own.scores.length; i++) {
        if (!((own.scores[i]! - low) / (high - low || 1) >= 1 - (t + 1) / 1000)) continue;
        const overlap = Array.from({ length: boxes.length / 4 }, (_, f) =>
          plusOneOverlap(own.boxes.subarray(4 * i, 4 * i + 4), boxes.subarray(4 * f, 4 * f + 4)),
        );
        const best = overlap.indexOf(Math.max(...overlap));
        if (overlap[best]! >= 0.5) {
          if (!flags[best]) continue;
          if (!found.has(best)) matched++;
          found.add(best);
        }
        predicted++;
      }
    }
    return { recall: matched / Math.max(faces, 1), precision: matched / Math.max(predicted, 1) };
  });
  return curve.reduce(
    (sum, { recall }, k) =>
      sum + (recall - (curve[k - 1]?.recall ?? 0)) * Math.max(...curve.slice(k).map(({ precision }) => precision)),
    0,
  );
}

function plusOneOverlap(a: Float64Array, b: Float64Array): number {
  const w = Math.min(a[0]! + a[2]!, b[0]! + b[2]!) - Math.max(a[0]!, b[0]!) + 1;
  const h = Math.min(a[1]! + a[3]!, b[1]! + b[3]!) - Math.max(a[1]!, b[1]!) + 1;
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / ((a[2]! + 1) * (a[3]! + 1) + (b[2]! + 1) * (b[3]! + 1) - w * h);
}

const box = fc.tuple(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 4, max: 25 }),
  fc.integer({ min: 4, max: 25 }),
);
const scene = fc.record({
  faces: fc.array(fc.tuple(box, fc.boolean()), { maxLength: 5 }),
  found: fc.option(fc.array(fc.tuple(box, fc.integer({ min: 0, max: 20 })), { maxLength: 8 })),
});

function build(scenes: readonly { faces: [number[], boolean][]; found: [number[], number][] | null }[]) {
  const predictions = new Map<string, ScoredBoxes>();
  const images = scenes.map(({ faces, found }, i): WiderImage => {
    const name = `e/${i}`;
    if (found)
      predictions.set(
        name,
        scoredBoxes(
          found.map(([[x, y, width, height], score]) => ({
            box: { x: x!, y: y!, width: width!, height: height! },
            score: score / 20,
          })),
        ),
      );
    const flags = Uint8Array.from(faces, ([, counts]) => Number(counts));
    return {
      name,
      boxes: Float64Array.from(faces.flatMap(([sides]) => sides)),
      attributes: new Uint8Array(6 * faces.length),
      counted: { easy: flags, medium: flags, hard: flags },
    };
  });
  return { images, predictions };
}

describe('evaluateWider', () => {
  it('agrees with the definition', () => {
    fc.assert(
      fc.property(fc.array(scene, { minLength: 1, maxLength: 4 }), (scenes) => {
        const { images, predictions } = build(scenes as Parameters<typeof build>[0]);
        expect(evaluateWider(images, predictions).metrics.easy!.ap).toBeCloseTo(
          referenceAp(images, predictions, 'easy'),
          12,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('counts the faces of an image without predictions as missed', () => {
    const { images, predictions } = build([
      { faces: [[[0, 0, 9, 9], true]], found: [[[0, 0, 9, 9], 9]] },
      { faces: [[[0, 0, 9, 9], true]], found: null },
    ]);
    const { metrics, perImage } = evaluateWider(images, predictions);
    expect(metrics.easy).toMatchObject({ faces: 2, ap: 0.5 });
    expect(perImage[1]).toMatchObject({ predictions: null, matchScores: Float64Array.of(Number.NaN) });
  });

  it('returns metrics for no predictions and no images', () => {
    expect(evaluateWider([], new Map()).metrics.all).toMatchObject({ faces: 0, ap: 0 });
    const { images } = build([{ faces: [[[0, 0, 9, 9], true]], found: null }]);
    expect(evaluateWider(images, new Map()).metrics.hard!.ap).toBe(0);
  });
});
