/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type MotFigures, combineMot, evaluateMot } from './evaluate.ts';
import type { HotaCurves } from './hota.ts';
import { parseMotRows } from './rows.ts';

/** A sequence and TrackEval's figures of it, or those of a benchmark's sequences together. */
interface Entry {
  readonly benchmark: string;
  readonly name: string;
  readonly truth?: readonly string[];
  readonly tracks?: readonly string[];
  readonly length?: number;
  /** Figures by metric and TrackEval's name of the field. */
  readonly expected: Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>;
}

// tools/training/parity/trackeval_figures.py makes this file with TrackEval.
const entries = JSON.parse(readFileSync(new URL('fixtures/parity-trackeval.json', import.meta.url), 'utf8')) as Entry[];

function evaluate({ benchmark, truth, tracks, length }: Entry): MotFigures {
  return evaluateMot({
    truth: parseMotRows(truth!.join('\n'), 'gt.txt'),
    tracks: parseMotRows(tracks!.join('\n'), 'tracks.txt'),
    length: length!,
    ...(benchmark === 'MOT20' && { distractors: [2, 6, 7, 8, 12] }),
  });
}

/** TrackEval's fields that differ by more than 1e-9, or that are missing here. */
function differences(figures: MotFigures, { expected }: Entry): string[] {
  const off: string[] = [];
  const compare = (name: string, actual: number | undefined, value: number): void => {
    if (!(actual !== undefined && Math.abs(actual - value) <= 1e-9)) off.push(`${name}: ${actual} instead of ${value}`);
  };
  for (const fields of Object.values(expected)) {
    for (const [field, value] of Object.entries(fields)) {
      // TrackEval counts the frames beside its metrics, and names RHOTA otherwise since version 1.1.
      if (field === 'Frames') continue;
      const name = field === 'OWTA' ? 'RHOTA' : field;
      if (typeof value === 'number') {
        compare(name, figures[name as 'MOTA'], value);
        continue;
      }
      const curve = figures.curves[name as keyof HotaCurves];
      value.forEach((at, k) => compare(`${name} at ${(0.05 * (k + 1)).toFixed(2)}`, curve?.[k], at));
      const mean = value.reduce((sum, at) => sum + at, 0) / value.length;
      if (!name.startsWith('HOTA_')) compare(name, figures[name as 'HOTA'], mean);
    }
  }
  return off;
}

describe('evaluateMot', () => {
  it.each(entries.filter(({ truth }) => truth).map((entry) => [entry.name, entry] as const))(
    'gives what TrackEval gives to 1e-9: %s',
    (_, entry) => {
      const compared = Object.values(entry.expected).flatMap((fields) => Object.values(fields).flat()).length;
      expect(compared).toBe(12 * 19 + 3 + 22 + 6 + 5);
      const off = differences(evaluate(entry), entry);
      // Without a true box TrackEval leaves these at 0 and MLR at 1; here, as in its sums over sequences, its formulas
      // hold.
      const undefinedThere = /^(MOTA|MODA|MLR|sMOTA|FP_per_frame|MOTAL): /;
      expect(entry.name === 'nobody' ? off.filter((line) => !undefinedThere.test(line)) : off).toEqual([]);
    },
  );

  it.each(['MOT15', 'MOT17'])('adds the sequences of %s up as TrackEval does, to 1e-9', (benchmark) => {
    const own = entries.filter((entry) => entry.benchmark === benchmark);
    const combined = own.find(({ name }) => name === 'COMBINED_SEQ')!;
    expect(differences(combineMot(own.filter(({ truth }) => truth).map(evaluate)), combined)).toEqual([]);
  });
});
