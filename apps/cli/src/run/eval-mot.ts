import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { combineMot, evaluateMot, parseMotRows, parseSequenceInfo, type MotFigures } from '@facedet/eval';
import type { Context } from '../shared/context.ts';
import { CommandError } from '../shared/errors.ts';
import { round, table } from '../shared/output.ts';

interface Options {
  groundTruth: string;
  tracks: string;
  json?: true;
}

interface Sequence {
  name: string;
  truth: string;
  tracks: string;
  info: string | null;
}

const columns = ['HOTA', 'DetA', 'AssA', 'LocA', 'MOTA', 'MOTP', 'IDF1', 'IDP', 'IDR'] as const;
const counts = ['IDSW', 'Frag', 'MT', 'PT', 'ML'] as const;

export async function run(context: Context, options: Options): Promise<void> {
  const sequences: Record<string, MotFigures> = {};
  for (const sequence of sequencesOf(options)) {
    context.signal.throwIfAborted();
    const info = sequence.info ? parseSequenceInfo(readFileSync(sequence.info, 'utf8'), sequence.info) : {};
    const truth = parseMotRows(readFileSync(sequence.truth), sequence.truth);
    const tracks = parseMotRows(readFileSync(sequence.tracks), sequence.tracks);
    sequences[sequence.name] = evaluateMot({ truth, tracks, ...(info.length !== undefined && { length: info.length }) });
  }
  const combined = combineMot(Object.values(sequences));
  if (options.json) {
    await context.write(`${JSON.stringify({ sequences, combined }, null, 2)}\n`);
    return;
  }
  const row = (name: string, figures: MotFigures) => [name, ...columns.map((key) => round(100 * figures[key], 2)), ...counts.map((key) => figures[key])];
  const rows = Object.entries(sequences).map(([name, figures]) => row(name, figures));
  await context.write(table(['sequence', ...columns.map((key) => `${key} %`), ...counts], [...rows, row('combined', combined)], context.colors.bold));
}

/** Every sequence of the ground truth, with its tracks. A folder that is itself a sequence counts as one, and so does a file. */
function sequencesOf({ groundTruth, tracks }: Options): Sequence[] {
  if (statSync(groundTruth).isFile()) {
    if (!existsSync(tracks) || !statSync(tracks).isFile()) throw new CommandError('NOT_FOUND', `expected a file of tracks, as the ground truth is a file (${groundTruth}); there is none`, { input: tracks });
    return [{ name: basename(groundTruth).replace(/(\.gt)?\.txt$/, ''), truth: groundTruth, tracks, info: null }];
  }
  const own = truthOf(groundTruth);
  const folders = own ? [groundTruth] : readdirSync(groundTruth, { withFileTypes: true }).filter((entry) => !entry.isFile()).map((entry) => join(groundTruth, entry.name)).sort();
  const sequences = folders.flatMap((folder): Sequence[] => {
    const truth = truthOf(folder);
    if (!truth) return [];
    const name = basename(resolve(folder));
    // With one sequence, its tracks may be given as a file.
    const file = own && tracks.endsWith('.txt') ? tracks : join(tracks, `${name}.txt`);
    if (!existsSync(file)) throw new CommandError('NOT_FOUND', `expected tracks for each sequence of ${groundTruth}; there is no such file`, { input: file });
    const info = join(folder, 'seqinfo.ini');
    return [{ name, truth, tracks: file, info: existsSync(info) ? info : null }];
  });
  if (sequences.length === 0) throw new CommandError('NO_INPUT', 'expected NAME/gt/gt.txt or NAME/gt.txt in it, found neither', { input: groundTruth });
  return sequences;
}

function truthOf(folder: string): string | null {
  return [join(folder, 'gt', 'gt.txt'), join(folder, 'gt.txt')].find((file) => existsSync(file)) ?? null;
}
