import { createReadStream } from 'node:fs';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import type { RowAnalysis } from './analysis.ts';
import { parseRow, type Row } from './rows.ts';

/** The rows of a JSONL file. */
export interface RowsFile {
  readonly path: string;
  /** By frame index. */
  readonly rows: ReadonlyMap<number, Row>;
  /** Track IDs in them, in ascending order. */
  readonly ids: readonly number[];
  /** How they were made, where the first row says so. */
  readonly analysis?: RowAnalysis;
}

/**
 * Reads rows as `processVideo` writes them to JSONL, perhaps corrected by hand. Throws `NOT_FOUND` where the file can't
 * be read, and `MALFORMED_FILE` where a line is not a row or a frame has two.
 */
export async function readRows(path: string): Promise<RowsFile> {
  const rows = new Map<number, Row>();
  const ids = new Set<number>();
  let analysis: RowAnalysis | undefined;
  for await (const row of streamRows(path)) {
    rows.set(row.frame, row);
    for (const { id } of row.faces) if (id !== null && id !== undefined) ids.add(id);
    analysis ??= row.analysis;
  }
  return { path, rows, ids: [...ids].sort((a, b) => a - b), ...(analysis && { analysis }) };
}

/** The rows of a JSONL file, one at a time. Throws as `readRows` does. */
export async function* streamRows(path: string): AsyncGenerator<Row> {
  const frames = new Set<number>();
  let number = 0;
  for await (const text of linesOf(path)) {
    number++;
    // Editors of Windows put a byte order mark in front.
    const line = number === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (line.trim() === '') continue;
    const row = usable(line);
    if (!row)
      throw new FaceDetError(
        'MALFORMED_FILE',
        `${path}: line ${number}: expected { "frame", "timestamp", "faces": [{ "id", "box": { "x", "y", ` +
          `"width", "height" } }] } with sides above 0 but received ${line.slice(0, 200)}`,
      );
    if (frames.has(row.frame))
      throw new FaceDetError(
        'MALFORMED_FILE',
        `${path}: line ${number}: expected one row per frame but received a second one for frame ${row.frame}. ` +
          'Put the faces of both into one.',
      );
    frames.add(row.frame);
    yield row;
  }
}

/** The lines of a file, one at a time: the rows of some hours do not fit into one string. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (cause) {
    if (isFaceDetError(cause)) throw cause;
    throw new FaceDetError(
      'NOT_FOUND',
      `${path}: expected a file of rows that can be read: ${(cause as Error).message}`,
      { cause },
    );
  }
  yield rest;
}

/** A line's row; undefined where it is not one, or has a face that can't be masked. */
function usable(line: string): Row | undefined {
  try {
    const { frame, faces, analysis, ...rest } = parseRow(line);
    const isWhole =
      Number.isInteger(frame) &&
      frame >= 0 &&
      faces.every(
        ({ id = null, box: { x, y, width, height } }) =>
          (id === null || Number.isInteger(id)) &&
          [x, y, width, height].every(Number.isFinite) &&
          width > 0 &&
          height > 0,
      ) &&
      (analysis === undefined || isAnalysis(analysis));
    return isWhole ? { frame, faces, ...(analysis && { analysis }), ...rest } : undefined;
  } catch {
    return undefined;
  }
}

function isAnalysis(value: RowAnalysis): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof value.isAnonymized === 'boolean' &&
    typeof value.options === 'object' &&
    value.options !== null
  );
}
