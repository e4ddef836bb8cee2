import { isFaceDetError } from '@facedet/core';
import { idRanges } from '@facedet/files';
import { readRows, type RowsFile } from '@facedet/video-node';
import { usageError } from '../shared/errors.ts';
import { shown } from '../shared/shown.ts';
import type { AnonymizeFlags } from './anonymize-flags.ts';
import type { Job } from './anonymize-job.ts';

/** Options that have no effect with `--tracks`, which runs no detector and is done at once. */
const IDLE_WITH_ROWS = {
  model: '--model',
  size: '--size',
  pixels: '--pixels',
  rotate: '--rotate',
  preset: '--preset',
  score: '--score',
  iou: '--iou',
  maxFaces: '--max-faces',
  tiles: '--tiles',
  clahe: '--clahe',
  lookAhead: '--look-ahead',
  detectEvery: '--detect-every',
  trackerPreset: '--tracker-preset',
  resume: '--resume',
  jsonl: '--jsonl',
  gallery: '--gallery',
} as const;

/**
 * The rows of `--tracks`, checked. Ends the command with exit code 2 where they can't be read, lack an ID of `--keep`,
 * or were not made by anonymizing; also for `--keep` without rows.
 */
export async function checkedRows(
  jobs: readonly Job[],
  flags: AnonymizeFlags,
  isFolderRun: boolean,
): Promise<RowsFile | undefined> {
  const { tracks, keep } = flags;
  if (tracks === undefined) {
    if (keep !== undefined) throw usageError(keepNeedsRows(jobs));
    checkAnalysisOutputs(jobs, flags, isFolderRun);
    return undefined;
  }
  checkIdle(flags);
  if (jobs.length !== 1) throw usageError(`expected one video for --tracks but received ${jobs.length} inputs`);
  const { input, video } = jobs[0]!;
  if (!video)
    throw usageError(
      `expected a video for --tracks but ${shown(input.source, 200)} is a picture or of an unknown format`,
    );
  const rows = await readRows(tracks).catch((error: unknown) => {
    if (isFaceDetError(error)) throw usageError(error.message, error.code);
    throw error;
  });
  if (rows.analysis && !rows.analysis.isAnonymized)
    throw usageError(
      `${tracks}: expected rows of facedet anonymize but received rows of an analysis that finds fewer faces; those ` +
        `that they lack would stay visible. Make new ones: ${analysisCommand(input.source, tracks)}`,
    );
  const unknown = (keep ?? []).filter((id) => !rows.ids.includes(id));
  if (unknown.length > 0)
    throw usageError(
      `expected track IDs of ${tracks} for --keep (${rows.ids.length > 0 ? idRanges(rows.ids) : 'it has none'}) but ` +
        `received ${unknown.join(', ')}`,
    );
  return rows;
}

function checkIdle(flags: AnonymizeFlags): void {
  const idle = (Object.keys(IDLE_WITH_ROWS) as (keyof typeof IDLE_WITH_ROWS)[]).filter(
    (name) => flags[name] !== undefined,
  );
  if (idle.length > 0)
    throw usageError(
      `${idle.map((name) => IDLE_WITH_ROWS[name]).join(', ')} ${idle.length === 1 ? 'has' : 'have'} no effect with ` +
        '--tracks, which runs no detector; leave out one of them',
    );
}

/** Rows and a gallery belong to one video. */
function checkAnalysisOutputs(jobs: readonly Job[], { jsonl, gallery }: AnonymizeFlags, isFolderRun: boolean): void {
  const asked = [jsonl !== undefined && '--jsonl', gallery !== undefined && '--gallery'].filter(Boolean).join(' and ');
  if (asked === '' || (!isFolderRun && jobs[0]!.video)) return;
  const received = isFolderRun ? 'a folder, a pattern or several inputs' : 'a picture';
  throw usageError(`expected one video for ${asked} but received ${received}`);
}

function keepNeedsRows(jobs: readonly Job[]): string {
  if (jobs.length > 0 && jobs.every(({ video }) => !video))
    return 'expected a video for --keep but received pictures, which have no track IDs';
  const source = jobs.find(({ video }) => video)?.input.source ?? 'IN';
  return (
    'expected --keep together with --tracks: IDs are those of an analysis of the same file. Analyze it, ' +
    `${analysisCommand(source, 'rows.jsonl')} --gallery tracks, then repeat the command with --tracks rows.jsonl`
  );
}

function analysisCommand(source: string, rows: string): string {
  return `facedet anonymize ${shown(source, 200)} -o OUT --jsonl ${shown(rows, 200)}`;
}
