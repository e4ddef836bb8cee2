/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type WiderGroundTruthFiles, readWiderGroundTruth, widerGroundTruthNames } from './ground-truth.ts';
import { widerSubsets } from './image.ts';
import { parseWiderPredictions } from './predictions.ts';
import { evaluateWider } from './protocol.ts';

// Made by tools/training/parity/wider.py: the .mat files with SciPy, the expected values with the code of the official
// protocol.
const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const { expected, predictions } = JSON.parse(read('parity-wider.json').toString()) as {
  expected: Record<(typeof widerSubsets)[number], number>;
  /** Rows `x y width height score` by image. */
  predictions: Record<string, string[]>;
};

const files = Object.fromEntries(
  Object.entries(widerGroundTruthNames).map(([role, name]) => [role, { name, bytes: read(name) }]),
) as unknown as WiderGroundTruthFiles;

describe('evaluateWider', () => {
  it('agrees with the official code in the AP of .mat files and predictions, to 1e-12', async () => {
    const truth = await readWiderGroundTruth(files);
    const found = new Map(
      Object.entries(predictions).map(([name, rows]) => {
        const text = [name.split('/').pop(), rows.length, ...rows, ''].join('\n');
        return [name, parseWiderPredictions(text, `${name}.txt`)];
      }),
    );
    // An image without faces and images without predictions are among them.
    expect(truth.some(({ boxes }) => boxes.length === 0)).toBe(true);
    expect([...found.values()].some(({ scores }) => scores.length === 0)).toBe(true);
    const { metrics } = evaluateWider(truth, found);
    for (const subset of widerSubsets) {
      expect(Math.abs(metrics[subset]!.ap - expected[subset]), `${subset}: ${metrics[subset]!.ap}`).toBeLessThan(1e-12);
    }
  });
});
