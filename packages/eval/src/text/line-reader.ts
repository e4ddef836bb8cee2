import { malformed } from './malformed.ts';

const newline = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;
const comma = 44;

const decoder = new TextDecoder();

/** Powers of ten that a double holds exactly: with them, a short decimal is one correctly rounded division. */
const exactPowers = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));

/** Reads a text of numbers line by line out of its bytes, without making a string of every number. */
export interface LineReader {
  /** The line that was begun last, from 1; 0 before the first. */
  readonly line: number;
  /** Goes to the next line; false at the end of the text. */
  next(): boolean;
  /** Goes to the next line that holds more than blanks; false at the end of the text. */
  nextFilled(): boolean;
  /** Reads exactly `count` numbers, parted by blanks (and at most one comma each), into `target` from `offset` on; what follows in the line is left unread. Throws `MALFORMED_FILE`, expecting `expected`, where there are fewer. */
  numbers(target: Float64Array, offset: number, count: number, expected: string): void;
  /** Reads numbers to the end of the line, at most `most`; returns how many. Throws `MALFORMED_FILE` on anything else. */
  allNumbers(target: Float64Array, offset: number, most: number, expected: string): number;
  /** The whole current line without blanks around it. */
  text(): string;
}

/** A reader before the first line of `content`; `file` stands in its errors. */
export function lineReader(content: Uint8Array | string, file: string): LineReader {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const size = bytes.length;
  let line = 0;
  let start = 0;
  let end = -1;
  let at = 0;

  const isBlank = (code: number): boolean => code === space || code === tab || code === carriageReturn;
  const skipBlanks = (): void => {
    while (at < end && isBlank(bytes[at]!)) at++;
  };
  const text = (): string => decoder.decode(bytes.subarray(start, end)).trim();
  const fail = (expected: string): never => {
    const got = text();
    throw malformed(file, line, expected, got === '' ? 'an empty line' : JSON.stringify(got));
  };

  /** A decimal at `at`; NaN where there is none. Up to 15 digits are rounded once, longer ones go by way of a string. */
  const number = (): number => {
    // The place is kept in a local: the loops run for every digit of a file.
    let to = at;
    const sign = bytes[to];
    if (sign === 45 || sign === 43) to++;
    const begin = to;
    let mantissa = 0;
    let digits = 0;
    for (let digit = bytes[to]! - 48; to < end && digit >= 0 && digit <= 9; digit = bytes[++to]! - 48) {
      mantissa = mantissa * 10 + digit;
      if (mantissa > 0) digits++;
    }
    let figures = to - begin;
    let decimals = 0;
    if (to < end && bytes[to] === 46) {
      const point = ++to;
      for (let digit = bytes[to]! - 48; to < end && digit >= 0 && digit <= 9; digit = bytes[++to]! - 48) {
        mantissa = mantissa * 10 + digit;
        if (mantissa > 0) digits++;
      }
      decimals = to - point;
      figures += decimals;
    }
    const from = at;
    at = to;
    const isEnd = to >= end || isBlank(bytes[to]!) || bytes[to] === comma;
    if (isEnd && figures > 0 && digits <= 15 && decimals <= 22) {
      const value = mantissa / exactPowers[decimals]!;
      return sign === 45 ? -value : value;
    }
    while (at < end && !isBlank(bytes[at]!) && bytes[at] !== comma) at++;
    const word = decoder.decode(bytes.subarray(from, at));
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : Number.NaN;
  };
  const part = (): void => {
    skipBlanks();
    if (bytes[at] === comma && at < end) {
      at++;
      skipBlanks();
    }
  };

  return {
    get line() {
      return line;
    },
    next() {
      if (end + 1 >= size && line > 0) return false;
      if (size === 0) return false;
      start = end + 1;
      end = bytes.indexOf(newline, start);
      if (end < 0) end = size;
      at = start;
      line++;
      return true;
    },
    nextFilled() {
      while (this.next()) {
        skipBlanks();
        if (at < end) return true;
      }
      return false;
    },
    numbers(target, offset, count, expected) {
      skipBlanks();
      for (let k = 0; k < count; k++) {
        const value = at < end ? number() : Number.NaN;
        if (!Number.isFinite(value)) fail(expected);
        target[offset + k] = value;
        part();
      }
    },
    allNumbers(target, offset, most, expected) {
      skipBlanks();
      let count = 0;
      while (at < end) {
        const value = number();
        if (!Number.isFinite(value) || count === most) fail(expected);
        target[offset + count++] = value;
        part();
      }
      return count;
    },
    text,
  };
}
