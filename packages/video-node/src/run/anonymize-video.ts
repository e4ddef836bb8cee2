import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import { outputPlace } from '@facedet/files';
import type { FrameResult } from '@facedet/pipeline';
import { resolveSource, type VideoSource } from '../read/source.ts';
import type { Masks } from './masks.ts';
import { runVideo } from './process-video.ts';
import type { ProcessVideoOptions, VideoSummary } from './process-video-options.ts';
import { createRowPlayer, type PlayedRows } from './row-player.ts';
import { shortFace } from './rows.ts';
import { streamRows } from './rows-file.ts';
import { collectEvidence, decidedRow, filledRows, LOWEST_ALONE } from './track-decisions.ts';

/** Options of `anonymizeVideo`. */
export interface AnonymizeVideoOptions extends Omit<
  ProcessVideoOptions,
  'anonymize' | 'output' | 'show' | 'lookAhead'
> {
  /** The video to write. */
  output: string;
  /** How faces are masked. Default: as in `anonymizePixels`. */
  anonymize?: ProcessVideoOptions['anonymize'];
  /**
   * Seconds for which a face is masked before its first and after its last detection. Higher leaves fewer faces bare
   * and masks more of the background. Default 0.5.
   */
  hold?: number;
  /**
   * Every detection from this score up is masked. Without it, a track is masked if all its detections together say that
   * it is a face, and a single detection if its score is high: more faces are masked, and less of the background.
   */
  score?: number;
}

/** Seconds for which a face is masked before its first and after its last detection. */
const HOLD = 0.5;

/** Seconds in which a track is confirmed: its detections before that are then in the rows, too. */
const TENTATIVE = 0.25;

/**
 * Anonymizes a video file, a folder or a pattern of pictures in two passes: the first detects and follows, then it is
 * decided with all that is known of a track whether it is a face, and the second masks. `output`, `jsonl` and the
 * gallery get what was decided. The detector needs a low score threshold (0.1), as weak detections count too where they
 * belong to a track.
 *
 * The rows of the first pass are in `NAME.partial.analysis.jsonl` beside the output until the end, so that `resume`
 * continues either pass. Throws what `processVideo` throws, `INVALID_ARGUMENT` for sources that can be read only once
 * (pipes, cameras, streams; `processVideo` anonymizes those) and outputs that are not files, and `TRACKS_INCOMPLETE`
 * where the file changes between the passes.
 */
export async function anonymizeVideo(
  source: VideoSource,
  { hold = HOLD, score, ...options }: AnonymizeVideoOptions,
): Promise<VideoSummary> {
  const analysis = analysisPath(options.output);
  if (analysis === undefined || !(await isReadTwice(source)))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a file, a folder or a pattern that can be read twice, and a file to write, but received ` +
        `${String(source)} and ${options.output}; use processVideo for pipes, cameras and streams.`,
    );
  const { anonymize = true, keepPartial } = options;
  // What decides the masks belongs into the manifest.
  const decisive = { ...options, anonymize, masking: { hold, ...(score !== undefined && { score }) } };
  const player = createRowPlayer(() => analyze(source, decisive, analysis));
  try {
    const summary = await runVideo(source, decisive, { faces: player });
    await rm(analysis, { force: true });
    return summary;
  } catch (error) {
    if (!options.signal?.aborted && keepPartial?.(error) === false) await rm(analysis, { force: true });
    throw error;
  }
}

/** Where the rows of the first pass are; undefined where the output is not a file. */
export function analysisPath(output: string): string | undefined {
  const place = outputPlace(output, { media: true });
  return place.kind === 'file' ? `${place.target}.partial.analysis.jsonl` : undefined;
}

/** Whether a source can be read a second time. */
export async function isReadTwice(source: VideoSource): Promise<boolean> {
  const resolved = await resolveSource(source);
  return resolved.kind === 'pictures' || (resolved.kind === 'file' && statSync(resolved.path).isFile());
}

/** All that decides the masks and the picture. */
type DecisiveOptions = Omit<AnonymizeVideoOptions, 'hold' | 'score'> & {
  readonly masking: { readonly hold: number; readonly score?: number };
};

/** Options that the first pass has no use for. */
const OF_SECOND_PASS = new Set<string>([
  'output',
  'anonymize',
  'masking',
  'encoding',
  'draw',
  'mot',
  'csv',
  'gallery',
  'galleryPage',
  'onStart',
  'onFrame',
] satisfies (keyof DecisiveOptions)[]);

/** The first pass: what is masked in each frame. */
async function analyze(source: VideoSource, options: DecisiveOptions, analysis: string): Promise<PlayedRows> {
  const { onProgress, masking, anonymize, encoding, draw } = options;
  const { hold, score } = masking;
  const detection = Object.fromEntries(
    Object.entries(options).filter(([name]) => !OF_SECOND_PASS.has(name)),
  ) as unknown as ProcessVideoOptions;
  // A run that is interrupted in this pass is only continued with the settings of both.
  const rendering = { masking, anonymize, encoding, draw };
  const summary = await runVideo(
    source,
    {
      ...detection,
      ...{ rendering },
      lookAhead: TENTATIVE,
      jsonl: analysis,
      ...(onProgress && { onProgress: (progress) => onProgress({ ...progress, pass: 'analysis' }) }),
    },
    { masks: candidates(Math.min(score ?? 1, LOWEST_ALONE)) },
  );
  const { width, height } = summary.metadata;
  const deciding = { shorterSide: Math.min(width, height), ...(score !== undefined && { score }) };
  const evidence = collectEvidence(deciding);
  for await (const row of streamRows(analysis)) evidence.add(row);
  const masked = new Set(
    evidence
      .decide()
      .filter(({ isMasked }) => isMasked)
      .map(({ id }) => id),
  );
  const rows = [];
  for await (const { analysis: _, ...row } of streamRows(analysis)) rows.push(decidedRow(row, masked, deciding));
  return {
    rows: filledRows(rows, hold),
    statistics: summary,
    ...(summary.firstFailure !== undefined && { firstFailure: summary.firstFailure }),
  };
}

/** Adds detections without a track that may be masked. */
function candidates(lowest: number): Masks {
  return {
    next: (row, unassigned: FrameResult['unassigned']) => ({
      ...row,
      faces: [
        ...row.faces,
        ...unassigned
          .filter(({ score }) => score >= lowest)
          .map((face) => shortFace({ ...face, id: null, state: 'detected' })),
      ],
    }),
    lingering: () => [],
    restore() {},
  };
}
