/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCocoResults, parseCocoTruth } from './coco-files.ts';
import { evaluateDetections } from './metrics.ts';

// tools/training/parity/coco_crowds.py makes this file with pycocotools.
const { expected, images, annotations, results } = JSON.parse(
  readFileSync(new URL('fixtures/parity-pycocotools.json', import.meta.url), 'utf8'),
) as {
  /** Figures by the most detections per image that count. */
  expected: Record<string, Record<string, number | null>>;
  images: { id: number; file_name: string; width: number; height: number }[];
  /** image_id, x, y, width, height, area, iscrowd */
  annotations: [number, number, number, number, number, number, number][];
  /** image_id, x, y, width, height, score */
  results: [number, number, number, number, number, number][];
};

const truth = parseCocoTruth(
  JSON.stringify({
    images,
    annotations: annotations.map(([image_id, x, y, width, height, area, iscrowd]) => ({
      image_id,
      bbox: [x, y, width, height],
      area,
      iscrowd,
    })),
  }),
  'truth.json',
);
const predictions = parseCocoResults(
  JSON.stringify(
    results.map(([image_id, x, y, width, height, score]) => ({ image_id, bbox: [x, y, width, height], score })),
  ),
  'results.json',
  truth,
);

describe('evaluateDetections', () => {
  it.each(Object.keys(expected).map(Number))(
    'gives what pycocotools gives for crowded images with at most %d detections each',
    (maxDetections) => {
      expect(Math.min(...truth.map(({ name }) => predictions.get(name)!.scores.length))).toBeGreaterThan(40);
      expect(Math.max(...truth.map(({ name }) => predictions.get(name)!.scores.length))).toBeGreaterThan(100);
      const figures = evaluateDetections(truth, predictions, { maxDetections });
      const off = Object.entries(expected[maxDetections]!).filter(([name, value]) => {
        const actual = figures[name as 'AP'];
        return value === null || actual === null ? value !== actual : !(Math.abs(value - actual) <= 1e-12);
      });
      expect(off).toEqual([]);
    },
  );
});
