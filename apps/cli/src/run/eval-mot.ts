import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { combineMot, evaluateMot, parseMotRows, parseSequenceInfo, type MotMetrics } from '@facedet/eval/mot';
import type { Context } from '../shared/context.ts';
import { CommandError } from '../shared/errors.ts';
import { round, table } from '../shared/output.ts';

interface Options {
  groundTruth: string;
  tracks: string;
  json?: true;
}

/** The files of a sequence. */
interface Sequence {
  name: string;
  truth: string;
  tracks: string;
  info: string | null;
}

const percentages = ['HOTA', 'DetA', 'AssA', 'LocA', 'MOTA', 'MOTP', 'IDF1', 'IDP', 'IDR'] as const;
const counts = ['IDSW', 'Frag', 'MT', 'PT', 'ML'] as const;

export async function run(context: Context, options: Options): Promise<void> {
  const sequences: Record<string, MotMetrics> = {};
  for (const sequence of sequencesOf(options)) {
    context.signal.throwIfAborted();
    const info = sequence.info ? parseSequenceInfo(readFileSync(sequence.info, 'utf8'), sequence.info) : {};
    const truth = parseMotRows(readFileSync(sequence.truth), sequence.truth);
    const tracks = parseMotRows(readFileSync(sequence.tracks), sequence.tracks);
    const length = info.length !== undefined && { length: info.length };
    sequences[sequence.name] = evaluateMot({ truth, tracks, ...length });
  }
  const combined = combineMot(Object.values(sequences));
  if (options.json) {
    await context.write(`${JSON.stringify({ sequences, combined }, null, 2)}\n`);
    return;
  }
  const rows = [...Object.entries(sequences), ['combined', combined] as const].map(([name, metrics]) => [
    name,
    ...percentages.map((key) => round(100 * metrics[key], 2)),
    ...counts.map((key) => metrics[key]),
  ]);
  const header = ['sequence', ...percentages.map((key) => `${key} %`), ...counts];
  await context.write(table(header, rows, context.colors.bold));
}

/** All sequences of the ground truth, with their tracks: a folder of sequences, one sequence's folder, or one file. */
function sequencesOf({ groundTruth, tracks }: Options): Sequence[] {
  if (statSync(groundTruth).isFile()) return [sequenceOfFiles(groundTruth, tracks)];
  const isSequence = truthFileOf(groundTruth) !== null;
  const folders = isSequence ? [groundTruth] : subfoldersOf(groundTruth);
  const sequences = folders.flatMap((folder): Sequence[] => {
    const truth = truthFileOf(folder);
    if (!truth) return [];
    const name = basename(resolve(folder));
    // For a single sequence, tracks may be a file.
    const file = isSequence && tracks.endsWith('.txt') ? tracks : join(tracks, `${name}.txt`);
    if (!existsSync(file)) {
      const message = `expected tracks for each sequence of ${groundTruth} but received no such file`;
      throw new CommandError('NOT_FOUND', message, { input: file });
    }
    const info = join(folder, 'seqinfo.ini');
    return [{ name, truth, tracks: file, info: existsSync(info) ? info : null }];
  });
  if (sequences.length === 0) {
    const message = 'expected a folder of NAME/gt/gt.txt or NAME/gt.txt but received one without either';
    throw new CommandError('NO_INPUT', message, { input: groundTruth });
  }
  return sequences;
}

function sequenceOfFiles(truth: string, tracks: string): Sequence {
  if (!existsSync(tracks) || !statSync(tracks).isFile()) {
    const message = `expected a file of tracks, as the ground truth is a file (${truth}), but received no file`;
    throw new CommandError('NOT_FOUND', message, { input: tracks });
  }
  return { name: basename(truth).replace(/(\.gt)?\.txt$/, ''), truth, tracks, info: null };
}

function subfoldersOf(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isFile());
  return entries.map((entry) => join(folder, entry.name)).sort();
}

function truthFileOf(folder: string): string | null {
  return [join(folder, 'gt', 'gt.txt'), join(folder, 'gt.txt')].find((file) => existsSync(file)) ?? null;
}
