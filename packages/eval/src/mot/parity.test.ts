/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type MotMetrics, combineMot, evaluateMot } from './evaluate.ts';
import type { HotaCurves } from './hota.ts';
import { parseMotRows } from './track-rows.ts';

/** A sequence and its metrics by TrackEval, or those of a benchmark's sequences combined. */
interface Entry {
  readonly benchmark: string;
  readonly name: string;
  readonly truth?: readonly string[];
  readonly tracks?: readonly string[];
  readonly length?: number;
  /** Values by metric and TrackEval's field name. */
  readonly expected: Readonly<Record<string, Readonly<Record<string, number | readonly number[]>>>>;
}

// Made by tools/training/parity/trackeval_figures.py with TrackEval.
const entries = JSON.parse(readFileSync(new URL('fixtures/parity-trackeval.json', import.meta.url), 'utf8')) as Entry[];

function evaluate({ benchmark, truth, tracks, length }: Entry): MotMetrics {
  return evaluateMot({
    truth: parseMotRows(truth!.join('\n'), 'gt.txt'),
    tracks: parseMotRows(tracks!.join('\n'), 'tracks.txt'),
    length: length!,
    ...(benchmark === 'MOT20' && { distractors: [2, 6, 7, 8, 12] }),
  });
}

/** TrackEval's fields that differ by more than 1e-9, or are missing here. */
function differences(metrics: MotMetrics, { expected }: Entry): string[] {
  const deviations: string[] = [];
  const compare = (name: string, actual: number | undefined, value: number): void => {
    if (!(actual !== undefined && Math.abs(actual - value) <= 1e-9))
      deviations.push(`${name}: ${actual} instead of ${value}`);
  };
  for (const fields of Object.values(expected)) {
    for (const [field, value] of Object.entries(fields)) {
      // TrackEval counts frames separately, and calls RHOTA OWTA since version 1.1.
      if (field === 'Frames') continue;
      const name = field === 'OWTA' ? 'RHOTA' : field;
      if (typeof value === 'number') {
        compare(name, metrics[name as 'MOTA'], value);
        continue;
      }
      const curve = metrics.curves[name as keyof HotaCurves];
      value.forEach((at, k) => compare(`${name} at ${(0.05 * (k + 1)).toFixed(2)}`, curve?.[k], at));
      const mean = value.reduce((sum, at) => sum + at, 0) / value.length;
      if (!name.startsWith('HOTA_')) compare(name, metrics[name as 'HOTA'], mean);
    }
  }
  return deviations;
}

describe('evaluateMot', () => {
  it.each(entries.filter(({ truth }) => truth).map((entry) => [entry.name, entry] as const))(
    'agrees with TrackEval to 1e-9: %s',
    (_, entry) => {
      const compared = Object.values(entry.expected).flatMap((fields) => Object.values(fields).flat()).length;
      expect(compared).toBe(12 * 19 + 3 + 22 + 6 + 5);
      const deviations = differences(evaluate(entry), entry);
      // Without ground-truth boxes TrackEval sets these to 0 and MLR to 1; here its formulas apply, as in its combined
      // metrics.
      const undefinedThere = /^(MOTA|MODA|MLR|sMOTA|FP_per_frame|MOTAL): /;
      expect(entry.name === 'nobody' ? deviations.filter((line) => !undefinedThere.test(line)) : deviations).toEqual(
        [],
      );
    },
  );

  it.each(['MOT15', 'MOT17'])('combines the sequences of %s as TrackEval does, to 1e-9', (benchmark) => {
    const own = entries.filter((entry) => entry.benchmark === benchmark);
    const combined = own.find(({ name }) => name === 'COMBINED_SEQ')!;
    expect(differences(combineMot(own.filter(({ truth }) => truth).map(evaluate)), combined)).toEqual([]);
  });
});
