import { readFileSync } from 'node:fs';
import { evaluateMot, evaluateStability, frameTimes, parseMotRows, parseTrackJsonl, type MotFigures, type StabilityFigures, type TimedTracks, type TrackRows } from '@facedet/eval';
import type { Context } from '../shared/context.ts';
import { round, table } from '../shared/output.ts';

interface Options {
  groundTruth?: string;
  fps: number;
  json?: true;
}

type Figures = StabilityFigures & { tracking?: Omit<MotFigures, 'curves'> };

export async function run(context: Context, { groundTruth, fps, json }: Options, files: string[]): Promise<void> {
  const truth = groundTruth === undefined ? undefined : readRows(groundTruth);
  const results: Record<string, Figures> = {};
  for (const file of files) {
    context.signal.throwIfAborted();
    try {
      results[file] = evaluate(readRows(file), truth, fps);
    } catch (error) {
      context.fail(file, error);
    }
  }
  const names = Object.keys(results);
  if (json) await context.write(`${JSON.stringify(files.length === 1 && names.length === 1 ? results[names[0]!] : results, null, 2)}\n`);
  else if (names.length > 0) await context.write(overview(context, results, truth !== undefined));
}

/** Rows of a file; MOT text tells no times. */
type Rows = TimedTracks | { rows: TrackRows; times: null };

function readRows(file: string): Rows {
  const content = readFileSync(file);
  // MOT text begins with a number.
  if (/\.(jsonl|ndjson)(\.partial)?$/i.test(file) || content.subarray(0, 64).toString().trimStart().startsWith('{')) return parseTrackJsonl(content.toString(), file);
  return { rows: parseMotRows(content, file), times: null };
}

function evaluate(tracks: Rows, truth: Rows | undefined, fps: number): Figures {
  const last = (rows: TrackRows | undefined): number => rows?.frames.reduce((most, frame) => Math.max(most, frame), 0) ?? 0;
  const times = tracks.times ?? truth?.times ?? frameTimes(Math.max(last(tracks.rows), last(truth?.rows)), fps);
  const figures = evaluateStability({ rows: tracks.rows, times }, truth?.rows);
  if (!truth) return figures;
  const { curves: _, ...tracking } = evaluateMot({ truth: truth.rows, tracks: tracks.rows, length: times.length });
  return { ...figures, tracking };
}

function overview(context: Context, results: Record<string, Figures>, hasTruth: boolean): string {
  const rows = (name: (figures: Figures) => (string | number | null)[]) => Object.entries(results).map(([file, figures]) => [file, ...name(figures)]);
  const digits = (value: number | null | undefined, count: number, times = 1) => (value === null || value === undefined ? null : round(times * value, count));
  const own = table(
    ['tracks', 'frames', 'identities', 'jitter px', 'jitter %', 'size jitter px', 'size jitter %', 'acceleration', 'interruptions', 'flicker /s'],
    rows(({ frames, identities, jitter, accelerationEnergy, fragmentations, flickerPerSecond }) => [frames, identities, digits(jitter.centerPx, 3), digits(jitter.center, 3, 100), digits(jitter.sizePx, 3), digits(jitter.size, 3, 100), digits(accelerationEnergy, 2), fragmentations, digits(flickerPerSecond, 3)]),
    context.colors.bold,
  );
  if (!hasTruth) return own;
  const against = table(
    ['against truth', 'MOTA %', 'IDF1 %', 'HOTA %', 'jitter px', 'jitter %', 'size jitter px', 'error px', 'lag ms', 'trail ms', 'acceleration', 'interruptions', 'switches', 'flicker /s'],
    rows(({ againstTruth: truth, tracking }) => [
      digits(tracking?.MOTA, 2, 100), digits(tracking?.IDF1, 2, 100), digits(tracking?.HOTA, 2, 100),
      digits(truth?.jitter.centerPx, 3), digits(truth?.jitter.center, 3, 100), digits(truth?.jitter.sizePx, 3), digits(truth?.centerErrorPx, 3),
      digits(truth?.lagSeconds, 1, 1000), digits(truth?.trailSeconds, 1, 1000), digits(truth?.accelerationEnergy, 2),
      truth?.fragmentations ?? null, truth?.identitySwitches ?? null, digits(truth?.flickerPerSecond, 3),
    ]),
    context.colors.bold,
  );
  return `${own}\n${against}`;
}
