import type { VideoStatistics } from '@facedet/pipeline';
import type { ProcessVideoOptions } from './process-video-options.ts';
import type { RunState } from './run-state.ts';
import { openFilmSink, type FilmSink } from './sinks/film.ts';
import { openGallerySink, type GallerySink } from './sinks/gallery.ts';
import { previewSink } from './sinks/preview.ts';
import { openRowSink, type RowSink } from './sinks/rows.ts';
import type { StartedRun } from './start-run.ts';

/** Tracks that the gallery of a source without an end keeps: the newest, some 3 MB of `tracks.json`. */
const LIVE_TRACKS = 10_000;

/** A run's outputs. */
export interface RunSinks {
  readonly rows: RowSink;
  readonly film: FilmSink | undefined;
  readonly gallery: GallerySink | undefined;
}

/** Opens the outputs of a run; those that are open are in `state.sinks`, also where another one fails to open. */
export async function openSinks(
  { targets, continues: resume }: StartedRun,
  options: ProcessVideoOptions,
  state: RunState,
  statistics: () => VideoStatistics,
): Promise<RunSinks> {
  const { show, galleryPage } = options;
  const { output, gallery: folder, jsonl, mot, csv } = targets;
  const { metadata } = state;
  const hasOthers = output !== undefined || folder !== undefined || show !== undefined;
  const rows = openRowSink({ jsonl, mot, csv }, { resume, hasOthers, isLocked: true });
  state.sinks = [rows];
  const film =
    output === undefined ? undefined : await openFilmSink(output, { ...options.encoding, like: metadata, resume });
  if (film) state.sinks = [film, rows];
  const gallery =
    folder === undefined
      ? undefined
      : await openGallerySink(folder, {
          source: metadata.source,
          resume,
          ...(metadata.live && { limit: LIVE_TRACKS }),
          ...(galleryPage && { page: galleryPage }),
        });
  state.sinks = [
    // What can be named again after an interruption comes first.
    ...(gallery ? [gallery] : []),
    ...(film ? [film] : []),
    rows,
    ...(show ? [previewSink(show, options, statistics)] : []),
  ];
  return { rows, film, gallery };
}
