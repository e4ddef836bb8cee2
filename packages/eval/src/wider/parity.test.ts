/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type WiderGroundTruthFiles, readWiderGroundTruth, widerGroundTruthNames } from './ground-truth.ts';
import { widerSettings } from './image.ts';
import { parseWiderPredictions } from './predictions.ts';
import { evaluateWider } from './protocol.ts';

// tools/training/parity/wider.py makes these files: the .mat files with SciPy, the figures with the official protocol's
// code.
const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const { expected, predictions } = JSON.parse(read('parity-wider.json').toString()) as {
  expected: Record<(typeof widerSettings)[number], number>;
  /** Rows `x y width height score` by image. */
  predictions: Record<string, string[]>;
};

const files = Object.fromEntries(
  Object.entries(widerGroundTruthNames).map(([role, name]) => [role, { name, bytes: read(name) }]),
) as unknown as WiderGroundTruthFiles;

describe('evaluateWider', () => {
  it('gives the AP of the official code for .mat files and predictions, to 1e-12', async () => {
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
    const { figures } = evaluateWider(truth, found);
    for (const setting of widerSettings) {
      expect(Math.abs(figures[setting]!.ap - expected[setting]), `${setting}: ${figures[setting]!.ap}`).toBeLessThan(
        1e-12,
      );
    }
  });
});
