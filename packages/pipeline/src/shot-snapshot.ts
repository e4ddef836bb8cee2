import type { ShotState } from './shot-cut.ts';
import { CELLS, thumbnailOfCells } from './shot-thumbnail.ts';

/** The memory of the test for shot cuts as plain data; bytes are in base64. */
export interface ShotSnapshot {
  /** Cell means of the last picture that showed something; null before the first. */
  readonly last: string | null;
  /** Pictures of the current shot. */
  readonly past: readonly { readonly timestamp: number; readonly structure: string; readonly luma: string }[];
  /** The other numbers of the state; null for what has not happened. */
  readonly numbers: Readonly<Record<(typeof NUMBERS)[number], number | null>>;
}

const NUMBERS = [
  'time',
  'changed',
  'interval',
  'usual',
  'peak',
  'motion',
  'evidence',
  'heldSince',
  'cutFrom',
  'dissolveFrom',
] as const;

/** A state as plain data. */
export function snapshotShots(state: ShotState): ShotSnapshot {
  // JSON has no infinite numbers: what may come at any time is null.
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, Number.isFinite(state[name]) ? state[name] : null]));
  return {
    last: state.last && textOf(state.last.rgb),
    past: state.past.map(({ timestamp, structure, luma }) => ({
      timestamp,
      structure: textOf(structure),
      luma: textOf(luma),
    })),
    numbers: numbers as ShotSnapshot['numbers'],
  };
}

/** The state of a snapshot. Throws an `Error` for what `snapshotShots` did not make. */
export function restoreShots({ last, past, numbers }: ShotSnapshot): ShotState {
  const number = (name: (typeof NUMBERS)[number], otherwise?: number): number => {
    const value = numbers[name] ?? otherwise;
    if (typeof value !== 'number' || !Number.isFinite(numbers[name] ?? 0)) throw new Error(`no number for ${name}`);
    return value;
  };
  return {
    cut: false,
    suspected: false,
    last: last === null ? null : thumbnailOfCells(bytesOf(last, 3 * CELLS)),
    past: past.map(({ timestamp, structure, luma }) => {
      if (!Number.isFinite(timestamp)) throw new Error('no time of a picture');
      return { timestamp, structure: new Int8Array(bytesOf(structure, CELLS).buffer), luma: bytesOf(luma, CELLS / 4) };
    }),
    time: number('time'),
    changed: number('changed'),
    interval: number('interval'),
    usual: number('usual'),
    peak: number('peak'),
    motion: number('motion'),
    evidence: number('evidence'),
    heldSince: numbers.heldSince === null ? null : number('heldSince'),
    cutFrom: number('cutFrom', -Infinity),
    dissolveFrom: number('dissolveFrom', -Infinity),
  };
}

/** Bytes as text that JSON carries. */
export function textOf(bytes: Uint8Array | Int8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte & 255);
  return btoa(text);
}

/** The bytes of such a text; throws an `Error` if their number is not `length`. */
export function bytesOf(text: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (bytes.length !== length) throw new Error(`Expected ${length} bytes but received ${bytes.length}`);
  return bytes;
}
