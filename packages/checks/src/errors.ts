/**
 * An error with a stable `code` in capitals. The message names what was expected, what was received and the next step,
 * in at most 1,000 characters and without control characters. Of what is longer, and of a word (a path, a URL) over 200
 * characters, the middle is left out.
 */
export class FaceDetError extends Error {
  /** Stable across versions, e.g. `INVALID_ARGUMENT` or `MODEL_UNUSABLE`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(readable(String(message)), options);
    this.name = 'FaceDetError';
    this.code = code;
  }

  /**
   * Makes `error instanceof FaceDetError` true for the errors of every package, of other copies and versions of a
   * package, and of other realms: each bundle has a class of its own.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A subclass keeps the usual meaning: not every FaceDetError is an instance of it.
    return this === FaceDetError ? isFaceDetError(value) : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/** Control characters but line breaks, terminal escapes among them, and Unicode's line separators. */
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A message that can be read and printed, whatever foreign text is in it; linear time. */
function readable(message: string): string {
  return shortened(
    shortened(message, 10_000)
      .replace(UNPRINTABLE, escaped)
      .replace(/\S{201,}/g, (word) => shortened(word, 200)),
    1000,
  );
}

/** The start of a text says what it is about, the end what to do. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const start = Math.floor(0.65 * most);
  // Half of a surrogate pair is not a character.
  const head = text.slice(0, start).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(start + 1 - most).replace(/^[\udc00-\udfff]/, '');
  return `${head}…${tail}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Whether a value is a `FaceDetError`, also from another package, copy or realm; the same as `instanceof`. */
export function isFaceDetError(value: unknown): value is FaceDetError {
  return (
    isError(value) &&
    (value.name === 'FaceDetError' || Function.prototype[Symbol.hasInstance].call(FaceDetError, value)) &&
    typeof (value as { code?: unknown }).code === 'string'
  );
}

/** Errors of another realm are not `instanceof Error` here, but have its tag. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}
