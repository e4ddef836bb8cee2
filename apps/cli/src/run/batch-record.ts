import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { usageError } from '../shared/errors.ts';

/** Which files of a folder run are done; it stands in the output folder until all of them are. */
export interface BatchRecord {
  /** Whether an interrupted run with the same settings has made this output of this input, and both are as they were. */
  isDone(input: string, output: string): boolean;
  /** Notes that an output is complete. */
  done(input: string, output: string): void;
  /** All are done: nothing is kept. */
  remove(): void;
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
  const [before, ...lines] = resume && existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  if (before !== undefined) {
    const differing = differences(before, settings);
    if (differing.length > 0) {
      throw usageError(
        `${folder}: expected the settings of the interrupted run but received others: ${differing.join('; ')}. ` +
          'Use the same again, or leave out --resume to make all files again.',
        'RESUME_MISMATCH',
      );
    }
    for (const line of lines) {
      const entry = entryOf(line);
      if (entry) entries.set(entry.output, entry);
    }
  } else {
    mkdirSync(folder, { recursive: true });
    rmSync(path, { force: true });
  }
  // The last line may have been cut off in the middle.
  const text = [header, ...[...entries.values()].map((entry) => JSON.stringify(entry))].join('\n');
  writeFileSync(path, `${text}\n`);
  return {
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
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, `${JSON.stringify(entry)}\n`);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** Names and values that differ, as `clear: [1,2], now nothing`. */
function differences(before: string, now: Readonly<Record<string, unknown>>): string[] {
  let settings: Record<string, unknown>;
  try {
    const header = JSON.parse(before) as { format?: unknown; settings?: Record<string, unknown> };
    if (header.format !== 1 || !header.settings) return ['the form of the record'];
    ({ settings } = header);
  } catch {
    return ['a record that cannot be read'];
  }
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80));
  const names = [...new Set([...Object.keys(settings), ...Object.keys(now)])];
  return names
    .filter((name) => JSON.stringify(settings[name]) !== JSON.stringify(now[name]))
    .map((name) => `${name}: ${shown(settings[name])}, now ${shown(now[name])}`);
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
