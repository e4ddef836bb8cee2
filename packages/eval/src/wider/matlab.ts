import { FaceDetError } from '@facedet/checks';
import { shorten, shortPath } from '../text/file-errors.ts';

/** A cell array: `cells` in column-major order. */
export interface MatlabCells {
  readonly kind: 'cells';
  readonly dims: readonly number[];
  readonly cells: readonly MatlabValue[];
}

/** A real numeric or logical array in column-major order. */
export interface MatlabNumbers {
  readonly kind: 'numbers';
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A char array of one row. */
export interface MatlabText {
  readonly kind: 'text';
  readonly text: string;
}

/** A value of a MATLAB file. */
export type MatlabValue = MatlabCells | MatlabNumbers | MatlabText;

/** Decompresses a zlib stream; throws or rejects where it is damaged or cut short. */
type Inflate = (compressed: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Data types of elements ("MAT-File Format", table 1-1). */
const mi = {
  int8: 1,
  uint8: 2,
  int16: 3,
  uint16: 4,
  int32: 5,
  uint32: 6,
  single: 7,
  double: 9,
  int64: 12,
  uint64: 13,
  matrix: 14,
  compressed: 15,
  utf8: 16,
  utf16: 17,
};
/** Array classes (table 1-3). */
const mx = { cell: 1, char: 4, double: 6, uint64: 15 };
const complexFlag = 0x0800;
/**
 * Most bytes that the variables of a file may decompress to; the official files of WIDER FACE need 10 MB. A zlib stream
 * can grow a thousandfold.
 */
const MAX_DECOMPRESSED = 2 ** 28;
/** Most levels of nested cells, which are read recursively; WIDER FACE has two. */
const MAX_DEPTH = 16;

interface Element {
  type: number;
  /** The first byte of the data. */
  from: number;
  size: number;
  /** The first byte of the element after it. */
  next: number;
}

/**
 * Reads variables of a MATLAB level 5 MAT-file (little-endian, compressed or not): cell arrays, numeric, logical and
 * char arrays.
 *
 * @param bytes the whole file.
 * @param file its name, for errors.
 * @param names the variables to read; others are skipped.
 * @param inflate default the runtime's `DecompressionStream`.
 * Rejects with `MALFORMED_FILE` for a file of another format, a truncated or damaged one, a missing variable, or one of
 * an unsupported type.
 */
export async function readMatlab(
  bytes: Uint8Array,
  file: string,
  names: readonly string[],
  inflate: Inflate = decompress,
): Promise<Map<string, MatlabValue>> {
  const fail: Fail = (found, cause) =>
    new FaceDetError(
      'MALFORMED_FILE',
      `${shortPath(file)}: expected a MATLAB 5 file but received ${shorten(found, 500)}.`,
      cause === undefined ? undefined : { cause },
    );
  if (bytes.length < 128 || bytes[126] !== 0x49 || bytes[127] !== 0x4d)
    throw fail('one without its header; use the .mat file as published (little-endian, not version 7.3)');
  const values = new Map<string, MatlabValue>();
  let decompressed = 0;
  for (const { type, from, size } of elementsOf(bytes, fail)) {
    if (type !== mi.compressed && type !== mi.matrix) continue;
    let body = bytes.subarray(from, from + size);
    if (type === mi.compressed) {
      try {
        body = await inflate(body);
      } catch (cause) {
        throw fail(`one whose compressed data at byte ${from} is damaged; download it again`, cause);
      }
      decompressed += body.length;
      if (decompressed > MAX_DECOMPRESSED)
        throw fail(`one that decompresses to more than ${MAX_DECOMPRESSED} bytes; download it again`);
    }
    try {
      const variable = readVariable(body, type === mi.compressed, names);
      if (variable) values.set(variable.name, variable.value);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw fail(`one whose variable at byte ${from} is damaged (${reason}); download it again`, cause);
    }
  }
  const missing = names.filter((name) => !values.has(name));
  if (missing.length > 0) throw fail(`one without ${missing.join(', ')} (of ${names.join(', ')})`);
  return values;
}

/** Creates the error of a file. */
type Fail = (found: string, cause?: unknown) => FaceDetError;

/** The top-level elements of a file. */
function elementsOf(bytes: Uint8Array, fail: Fail): Element[] {
  const elements: Element[] = [];
  const tags = viewOf(bytes);
  for (let at = 128; at < bytes.length; at = elements.at(-1)!.next) {
    try {
      elements.push(elementAt(tags, at, bytes.length));
    } catch (cause) {
      throw fail(`one that is truncated or damaged at byte ${at}; download it again`, cause);
    }
  }
  return elements;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The element at `at`: a tag of 8 bytes, or the small form, whose data is inside the tag. Fills `into`, as a file has
 * hundreds of thousands.
 */
function elementAt(data: DataView, at: number, end: number, into: Element = emptyElement()): Element {
  if (at + 8 > end) throw new RangeError(`expected 8 bytes of a tag at byte ${at} but received ${end - at}`);
  const word = data.getUint32(at, true);
  if (word >>> 16) {
    const size = word >>> 16;
    if (size > 4)
      throw new RangeError(`expected at most 4 bytes in a small element at byte ${at} but received ${size}`);
    into.type = word & 0xffff;
    into.from = at + 4;
    into.size = size;
    into.next = at + 8;
    return into;
  }
  const size = data.getUint32(at + 4, true);
  const from = at + 8;
  if (from + size > end) throw new RangeError(`expected ${size} bytes at byte ${from} but received ${end - from}`);
  into.type = word;
  into.from = from;
  into.size = size;
  // All elements but compressed ones are padded to 8 bytes.
  into.next = word === mi.compressed ? from + size : from + ((size + 7) & ~7);
  return into;
}

function emptyElement(): Element {
  return { type: 0, from: 0, size: 0, next: 0 };
}

/** Decompresses with what every runtime has. */
async function decompress(compressed: Uint8Array): Promise<Uint8Array> {
  const { writable, readable } = new DecompressionStream('deflate');
  const writer = writable.getWriter();
  // A damaged stream fails on both ends; the reader's error is the one that is reported.
  void writer.write(compressed as Uint8Array<ArrayBuffer>).catch(() => {});
  void writer.close().catch(() => {});
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    size += part.value.length;
    if (size <= MAX_DECOMPRESSED) continue;
    void reader.cancel().catch(() => {});
    throw new RangeError(`expected at most ${MAX_DECOMPRESSED} bytes`);
  }
  const whole = new Uint8Array(size);
  for (let at = 0, k = 0; k < chunks.length; at += chunks[k++]!.length) whole.set(chunks[k]!, at);
  return whole;
}

function textAt(data: DataView, { from, size }: Element): string {
  return String.fromCharCode.apply(
    null,
    new Uint8Array(data.buffer, data.byteOffset + from, size) as unknown as number[],
  );
}

/**
 * The variable in an element's body, or undefined for one that is not in `names`. A compressed body contains the
 * element of the matrix, another body is the matrix itself.
 */
function readVariable(
  body: Uint8Array,
  isCompressed: boolean,
  names: readonly string[],
): { name: string; value: MatlabValue } | undefined {
  const data = viewOf(body);
  const whole = { type: mi.matrix, from: 0, size: body.length, next: body.length };
  const matrix = isCompressed ? elementAt(data, 0, body.length) : whole;
  if (matrix.type !== mi.matrix) return undefined;
  const name = nameOf(data, matrix);
  return names.includes(name) ? { name, value: new MatrixReader(data).read(matrix.from, matrix.size, 0) } : undefined;
}

/** The name of a matrix, which follows its flags and dimensions. An element of no bytes is an empty array. */
function nameOf(data: DataView, { from, size }: Element): string {
  if (size === 0) return '';
  const dims = elementAt(data, elementAt(data, from, from + size).next, from + size);
  return textAt(data, elementAt(data, dims.next, from + size));
}

/** Reads arrays, which may contain others. */
class MatrixReader {
  readonly #data: DataView;
  /** Filled again and again, so nothing of it is kept over a call. */
  readonly #part = emptyElement();

  constructor(data: DataView) {
    this.#data = data;
  }

  /** The array in `size` bytes, inside of `depth` others. */
  read(from: number, size: number, depth: number): MatlabValue {
    if (size === 0) return { kind: 'numbers', dims: [0, 0], data: [] };
    if (depth > MAX_DEPTH) throw new RangeError(`expected cells nested at most ${MAX_DEPTH} deep`);
    const end = from + size;
    const flags = this.#data.getUint32(this.#element(from, end).from, true);
    const { dims, count } = this.#dimensions(this.#element(this.#part.next, end));
    const content = this.#element(this.#part.next, end).next;
    // Each cell takes 8 bytes or more, and each number at least one: a larger count means damage, and must not decide
    // how long this takes.
    if (!(count <= end - content))
      throw new RangeError(`expected at most ${end - content} elements but received ${count}`);
    const arrayClass = flags & 0xff;
    if (arrayClass === mx.cell) return { kind: 'cells', dims, cells: this.#cells(content, end, count, depth) };
    const isText = arrayClass === mx.char;
    const isComplex = (flags & complexFlag) !== 0;
    if (!isText && (arrayClass < mx.double || arrayClass > mx.uint64 || isComplex)) {
      const found = isComplex ? 'complex numbers' : `array class ${arrayClass}`;
      throw new TypeError(`expected cells, real numbers or text but received ${found}`);
    }
    const numbers = readNumbers(this.#data, this.#element(content, end));
    if (isText) return { kind: 'text', text: String.fromCharCode.apply(null, numbers as number[]) };
    if (numbers.length !== count) throw new RangeError(`expected ${count} numbers but received ${numbers.length}`);
    return { kind: 'numbers', dims, data: numbers };
  }

  #element(at: number, end: number): Element {
    return elementAt(this.#data, at, end, this.#part);
  }

  /** The sides of an array, and the number of its elements. */
  #dimensions({ from, size }: Element): { dims: number[]; count: number } {
    const dims: number[] = [];
    let count = 1;
    for (let at = from; at < from + size; at += 4) {
      const side = this.#data.getInt32(at, true);
      if (side < 0 || dims.length === 32) throw new RangeError('expected at most 32 dimensions, none negative');
      dims.push(side);
      count *= side;
    }
    return { dims, count };
  }

  #cells(from: number, end: number, count: number, depth: number): MatlabValue[] {
    const cells: MatlabValue[] = [];
    let at = from;
    for (let k = 0; k < count; k++) {
      const cell = this.#element(at, end);
      if (cell.type !== mi.matrix) {
        throw new TypeError(`expected an array in a cell but received data type ${cell.type}`);
      }
      at = cell.next;
      cells.push(this.read(cell.from, cell.size, depth + 1));
    }
    return cells;
  }
}

/** Size and reader of each numeric data type. */
const numeric: Readonly<Record<number, readonly [width: number, get: (data: DataView, at: number) => number]>> = {
  [mi.int8]: [1, (data, at) => data.getInt8(at)],
  [mi.int16]: [2, (data, at) => data.getInt16(at, true)],
  [mi.uint16]: [2, (data, at) => data.getUint16(at, true)],
  [mi.utf16]: [2, (data, at) => data.getUint16(at, true)],
  [mi.int32]: [4, (data, at) => data.getInt32(at, true)],
  [mi.uint32]: [4, (data, at) => data.getUint32(at, true)],
  [mi.single]: [4, (data, at) => data.getFloat32(at, true)],
  [mi.double]: [8, (data, at) => data.getFloat64(at, true)],
  [mi.int64]: [8, (data, at) => Number(data.getBigInt64(at, true))],
  [mi.uint64]: [8, (data, at) => Number(data.getBigUint64(at, true))],
};

/** The numbers of an element; MATLAB stores them in the smallest type that holds all. */
function readNumbers(data: DataView, { type, from, size }: Element): ArrayLike<number> {
  if (type === mi.uint8 || type === mi.utf8) return new Uint8Array(data.buffer, data.byteOffset + from, size);
  const [width, get] = numeric[type] ?? [];
  if (!width || !get) throw new TypeError(`expected numbers but received data type ${type}`);
  const values = new Array<number>(Math.floor(size / width));
  for (let k = 0; k < values.length; k++) values[k] = get(data, from + k * width);
  return values;
}
