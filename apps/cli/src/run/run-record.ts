import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileStamp, makeFolder, replaceFile } from '@facedet/files';
import { modelCacheDir } from '@facedet/models/node';
import { createFolder, refuseUnwritable } from '../shared/check-outputs.ts';
import { usageError } from '../shared/errors.ts';
import { place } from '../shared/paths.ts';

/**
 * Which files of a run are done. The record of a folder is in it while the run goes on and after it was interrupted, in
 * the cache folder when the run is over; that of a single file is only there.
 */
export interface RunRecord {
  /** Whether no file is done. */
  readonly isEmpty: boolean;
  /** Whether an earlier run with the same settings has made this output of this input, and both are as they were. */
  isDone(input: string, output: string): boolean;
  /** Whether this output is as an earlier run made it, but of another input, or the input was changed since. */
  isOfOther(input: string, output: string): boolean;
  /** Notes that an output is complete. */
  done(input: string, output: string): void;
  /** Nothing is done: nothing is kept. */
  remove(): void;
  /** The run is over: the record goes to the cache folder, so that only results are in the output folder. */
  moveAway(): void;
}

const NAME = '.facedet-run.partial.json';

interface Entry {
  readonly output: string;
  readonly input: string;
  readonly inputStamp: string;
  readonly outputStamp: string;
}

/** Options of `openRunRecord`. */
export interface RunRecordOptions {
  /** Goes on with the record of an earlier run. */
  readonly resume: boolean;
  /** Whether the output is a folder that is filled. */
  readonly isFolder: boolean;
}

/**
 * Opens the record of a run: a line of settings, then one for each file that is done. With `resume`, ends the command
 * with exit code 2 and `RESUME_MISMATCH` where the earlier run had other settings and something that it made is still
 * there.
 */
export function openRunRecord(
  output: string,
  settings: Readonly<Record<string, unknown>>,
  { resume, isFolder }: RunRecordOptions,
): RunRecord {
  const away = awayPath(output, isFolder);
  const path = isFolder ? join(output, NAME) : away;
  const header = JSON.stringify({ format: 1, settings });
  const isInterrupted = isFolder && existsSync(path);
  const [before, ...lines] = resume ? linesOf(isInterrupted ? path : away) : [];
  const left = lines.flatMap((line) => entryOf(line) ?? []);
  const isThere = ({ output: made, outputStamp }: Entry) => outputStamp === fileStamp(made);
  const differing = before === undefined ? undefined : differences(before, settings);
  const isRefused =
    differing === 'unreadable' ? isInterrupted : differing && differing.length > 0 && left.some(isThere);
  if (differing && isRefused) {
    const what = differing === 'unreadable' ? 'a record that cannot be read' : differing.join('; ');
    throw usageError(
      `${output}: expected the settings of the earlier run but received others: ${what}. ` +
        `Use the same again, or leave out --resume to make ${isFolder ? 'all files' : 'it'} again.`,
      'RESUME_MISMATCH',
    );
  }
  const entries = new Map(differing?.length === 0 ? left.map((entry) => [entry.output, entry]) : []);
  const text = () => `${[header, ...[...entries.values()].map((entry) => JSON.stringify(entry))].join('\n')}\n`;
  if (isFolder) {
    createFolder(output);
    // The last line of the one that is there may have been cut off in the middle.
    refuseUnwritable(() => replaceFile(path, text()));
    quietly(() => rmSync(away, { force: true }));
  }
  return {
    get isEmpty() {
      return entries.size === 0;
    },
    isDone(input, made) {
      const entry = entries.get(resolve(made));
      return entry !== undefined && isThere(entry) && isOf(entry, input);
    },
    isOfOther(input, made) {
      const entry = entries.get(resolve(made));
      return entry !== undefined && isThere(entry) && !isOf(entry, input);
    },
    done(input, made) {
      const [inputStamp, outputStamp] = [fileStamp(input), fileStamp(made)];
      // Of what comes from a pipe or goes into one nothing can be known later.
      if (inputStamp === undefined || outputStamp === undefined) return;
      const entry = { output: resolve(made), input: resolve(input), inputStamp, outputStamp };
      entries.set(entry.output, entry);
      if (isFolder) quietly(() => appendFileSync(path, `${JSON.stringify(entry)}\n`));
    },
    remove() {
      if (isFolder) rmSync(path, { force: true });
    },
    moveAway() {
      quietly(() => {
        makeFolder(dirname(away));
        replaceFile(away, text(), { flush: false });
      });
      if (isFolder) rmSync(path, { force: true });
    },
  };
}

function isOf({ input, inputStamp }: Entry, path: string): boolean {
  return input === resolve(path) && inputStamp === fileStamp(path);
}

/** Where the record of a run that is over lies: with the other states of runs, which are removed after a month. */
function awayPath(output: string, isFolder: boolean): string {
  const key = createHash('sha256')
    .update(`${isFolder ? 'folder' : 'file'} run\0${place(output)}`)
    .digest('hex');
  return join(modelCacheDir(), 'resume', `${key.slice(0, 32)}.json`);
}

/** The lines of a file; none where there is none that can be read. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** What fails here costs the next run time, and this one nothing. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // A full or read-only disk.
  }
}

/** Names and values that differ, as `keep: [1,2], now nothing`. */
function differences(before: string, now: Readonly<Record<string, unknown>>): string[] | 'unreadable' {
  let settings: Record<string, unknown>;
  try {
    const header = JSON.parse(before) as { format?: unknown; settings?: Record<string, unknown> };
    if (header.format !== 1 || !header.settings) return 'unreadable';
    ({ settings } = header);
  } catch {
    return 'unreadable';
  }
  const [was, is] = [flat(settings), flat(now)];
  const shown = (value: string | undefined) => (value === undefined ? 'nothing' : value.slice(0, 80));
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((name) => was.get(name) !== is.get(name))
    .map((name) => `${name}: ${shown(was.get(name))}, now ${shown(is.get(name))}`);
}

/** Each value under its whole name, as `detector.model`. */
function flat(settings: Readonly<Record<string, unknown>>): Map<string, string> {
  const found = new Map<string, string>();
  const add = (value: unknown, at: string) => {
    if (value && typeof value === 'object' && !Array.isArray(value))
      for (const [key, item] of Object.entries(value)) add(item, at ? `${at}.${key}` : key);
    else found.set(at, JSON.stringify(value));
  };
  add(settings, '');
  return found;
}

function entryOf(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry;
    return typeof entry?.output === 'string' && typeof entry.inputStamp === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}
