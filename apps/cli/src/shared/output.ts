import { shown } from './shown.ts';

/** Where rows go: standard output or a file in the making. */
export type Write = (text: string) => Promise<void> | void;

/** Writes values one after the other in some text format. */
export interface Rows<T> {
  write(value: T): Promise<void>;
  /** Closes the text; an empty list is valid output too. */
  end(): Promise<void>;
}

/**
 * One JSON array, a line an element. Nothing is written before the first element or the end, so that a command that
 * can't start leaves nothing.
 */
export function jsonArray<T>(write: Write): Rows<T> {
  let count = 0;
  return {
    async write(value) {
      await write(`${count++ === 0 ? '[\n' : ',\n'}${JSON.stringify(value)}`);
    },
    async end() {
      await write(count === 0 ? '[]\n' : '\n]\n');
    },
  };
}

/** JSON Lines. */
export function jsonLines<T>(write: Write): Rows<T> {
  return {
    async write(value) {
      await write(`${JSON.stringify(value)}\n`);
    },
    async end() {},
  };
}

/** CSV (RFC 4180 quoting, line feeds) under a header. */
export function csv(write: Write, header: readonly string[]): Rows<readonly CsvValue[]> {
  let begun = false;
  const begin = async () => {
    if (!begun) await write(`${header.join(',')}\n`);
    begun = true;
  };
  return {
    async write(values) {
      await begin();
      await write(`${values.map(csvField).join(',')}\n`);
    },
    end: begin,
  };
}

/** What a CSV cell may hold; null and undefined are empty. */
export type CsvValue = string | number | null | undefined;

/** One CSV cell. */
export function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A number with at most `digits` decimals, so that rows stay short: 3 for pixels, 5 for scores. */
export function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** A plain table for a terminal: columns padded, numbers to the right, two blanks between. */
export function table(
  header: readonly string[],
  rows: readonly (readonly CsvValue[])[],
  style: (heading: string) => string = (text) => text,
): string {
  const cells = rows.map((row) =>
    row.map((value) => (value === null || value === undefined ? '' : shown(String(value), 4000))),
  );
  const widths = header.map((heading, i) => Math.max(heading.length, ...cells.map((row) => (row[i] ?? '').length)));
  const right = header.map((_, i) => rows.length > 0 && cells.every((row) => /^-?[\d.]*$/.test(row[i] ?? '')));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [style(line(header)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}
