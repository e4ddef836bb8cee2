import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileStamp, makeFolder, replaceFile } from '@facedet/files';
import { modelCacheDir } from '@facedet/models/node';
import { createFolder, refuseUnwritable } from '../shared/check-outputs.ts';
import { usageError } from '../shared/errors.ts';
import { place } from '../shared/paths.ts';

/**
 * Which files of a run are done. The record of a folder is in that folder during the run and after an interruption, and
 * in the cache folder after the run; the record of a single file is in the cache folder only.
 */
export interface RunRecord {
  /** Whether no output is complete yet. */
  readonly isEmpty: boolean;
  /** Whether an earlier run with the same settings wrote this output of this input, and both are unchanged. */
  isDone(input: string, output: string): boolean;
  /** Whether an earlier run wrote this output of another input, or of this one before it changed. */
  isOfOther(input: string, output: string): boolean;
  /** Notes that an output is complete. */
  done(input: string, output: string): void;
  /** Removes the record, as nothing is done. */
  remove(): void;
  /** Moves the record to the cache folder after the run, so that the output folder has only results. */
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
  /** Continues the record of an earlier run. */
  readonly resume: boolean;
  /** Whether the output is a folder. */
  readonly isFolder: boolean;
}

/**
 * Opens the record of a run: a line of settings, then one line per completed file. With `resume`, throws a usage error
 * (exit code 2, `RESUME_MISMATCH`) where the earlier run had other settings and any of its outputs still exists.
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
        `Use the same settings, or leave out --resume to write ${isFolder ? 'all files' : 'it'} again.`,
      'RESUME_MISMATCH',
    );
  }
  const entries = new Map(differing?.length === 0 ? left.map((entry) => [entry.output, entry]) : []);
  const text = () => `${[header, ...[...entries.values()].map((entry) => JSON.stringify(entry))].join('\n')}\n`;
  if (isFolder) {
    createFolder(output);
    // The last line of an existing record may be incomplete.
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
      // Pipes can't be compared later.
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

/** The path of the record after the run: with other run states, which are removed after a month. */
function awayPath(output: string, isFolder: boolean): string {
  const key = createHash('sha256')
    .update(`${isFolder ? 'folder' : 'file'} run\0${place(output)}`)
    .digest('hex');
  return join(modelCacheDir(), 'resume', `${key.slice(0, 32)}.json`);
}

/** The lines of a file; none where it can't be read. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** Ignores errors: a missing record only costs the next run time. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // A full or read-only disk.
  }
}

/** Names and values that differ, e.g. `keep: [1,2], now nothing`. */
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

/** Each value by its full name, e.g. `detector.model`. */
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
