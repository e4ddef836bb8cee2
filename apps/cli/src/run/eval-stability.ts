import { readFileSync } from 'node:fs';
import { evaluateMot, parseMotRows, type MotMetrics, type TrackRows } from '@facedet/eval/mot';
import {
  evaluateStability,
  frameTimes,
  parseTrackJsonl,
  type StabilityMetrics,
  type TimedTracks,
} from '@facedet/eval/stability';
import type { Context } from '../shared/context.ts';
import { round, table } from '../shared/output.ts';

interface Options {
  groundTruth?: string;
  fps: number;
  json?: true;
}

type Metrics = StabilityMetrics & { tracking?: Omit<MotMetrics, 'curves'> };

export async function run(context: Context, { groundTruth, fps, json }: Options, files: string[]): Promise<void> {
  const truth = groundTruth === undefined ? undefined : readRows(groundTruth);
  const results: Record<string, Metrics> = {};
  for (const file of files) {
    context.signal.throwIfAborted();
    try {
      results[file] = evaluate(readRows(file), truth, fps);
    } catch (error) {
      context.fail(file, error);
    }
  }
  const names = Object.keys(results);
  if (json) {
    const output = files.length === 1 && names.length === 1 ? results[names[0]!] : results;
    await context.write(`${JSON.stringify(output, null, 2)}\n`);
  } else if (names.length > 0) {
    const { bold } = context.colors;
    const own = table(...tableOf('tracks', ownColumns, results), bold);
    const against = truth && table(...tableOf('against ground truth', truthColumns, results), bold);
    await context.write(against === undefined ? own : `${own}\n${against}`);
  }
}

/** Rows of a file; MOT text has no timestamps. */
type Rows = TimedTracks | { rows: TrackRows; times: null };

function readRows(file: string): Rows {
  const content = readFileSync(file);
  // MOT text begins with a number.
  const isJson = content.subarray(0, 64).toString().trimStart().startsWith('{');
  if (isJson || /\.(jsonl|ndjson)(\.partial)?$/i.test(file)) return parseTrackJsonl(content.toString(), file);
  return { rows: parseMotRows(content, file), times: null };
}

function evaluate(tracks: Rows, truth: Rows | undefined, fps: number): Metrics {
  const lastFrame = (rows: TrackRows | undefined): number =>
    rows?.frames.reduce((last, frame) => Math.max(last, frame), 0) ?? 0;
  const length = Math.max(lastFrame(tracks.rows), lastFrame(truth?.rows));
  const times = tracks.times ?? truth?.times ?? frameTimes(length, fps);
  const stability = evaluateStability({ rows: tracks.rows, times }, truth?.rows);
  if (!truth) return stability;
  const { curves: _, ...tracking } = evaluateMot({ truth: truth.rows, tracks: tracks.rows, length: times.length });
  return { ...stability, tracking };
}

type Column = readonly [header: string, value: (metrics: Metrics) => string | number | null];

function digits(value: number | null | undefined, count: number, factor = 1): number | null {
  return value === null || value === undefined ? null : round(factor * value, count);
}

const ownColumns: readonly Column[] = [
  ['frames', ({ frames }) => frames],
  ['track IDs', ({ tracks }) => tracks],
  ['jitter px', ({ jitter }) => digits(jitter.centerPx, 3)],
  ['jitter %', ({ jitter }) => digits(jitter.center, 3, 100)],
  ['size jitter px', ({ jitter }) => digits(jitter.sizePx, 3)],
  ['size jitter %', ({ jitter }) => digits(jitter.size, 3, 100)],
  ['acceleration', ({ accelerationEnergy }) => digits(accelerationEnergy, 2)],
  ['interruptions', ({ fragmentations }) => fragmentations],
  ['flicker /s', ({ flickerPerSecond }) => digits(flickerPerSecond, 3)],
];

const truthColumns: readonly Column[] = [
  ['MOTA %', ({ tracking }) => digits(tracking?.MOTA, 2, 100)],
  ['IDF1 %', ({ tracking }) => digits(tracking?.IDF1, 2, 100)],
  ['HOTA %', ({ tracking }) => digits(tracking?.HOTA, 2, 100)],
  ['jitter px', ({ againstTruth }) => digits(againstTruth?.jitter.centerPx, 3)],
  ['jitter %', ({ againstTruth }) => digits(againstTruth?.jitter.center, 3, 100)],
  ['size jitter px', ({ againstTruth }) => digits(againstTruth?.jitter.sizePx, 3)],
  ['error px', ({ againstTruth }) => digits(againstTruth?.centerErrorPx, 3)],
  ['lag ms', ({ againstTruth }) => digits(againstTruth?.lagSeconds, 1, 1000)],
  ['position lag ms', ({ againstTruth }) => digits(againstTruth?.positionLagSeconds, 1, 1000)],
  ['acceleration', ({ againstTruth }) => digits(againstTruth?.accelerationEnergy, 2)],
  ['interruptions', ({ againstTruth }) => againstTruth?.fragmentations ?? null],
  ['ID switches', ({ againstTruth }) => againstTruth?.idSwitches ?? null],
  ['flicker /s', ({ againstTruth }) => digits(againstTruth?.flickerPerSecond, 3)],
];

/** Header and rows of a table, one row per file. */
function tableOf(title: string, columns: readonly Column[], results: Record<string, Metrics>) {
  const header = [title, ...columns.map(([name]) => name)];
  const rows = Object.entries(results).map(([file, metrics]) => [file, ...columns.map(([, value]) => value(metrics))]);
  return [header, rows] as const;
}
