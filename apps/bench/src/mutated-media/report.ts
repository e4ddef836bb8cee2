import { table } from '../shared/table.ts';
import type { Checked } from './checks.ts';

/** What a command did with a damaged file. */
export interface Result extends Checked {
  readonly file: number;
  readonly clip: string;
  readonly ways: readonly string[];
  readonly command: string;
}

/** One line for each fault. */
export function faultLines(of: readonly Result[]): string[] {
  return of
    .filter(({ faults }) => faults.length > 0)
    .map(
      ({ file, clip, ways, command, ended, faults }) =>
        `--only ${file}: ${clip} (${ways.join(', ')}), ${command}: ${faults.join('; ')}: ` +
        `${ended.stderr.trim().slice(0, 400)}`,
    );
}

/** Prints what all commands did; whether there is no fault. */
export function report(results: readonly Result[], isJson: boolean): boolean {
  const codes = codesOf(results);
  const rows = [...new Set(results.map(({ clip }) => clip))].sort().map((clip) => {
    const of = results.filter((result) => result.clip === clip);
    const count = (test: (result: Result) => boolean) => String(of.filter(test).length);
    return {
      clip,
      runs: String(of.length),
      done: count(({ ended }) => ended.code === 0),
      refused: count(({ ended }) => ended.code === 1 || ended.code === 2),
      'longest (s)': Math.max(...of.map(({ ended }) => ended.seconds)).toFixed(1),
      'most memory (MB)': (Math.max(...of.map(({ ended }) => ended.peak)) / 1e6).toFixed(0),
      faults: count(({ faults }) => faults.length > 0),
    };
  });
  const faults = faultLines(results);
  if (isJson) {
    console.log(
      JSON.stringify({ files: new Set(results.map(({ file }) => file)).size, rows, codes, faults }, undefined, 2),
    );
  } else {
    console.log(
      table(
        Object.keys(rows[0]!),
        rows.map((row) => Object.values(row)),
      ),
    );
    console.log(
      `\n${results.length} runs; codes: ${Object.entries(codes)
        .map(([code, { count, files }]) => `${code} ${count} (${files.join(', ')})`)
        .join(', ')}`,
    );
    console.log(faults.length > 0 ? faults.join('\n') : 'no faults');
  }
  return faults.length === 0;
}

/** Codes of errors, the most frequent first, with the first files that had them. */
function codesOf(results: readonly Result[]): Record<string, { count: number; files: number[] }> {
  const codes = new Map<string, { count: number; files: number[] }>();
  for (const { ended, file } of results) {
    for (const [, code] of ended.stderr.matchAll(/\[([A-Z_]+)\]$/gm)) {
      const entry = codes.get(code!) ?? { count: 0, files: [] };
      codes.set(code!, entry);
      entry.count++;
      if (entry.files.length < 3) entry.files.push(file);
    }
  }
  return Object.fromEntries([...codes].sort(([, a], [, b]) => b.count - a.count));
}
