import { csvLines, CSV_HEADER, jsonLine, motLines, parseRow, type Row } from './rows.ts';
import { linesLeft, openPartialText } from './partial-text.ts';

/** Where rows go. */
export interface RowPaths {
  readonly jsonl?: string | undefined;
  readonly mot?: string | undefined;
  readonly csv?: string | undefined;
}

/** The rows' files in the making. */
export interface RowFiles {
  /** Frames whose rows an interrupted run left whole; the next frame to write has this number. */
  readonly frames: number;
  /** The rows that are there, where they can be read again (JSONL). */
  readonly rows: readonly Row[];
  write(row: Row): void;
  /** Flushes the files to the disk. */
  complete(): void;
  /** Gives the files their final names. */
  commit(): void;
  leave(): void;
}

/**
 * Opens the files of rows. With `resume`, what an interrupted run left is kept up to the last frame that is whole in all of them. JSONL
 * has a line for every frame and is written last; without it, the last frame that MOT or CSV show may be only half there, and is
 * written again.
 */
export function openRowFiles(paths: RowPaths, resume: boolean): RowFiles {
  const left = resume ? { jsonl: read(paths.jsonl), mot: read(paths.mot), csv: read(paths.csv)?.slice(1) } : {};
  const frameOf = { mot: (line: string) => Number(line.split(',', 1)[0]) - 1, csv: (line: string) => Number(line.split(',', 1)[0]) };
  const whole = left.jsonl ? left.jsonl.length : Math.min(...(['mot', 'csv'] as const).flatMap((kind) => (paths[kind] ? [lastFrame(left[kind], frameOf[kind])] : [])));
  // A file that is asked for but is not there makes all of them begin anew.
  const missing = (['jsonl', 'mot', 'csv'] as const).some((kind) => paths[kind] && !left[kind]);
  const frames = missing || !Number.isFinite(whole) ? 0 : whole;
  const keep = (lines: string[] | undefined, frame: (line: string) => number) => (lines ?? []).filter((line) => frame(line) < frames);
  const jsonl = paths.jsonl ? openPartialText(paths.jsonl, left.jsonl?.slice(0, frames)) : undefined;
  const mot = paths.mot ? openPartialText(paths.mot, keep(left.mot, frameOf.mot)) : undefined;
  const csv = paths.csv ? openPartialText(paths.csv, frames > 0 ? [CSV_HEADER.trimEnd(), ...keep(left.csv, frameOf.csv)] : []) : undefined;
  if (frames === 0) csv?.write(CSV_HEADER);
  const files = [mot, csv, jsonl].filter((file) => file !== undefined);
  return {
    frames,
    rows: (left.jsonl ?? []).slice(0, frames).map(parseRow),
    write(row) {
      if (mot && row.faces.length > 0) mot.write(motLines(row));
      if (csv && row.faces.length > 0) csv.write(csvLines(row));
      jsonl?.write(jsonLine(row));
    },
    complete: () => files.forEach((file) => file.complete()),
    commit: () => files.forEach((file) => file.commit()),
    leave: () => files.forEach((file) => file.leave()),
  };
}

function read(path: string | undefined): string[] | undefined {
  return path === undefined ? undefined : linesLeft(path);
}

function lastFrame(lines: string[] | undefined, frameOf: (line: string) => number): number {
  const last = lines?.at(-1);
  return last ? frameOf(last) : 0;
}
