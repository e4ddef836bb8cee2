import type { Landmarks } from '@facedet/core';
import { describe, expect, it } from 'vitest';
import { landmarkError, parseLandmarkLabels } from './landmarks.ts';

const points = (dx: number) =>
  [
    [20, 20],
    [40, 20],
    [30, 30],
    [22, 40],
    [38, 40],
  ].map(([x, y]) => ({ x: x! + dx, y: y! })) as Landmarks;
const row = '10 10 40 40 20 20 0.0 40 20 0.0 30 30 0.0 22 40 0.0 38 40 0.0 0.82';
const none = `60 10 40 40${' -1 -1 -1'.repeat(5)} 0.3`;

describe('landmarks', () => {
  it('are parsed with and without points', () => {
    const labels = parseLandmarkLabels(`# e/a.jpg\n${row}\n${none}\n# e/b.jpg\n1 2 3 4\n`, 'label.txt');
    expect([...labels.keys()]).toEqual(['e/a', 'e/b']);
    expect([...labels.get('e/a')!.points.subarray(0, 10)]).toEqual(points(0).flatMap(({ x, y }) => [x, y]));
    expect(labels.get('e/a')!.points.subarray(10).every(Number.isNaN)).toBe(true);
    expect(labels.get('e/b')).toEqual({
      boxes: Float64Array.of(1, 2, 3, 4),
      points: new Float64Array(10).fill(Number.NaN),
    });
  });

  it('have the mean distance in face sizes as their error', () => {
    const labels = parseLandmarkLabels(`# e/a.jpg\n${row}\n${none}\n`, 'label.txt');
    const detections = [
      { box: { x: 60, y: 10, width: 40, height: 40 }, score: 0.9, landmarks: points(0) },
      { box: { x: 12, y: 10, width: 40, height: 40 }, score: 0.5, landmarks: points(4) },
    ];
    expect(landmarkError(labels, new Map([['e/a', detections]]))).toEqual({
      faces: 1,
      mean: expect.closeTo(0.1, 12),
      perPoint: Array.from({ length: 5 }, () => expect.closeTo(0.1, 12)),
    });
    expect(landmarkError(labels, new Map())).toEqual({
      faces: 0,
      mean: null,
      perPoint: [null, null, null, null, null],
    });
  });

  it.each([
    ['1 2 3 4\n', 'label.txt, line 1: expected # EVENT/NAME.jpg before the first face'],
    ['# e/a.jpg\n1 2 3\n', 'label.txt, line 2: expected x y width height'],
    [`# e/a.jpg\n${row.slice(0, 40)}\n`, 'label.txt, line 2: expected x y width height'],
    ['# e/a.jpg\n# e/a.jpg\n', 'label.txt, line 2: expected each image once'],
  ])('are rejected: %j', (text, message) => {
    expect(() => parseLandmarkLabels(text, 'label.txt')).toThrow(message);
  });
});
