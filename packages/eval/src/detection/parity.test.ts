/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCocoResults, parseCocoTruth } from './coco.ts';
import { evaluateDetections } from './evaluate.ts';

// Made by tools/training/parity/coco_crowds.py with pycocotools.
const { expected, images, annotations, results } = JSON.parse(
  readFileSync(new URL('fixtures/parity-pycocotools.json', import.meta.url), 'utf8'),
) as {
  /** Metrics by the maximum number of detections per image. */
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
    'agrees with pycocotools to 1e-12 for crowded images with at most %d detections each',
    (maxDetections) => {
      expect(Math.min(...truth.map(({ name }) => predictions.get(name)!.scores.length))).toBeGreaterThan(40);
      expect(Math.max(...truth.map(({ name }) => predictions.get(name)!.scores.length))).toBeGreaterThan(100);
      const metrics = evaluateDetections(truth, predictions, { maxDetections });
      const deviations = Object.entries(expected[maxDetections]!).filter(([name, value]) => {
        const actual = metrics[name as 'AP'];
        return value === null || actual === null ? value !== actual : !(Math.abs(value - actual) <= 1e-12);
      });
      expect(deviations).toEqual([]);
    },
  );
});
