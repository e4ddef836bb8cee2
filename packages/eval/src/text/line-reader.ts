import { type FaceDetError, received } from '@facedet/checks';
import { malformed } from './file-errors.ts';

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

/** Reads a text of numbers line by line from its bytes, without a string per number. */
export interface LineReader {
  /** The file's name, for errors. */
  readonly file: string;
  /** The current line, from 1; 0 before the first. */
  readonly line: number;
  /** Goes to the next line; false at the end of the text. */
  next(): boolean;
  /** Goes to the next line that is not blank; false at the end of the text. */
  nextFilled(): boolean;
  /**
   * Reads the numbers of the line, separated by blanks and at most one comma each, into `target`; returns how many.
   * Throws `MALFORMED_FILE`, expecting `expected`, on anything else or more than `max` numbers.
   */
  allNumbers(target: Float64Array, max: number, expected: string): number;
  /** The current line without leading and trailing blanks. */
  text(): string;
  /** Bytes after the current line: an upper bound of what any count in the text can announce. */
  bytesLeft(): number;
  /** The `MALFORMED_FILE` error of the current line; by default it shows the line's text as what was received. */
  error(expected: string, found?: string): FaceDetError;
}

/** A reader before the first line of `content`; its errors name `file`. */
export function lineReader(content: Uint8Array | string, file: string): LineReader {
  return new ByteLineReader(typeof content === 'string' ? new TextEncoder().encode(content) : content, file);
}

class ByteLineReader implements LineReader {
  line = 0;
  readonly file: string;
  readonly #bytes: Uint8Array;
  /** Where the line begins. */
  #start: number;
  /** Where the line ends, or −1 while it is unknown. */
  #end = -1;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.file = file;
    // A byte order mark, as Windows' Notepad writes it, is not part of the first number.
    this.#start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  next(): boolean {
    const start = this.line === 0 ? this.#start : this.#lineEnd() + 1;
    if (start >= this.#bytes.length) return false;
    this.#start = start;
    this.#end = -1;
    this.line++;
    return true;
  }

  nextFilled(): boolean {
    while (this.next()) if (this.text() !== '') return true;
    return false;
  }

  allNumbers(target: Float64Array, max: number, expected: string): number {
    const { count, end } = scanNumbers(this.#bytes, this.#start, target, max);
    if (end < 0) throw this.error(expected);
    this.#end = end;
    return count;
  }

  text(): string {
    return decoder.decode(this.#bytes.subarray(this.#start, this.#lineEnd())).trim();
  }

  bytesLeft(): number {
    return Math.max(0, this.#bytes.length - this.#lineEnd() - 1);
  }

  error(expected: string, found?: string): FaceDetError {
    const text = this.text();
    return malformed(this, expected, found ?? (text === '' ? 'an empty line' : received(text)));
  }

  #lineEnd(): number {
    if (this.#end < 0) this.#end = this.#bytes.indexOf(newline, this.#start);
    if (this.#end < 0) this.#end = this.#bytes.length;
    return this.#end;
  }
}

/**
 * Reads numbers up to the end of the line; `end` is its offset, or −1 where the line holds anything else. One loop over
 * local variables, as it runs for every byte of a file.
 */
function scanNumbers(
  bytes: Uint8Array,
  start: number,
  target: Float64Array,
  max: number,
): { count: number; end: number } {
  const size = bytes.length;
  let at = start;
  let count = 0;
  let isAfterComma = false;
  for (;;) {
    while (at < size && isBlank(bytes[at]!)) at++;
    if (at >= size || bytes[at] === newline) return { count, end: isAfterComma ? -1 : at };
    if (count === max) return { count, end: -1 };
    const numberStart = at;
    const sign = bytes[at]!;
    if (sign === minus || sign === plus) at++;
    const digitsStart = at;
    let mantissa = 0;
    let significantDigits = 0;
    let digit = bytes[at]! - zero;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      if (mantissa > 0) significantDigits++;
      digit = bytes[++at]! - zero;
    }
    let digits = at - digitsStart;
    let decimals = 0;
    if (bytes[at] === point) {
      const afterPoint = ++at;
      digit = bytes[at]! - zero;
      while (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        if (mantissa > 0) significantDigits++;
        digit = bytes[++at]! - zero;
      }
      decimals = at - afterPoint;
      digits += decimals;
    }
    // Up to 15 digits are rounded once; longer numbers and those with an exponent are parsed from a string.
    const isShort = digits > 0 && significantDigits <= 15 && decimals <= 22;
    let value = isShort ? mantissa / exactPowers[decimals]! : Number.NaN;
    if (sign === minus) value = -value;
    if (Number.isNaN(value) || !isNumberEnd(bytes, at)) {
      while (!isNumberEnd(bytes, at)) at++;
      value = parseNumber(decoder.decode(bytes.subarray(numberStart, at)));
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

/** Whether a number ends here: at a blank, a comma, the end of the line or of the text. */
function isNumberEnd(bytes: Uint8Array, at: number): boolean {
  return at >= bytes.length || isBlank(bytes[at]!) || bytes[at] === comma || bytes[at] === newline;
}

/** The number that a text spells in decimal notation, or NaN. Also used for numbers in XML. */
export function parseNumber(text: string): number {
  // Unambiguous, so that a regular expression engine never backtracks over a million digits.
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
