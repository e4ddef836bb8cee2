import { existsSync, readFileSync } from 'node:fs';
import { FaceDetError } from '@facedet/core';
import { openOutput, outputPlace, printable, type OutputFile } from '@facedet/files';
import { csvLines, CSV_HEADER, jsonLine, motLines, parseRow, type Row } from './rows.ts';

/** Where rows go. */
export interface RowPaths {
  readonly jsonl?: string | undefined;
  readonly mot?: string | undefined;
  readonly csv?: string | undefined;
}

/** The files of rows in progress. */
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
  /** Removes the files. */
  discard(): void;
}

/** Options of `openRowFiles`. */
export interface RowFileOptions {
  readonly resume: boolean;
  /** Whether the run has other outputs, for which it goes on when the reader of a pipe has ended. */
  readonly hasOthers?: boolean;
  /** The caller holds the outputs' locks. */
  readonly isLocked?: boolean;
}

/**
 * Opens the files of rows; pipes, devices and `-` (standard output) are written to as they are. With `resume`, what an
 * interrupted run left is kept up to the last frame that is whole in all of them. JSONL has a line for every frame and
 * is written last; without it, the last frame that MOT or CSV show may be only half there, and is written again.
 *
 * Writing throws `OUTPUT_CLOSED` when the reader of a pipe has ended and nothing else is written; also `DISK_FULL` and
 * `OUTPUT_UNWRITABLE`.
 */
export function openRowFiles(
  paths: RowPaths,
  { resume, hasOthers = false, isLocked = false }: RowFileOptions,
): RowFiles {
  const left = resume
    ? { jsonl: wholeRows(read(paths.jsonl)), mot: read(paths.mot), csv: read(paths.csv)?.slice(1) }
    : {};
  const frames = framesOf(paths, left);
  const opened: OutputFile[] = [];
  const open = (path: string | undefined, keep: readonly string[] = []) => {
    if (path === undefined) return undefined;
    const keepBytes = keep.reduce((bytes, line) => bytes + Buffer.byteLength(line) + 1, 0);
    const file = openOutput(path, { keepBytes, isLocked });
    opened.push(file);
    return file;
  };
  const keep = (lines: string[] | undefined, frame: (line: string) => number) =>
    (lines ?? []).filter((line) => frame(line) < frames);
  let files: Record<'jsonl' | 'mot' | 'csv', OutputFile | undefined>;
  try {
    files = {
      jsonl: open(paths.jsonl, left.jsonl?.slice(0, frames)),
      mot: open(paths.mot, keep(left.mot, FRAME_OF.mot)),
      csv: open(paths.csv, frames > 0 ? [CSV_HEADER.trimEnd(), ...keep(left.csv, FRAME_OF.csv)] : []),
    };
  } catch (error) {
    for (const file of opened) file.discard();
    throw error;
  }
  const { jsonl, mot, csv } = files;
  const write = writerOf(hasOthers, opened.length);
  if (frames === 0 && csv) write(csv, CSV_HEADER);
  const inOrder = [mot, csv, jsonl].filter((file) => file !== undefined);
  return {
    frames,
    rows: (left.jsonl ?? []).slice(0, frames).map(parseRow),
    write(row) {
      if (mot && row.faces.length > 0) write(mot, motLines(row));
      if (csv && row.faces.length > 0) write(csv, csvLines(row));
      if (jsonl) write(jsonl, jsonLine(row));
    },
    complete: () => inOrder.forEach((file) => file.complete()),
    commit: () => inOrder.forEach((file) => file.commit()),
    leave: () => inOrder.forEach((file) => file.leave()),
    discard: () => inOrder.forEach((file) => file.discard()),
  };
}

/** The rows up to the first line that is damaged or not of the next frame. */
function wholeRows(lines: string[] | undefined): string[] | undefined {
  const end = lines?.findIndex((line, frame) => {
    try {
      return parseRow(line).frame !== frame;
    } catch {
      return true;
    }
  });
  return end === undefined || end < 0 ? lines : lines!.slice(0, end);
}

const FRAME_OF = {
  mot: (line: string) => Number(line.split(',', 1)[0]) - 1,
  csv: (line: string) => Number(line.split(',', 1)[0]),
};

/** Frames that are whole in all files; a file that is asked for but is not there makes all of them start over. */
function framesOf(paths: RowPaths, left: Partial<Record<keyof RowPaths, string[] | undefined>>): number {
  const kinds = (['jsonl', 'mot', 'csv'] as const).filter((kind) => paths[kind] !== undefined);
  if (kinds.length === 0 || kinds.some((kind) => left[kind] === undefined)) return 0;
  if (left.jsonl) return left.jsonl.length;
  return Math.min(
    ...(['mot', 'csv'] as const).flatMap((kind) => (paths[kind] ? [lastFrame(left[kind], FRAME_OF[kind])] : [])),
  );
}

/** Writes to a file. A pipe whose reader has ended gets nothing any more, as long as there are other outputs. */
function writerOf(hasOthers: boolean, count: number): (file: OutputFile, text: string) => void {
  const ended = new Set<OutputFile>();
  return (file, text) => {
    if (ended.has(file)) return;
    try {
      file.write(text);
    } catch (error) {
      if (!file.isStream || !isBrokenPipe(error)) throw error;
      ended.add(file);
      if (hasOthers || ended.size < count) return;
      throw new FaceDetError(
        'OUTPUT_CLOSED',
        `${printable(file.path, 200)}: expected a reader of the rows but it has ended; nothing else is written.`,
        { cause: error },
      );
    }
  };
}

function isBrokenPipe(error: unknown): boolean {
  return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
}

/** The whole lines of a file that an interrupted run left; undefined where there is no such file. */
function read(path: string | undefined): string[] | undefined {
  if (path === undefined) return undefined;
  const place = outputPlace(path);
  if (place.kind === 'stream' || !existsSync(place.partialPath)) return undefined;
  return readFileSync(place.partialPath, 'utf8').split('\n').slice(0, -1);
}

function lastFrame(lines: string[] | undefined, frameOf: (line: string) => number): number {
  const last = lines?.at(-1);
  return last ? frameOf(last) : 0;
}
