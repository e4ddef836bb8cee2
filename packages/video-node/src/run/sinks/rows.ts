import { openRowFiles, type RowFileOptions, type RowPaths } from '../row-files.ts';
import type { Row } from '../rows.ts';
import type { Sink } from './sink.ts';

/** Rows as text, and what an interrupted run left of them. */
export interface RowSink extends Sink {
  /** Rows of an interrupted run, where they can be read again (JSONL). */
  readonly rows: readonly Row[];
}

/** Writes rows to JSONL, MOT and CSV files. */
export function openRowSink(paths: RowPaths, options: RowFileOptions): RowSink {
  const files = openRowFiles(paths, options);
  const frames = Object.values(paths).some((path) => path !== undefined) ? files.frames : Infinity;
  return {
    frames,
    rows: files.rows,
    write({ writtenRow: row }) {
      if (frames !== Infinity && row.frame >= frames) files.write(row);
    },
    complete: files.complete,
    commit: files.commit,
    leave: files.leave,
    discard: files.discard,
  };
}
