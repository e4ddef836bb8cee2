import { describe, expect, it } from 'vitest';
import { scoredBoxes } from '../boxes.ts';
import { hardestMisses, worstFalsePositives } from './error-examples.ts';
import type { WiderImage } from './image.ts';
import { evaluateWider } from './protocol.ts';
import { recallBreakdown } from './recall-breakdown.ts';

describe('recallBreakdown, hardestMisses, worstFalsePositives', () => {
  const attributes = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
  const images: WiderImage[] = [
    { name: 'e/a', boxes: Float64Array.of(0, 0, 10, 15, 100, 0, 90, 96, 300, 0, 20, 20, 400, 0, 20, 40), attributes },
  ];
  const found = scoredBoxes([
    { box: { x: 0, y: 0, width: 10, height: 15 }, score: 0.9 },
    { box: { x: 100, y: 0, width: 90, height: 96 }, score: 0.3 },
    { box: { x: 700, y: 0, width: 9, height: 9 }, score: 0.8 },
  ]);
  const evaluation = evaluateWider(images, new Map([['e/a', found]]));

  it('counts faces by height and attribute, without invalid ones', () => {
    const { size, blur, occlusion, pose, illumination } = recallBreakdown(evaluation, 0.5);
    expect(size.map(({ faces, found: hits, foundAtThreshold }) => [faces, hits, foundAtThreshold])).toEqual([
      [1, 1, 1],
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(blur.map(({ faces }) => faces)).toEqual([2, 0, 1]);
    expect(occlusion.map(({ faces }) => faces)).toEqual([2, 1, 0]);
    expect(pose.map(({ faces }) => faces)).toEqual([2, 1]);
    expect(illumination.map(({ faces }) => faces)).toEqual([2, 1]);
  });

  it('lists the easiest misses first, and false positives by score', () => {
    expect(hardestMisses(evaluation)).toEqual([
      { image: 'e/a', box: { x: 400, y: 0, width: 20, height: 40 }, score: null, difficulties: ['atypical pose'] },
      {
        image: 'e/a',
        box: { x: 100, y: 0, width: 90, height: 96 },
        score: 0.3,
        difficulties: ['heavy blur', 'partial occlusion', 'extreme illumination'],
      },
    ]);
    expect(worstFalsePositives(evaluation)).toEqual([
      { image: 'e/a', box: { x: 700, y: 0, width: 9, height: 9 }, score: 0.8 },
    ]);
  });
});
