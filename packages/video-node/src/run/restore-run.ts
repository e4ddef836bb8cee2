import { isFaceDetError } from '@facedet/core';
import { openVideo, type VideoInput } from '../read/open-video.ts';
import type { VideoSource } from '../read/source.ts';
import type { Editor } from './editor.ts';
import type { Masks } from './masks.ts';
import type { ProcessVideoOptions } from './process-video-options.ts';
import type { FaceSource } from './row-player.ts';
import type { ResumePoint, ResumeState } from './resume-state.ts';
import type { RunSinks } from './run-sinks.ts';
import type { RunState } from './run-state.ts';
import { Counter } from './totals.ts';

/** What has state from frame to frame. */
export interface RunParts {
  readonly pipeline: FaceSource;
  readonly editor: Editor | undefined;
  readonly masks: Masks | undefined;
  readonly keep: ResumeState;
}

/** Where a run continues. */
export interface Restored {
  /** First frame that is read; the film lacks those up to `detectFrom`, whose rows are there. */
  readonly start: number;
  /** First frame that is detected. */
  readonly detectFrom: number;
  /** Frames that `total` has already. */
  readonly counted: number;
  readonly total: Counter;
}

/** Restores the state in which an interrupted run ended; of a new run, the beginning. */
export function restoreRun(
  { rows, film, gallery }: RunSinks,
  { pipeline, editor, masks, keep }: RunParts,
  options: ProcessVideoOptions,
): Restored & { readonly point: ResumePoint | undefined } {
  // Frames that only the film lacks are drawn from their rows, which are all there is to draw; anonymizing must detect
  // again.
  const hasRows = options.jsonl !== undefined && rows.rows.length === rows.frames;
  const isDrawable = hasRows && !options.anonymize;
  const inFilm = film?.frames ?? Infinity;
  const needed = Math.min(isDrawable ? rows.frames : Math.min(rows.frames, inFilm), gallery?.frames ?? Infinity);
  // A trail needs the rows of all frames before.
  const hasTrails = typeof options.draw === 'object' && options.draw.trails === true;
  const point = Number.isFinite(needed) && (hasRows || !hasTrails) ? keep.before(needed) : undefined;
  if (point) pipeline.restore(point.snapshot);
  else gallery?.gallery.restart();
  const detectFrom = point ? point.index + 1 : 0;
  const start = isDrawable ? Math.min(detectFrom, inFilm) : detectFrom;
  if (hasTrails) for (const row of rows.rows.slice(0, start)) editor?.next(row, row);
  masks?.restore(point?.lingering ?? []);
  const total = new Counter();
  rows.rows.forEach((row) => total.count(row));
  // Without rows that can be read again, the sums are those of the state; rows do not record damage.
  if (!hasRows && point) total.restore(point.totals);
  else if (point) total.damage = point.totals.damage;
  return { start, detectFrom, counted: hasRows ? rows.rows.length : detectFrom, total, point };
}

/** Opens the source again behind the frames that are done. */
export async function reopenSource(
  source: VideoSource,
  options: ProcessVideoOptions,
  state: RunState,
  after: { readonly index: number; readonly timestamp: number },
): Promise<void> {
  const { video } = state;
  await video.close();
  state.video = await openVideo(source, { ...options, after }).catch((error: unknown) => {
    // The last frame was done when the run was interrupted: only its files were not given their names.
    if (isFaceDetError(error) && error.code === 'VIDEO_FINISHED') return atItsEnd(video);
    throw error;
  });
}

/** A video of which every frame was seen. */
function atItsEnd(video: VideoInput): VideoInput {
  const nothing = async () => {};
  return {
    metadata: video.metadata,
    statistics: video.statistics,
    async *[Symbol.asyncIterator]() {},
    close: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}
