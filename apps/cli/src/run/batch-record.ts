import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, copyFileSync, existsSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '@facedet/files';
import { modelCacheDir } from '@facedet/models/node';
import { createFolder } from '../shared/check-outputs.ts';
import { usageError } from '../shared/errors.ts';
import { place } from '../shared/paths.ts';

/**
 * Which files of a run into a folder are done. It is in the output folder while the run goes on and after it was
 * interrupted, in the cache folder when the run is over.
 */
export interface BatchRecord {
  /** Whether no file is done. */
  readonly isEmpty: boolean;
  /** Whether an earlier run with the same settings has made this output of this input, and both are as they were. */
  isDone(input: string, output: string): boolean;
  /** Notes that an output is complete. */
  done(input: string, output: string): void;
  /** Nothing is done: nothing is kept. */
  remove(): void;
  /** The run is over: the record goes to the cache folder, so that only results are in the output folder. */
  moveAway(): void;
}

const NAME = '.facedet-run.partial.json';
/** Bytes of an input that are hashed. */
const HEAD = 1 << 16;

interface Entry {
  readonly output: string;
  readonly input: string;
  readonly inputStamp: string;
  readonly outputStamp: string;
}

/**
 * Opens the record of a folder run: a line of settings, then one for each file that is done. With `resume`, ends the
 * command with exit code 2 and `RESUME_MISMATCH` where the interrupted run had other settings.
 */
export function openBatchRecord(folder: string, settings: Readonly<Record<string, unknown>>, resume: boolean): BatchRecord {
  const path = join(folder, NAME);
  const header = JSON.stringify({ format: 1, settings });
  const entries = new Map<string, Entry>();
  const away = awayPath(folder);
  const [before, ...lines] = resume ? linesOf([path, away]) : [];
  if (before !== undefined) {
    const differing = differences(before, settings);
    if (differing.length > 0) {
      throw usageError(
        `${folder}: expected the settings of the earlier run but received others: ${differing.join('; ')}. ` +
          'Use the same again, or leave out --resume to make all files again.',
        'RESUME_MISMATCH',
      );
    }
    for (const line of lines) {
      const entry = entryOf(line);
      if (entry) entries.set(entry.output, entry);
    }
  } else {
    createFolder(folder);
    rmSync(path, { force: true });
  }
  removeQuietly(away);
  // The last line may have been cut off in the middle.
  const text = [header, ...[...entries.values()].map((entry) => JSON.stringify(entry))].join('\n');
  writeFileSync(path, `${text}\n`);
  let isEmpty = entries.size === 0;
  return {
    get isEmpty() {
      return isEmpty;
    },
    isDone(input, output) {
      const entry = entries.get(resolve(output));
      return (
        entry !== undefined &&
        entry.input === resolve(input) &&
        entry.inputStamp === stampOf(input) &&
        entry.outputStamp === stampOf(output)
      );
    },
    done(input, output) {
      const entry = {
        output: resolve(output),
        input: resolve(input),
        inputStamp: stampOf(input),
        outputStamp: stampOf(output),
      };
      isEmpty = false;
      makeFolder(dirname(path));
      appendFileSync(path, `${JSON.stringify(entry)}\n`);
    },
    remove: () => rmSync(path, { force: true }),
    moveAway() {
      try {
        makeFolder(dirname(away));
        copyFileSync(path, away);
      } catch {
        // Without it the next run does all files again.
      }
      rmSync(path, { force: true });
    },
  };
}

/** Where the record of a run that is over lies: with the other states of runs, which are removed after a month. */
function awayPath(folder: string): string {
  const key = createHash('sha256').update(`folder run\0${place(folder)}`).digest('hex').slice(0, 32);
  return join(modelCacheDir(), 'resume', `${key}.json`);
}

/** The lines of the first file that is there. */
function linesOf(paths: readonly string[]): string[] {
  const path = paths.find((candidate) => existsSync(candidate));
  return path === undefined ? [] : readFileSync(path, 'utf8').split('\n');
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A cache that can't be written: it says nothing about this run.
  }
}

/** Names and values that differ, as `keep: [1,2], now nothing`. */
function differences(before: string, now: Readonly<Record<string, unknown>>): string[] {
  let settings: Record<string, unknown>;
  try {
    const header = JSON.parse(before) as { format?: unknown; settings?: Record<string, unknown> };
    if (header.format !== 1 || !header.settings) return ['the form of the record'];
    ({ settings } = header);
  } catch {
    return ['a record that cannot be read'];
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
    if (value && typeof value === 'object' && !Array.isArray(value)) for (const [key, item] of Object.entries(value)) add(item, at ? `${at}.${key}` : key);
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

/** Size, modification time and the hash of the first bytes; `none` where there is no file. */
function stampOf(path: string): string {
  try {
    const { size, mtimeMs } = statSync(path);
    const head = Buffer.alloc(Math.min(HEAD, size));
    const file = openSync(path, 'r');
    try {
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
    return `${size} ${mtimeMs} ${createHash('sha256').update(head).digest('hex')}`;
  } catch {
    return 'none';
  }
}
