import { received } from '@facedet/checks';
import { malformed } from './malformed.ts';

const newline = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;
const comma = 44;
const point = 46;
const plus = 43;
const minus = 45;
const zero = 48;

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
  /**
   * Reads the numbers of the line, parted by blanks and at most one comma each, into `target`; returns how many.
   * Throws `MALFORMED_FILE`, expecting `expected`, on anything else or more than `most`.
   */
  allNumbers(target: Float64Array, most: number, expected: string): number;
  /** The whole current line without blanks around it. */
  text(): string;
  /** Bytes behind the current line: no count in the text can stand for more than they hold. */
  bytesLeft(): number;
}

/** A reader before the first line of `content`; its errors name `file`. */
export function lineReader(content: Uint8Array | string, file: string): LineReader {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const size = bytes.length;
  let line = 0;
  // A byte order mark, as Windows' Notepad writes it, is no part of the first number.
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  /** Where the line ends, or −1 as long as nobody asked. */
  let end = -1;

  const lineEnd = (): number => {
    if (end < 0) end = bytes.indexOf(newline, start);
    if (end < 0) end = size;
    return end;
  };
  const next = (): boolean => {
    const from = line === 0 ? start : lineEnd() + 1;
    if (from >= size) return false;
    start = from;
    end = -1;
    line++;
    return true;
  };
  const text = (): string => decoder.decode(bytes.subarray(start, lineEnd())).trim();

  return {
    get line() {
      return line;
    },
    next,
    nextFilled() {
      while (next()) if (text() !== '') return true;
      return false;
    },
    allNumbers(target, most, expected) {
      const after = scanNumbers(bytes, start, target, most);
      if (after.end < 0) {
        const found = text();
        throw malformed(file, line, expected, found === '' ? 'an empty line' : received(found));
      }
      end = after.end;
      return after.count;
    },
    text,
    bytesLeft: () => Math.max(0, size - lineEnd() - 1),
  };
}

/**
 * Reads numbers up to the end of the line; `end` is where that is, or −1 where something else is in it.
 * One loop over local values: it runs for every byte of a file.
 */
function scanNumbers(
  bytes: Uint8Array,
  start: number,
  target: Float64Array,
  most: number,
): { count: number; end: number } {
  const size = bytes.length;
  let at = start;
  let count = 0;
  let isAfterComma = false;
  for (;;) {
    while (at < size && isBlank(bytes[at]!)) at++;
    if (at >= size || bytes[at] === newline) return { count, end: isAfterComma ? -1 : at };
    if (count === most) return { count, end: -1 };
    const from = at;
    const sign = bytes[at]!;
    if (sign === minus || sign === plus) at++;
    const begin = at;
    let mantissa = 0;
    let digits = 0;
    let digit = bytes[at]! - zero;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      if (mantissa > 0) digits++;
      digit = bytes[++at]! - zero;
    }
    let figures = at - begin;
    let decimals = 0;
    if (bytes[at] === point) {
      const afterPoint = ++at;
      digit = bytes[at]! - zero;
      while (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        if (mantissa > 0) digits++;
        digit = bytes[++at]! - zero;
      }
      decimals = at - afterPoint;
      figures += decimals;
    }
    // Up to 15 digits are rounded once; longer numbers and those with an exponent go by way of a string.
    let value = figures > 0 && digits <= 15 && decimals <= 22 ? mantissa / exactPowers[decimals]! : Number.NaN;
    if (sign === minus) value = -value;
    if (Number.isNaN(value) || !isEnd(bytes, at)) {
      while (!isEnd(bytes, at)) at++;
      value = parseWord(decoder.decode(bytes.subarray(from, at)));
      if (!Number.isFinite(value)) return { count, end: -1 };
    }
    target[count++] = value;
    while (at < size && isBlank(bytes[at]!)) at++;
    isAfterComma = bytes[at] === comma;
    if (isAfterComma) at++;
  }
}

function isBlank(code: number): boolean {
  return code === space || code === tab || code === carriageReturn;
}

/** Whether a number ends here: at a blank, a comma, the line's or the text's end. */
function isEnd(bytes: Uint8Array, at: number): boolean {
  return at >= bytes.length || isBlank(bytes[at]!) || bytes[at] === comma || bytes[at] === newline;
}

function parseWord(word: string): number {
  // Without a second way to read the same digits: a million of them must not be tried in all splits.
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : Number.NaN;
}
