import { FaceDetError } from '@facedet/checks';
import { shorten, shortPath } from '../text/malformed.ts';

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

/** Unpacks a zlib stream; throws or rejects where it is damaged or cut short. */
export type Inflate = (packed: Uint8Array) => Uint8Array | Promise<Uint8Array>;

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
 * Most bytes that the variables of a file may unpack to; the official files of WIDER FACE need 10 MB. A zlib stream
 * grows up to a thousandfold.
 */
const MAX_UNPACKED = 2 ** 28;
/** Cells within cells, at most; WIDER FACE has two. Reading calls itself for each. */
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
 * @param names the variables to read; the others are passed over.
 * @param inflate by default the runtime's `DecompressionStream`.
 * Rejects with `MALFORMED_FILE`: no such file, cut short, damaged, a variable is missing, or it holds something else.
 */
export async function readMatlab(
  bytes: Uint8Array,
  file: string,
  names: readonly string[],
  inflate: Inflate = inflateStream,
): Promise<Map<string, MatlabValue>> {
  const bad = (found: string, cause?: unknown): FaceDetError =>
    new FaceDetError(
      'MALFORMED_FILE',
      `${shortPath(file)}: expected a MATLAB 5 file but received ${shorten(found, 500)}.`,
      cause === undefined ? undefined : { cause },
    );
  if (bytes.length < 128 || bytes[126] !== 0x49 || bytes[127] !== 0x4d) {
    throw bad('one without its header; give the .mat file as published (little-endian, not version 7.3)');
  }
  const found = new Map<string, MatlabValue>();
  const elements: Element[] = [];
  const tags = view(bytes);
  let unpacked = 0;
  for (let at = 128; at < bytes.length; at = elements.at(-1)!.next) {
    try {
      elements.push(elementAt(tags, at, bytes.length));
    } catch (cause) {
      throw bad(`one that is cut short or damaged at byte ${at}; fetch it again`, cause);
    }
  }
  for (const { type, from, size } of elements) {
    let body = bytes.subarray(from, from + size);
    if (type === mi.compressed) {
      try {
        body = await inflate(body);
      } catch (cause) {
        throw bad(`one whose compressed data at byte ${from} is damaged; fetch it again`, cause);
      }
      unpacked += body.length;
      if (unpacked > MAX_UNPACKED) throw bad(`one that unpacks to more than ${MAX_UNPACKED} bytes; fetch it again`);
    } else if (type !== mi.matrix) continue;
    try {
      const inner = view(body);
      const matrix =
        type === mi.compressed
          ? elementAt(inner, 0, body.length)
          : { type: mi.matrix, from: 0, size: body.length, next: body.length };
      if (matrix.type !== mi.matrix) continue;
      const variable = readMatrix(inner, matrix, (name) => names.includes(name));
      if (variable) found.set(variable.name, variable.value);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw bad(`one whose variable at byte ${from} is damaged (${why}); fetch it again`, cause);
    }
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw bad(`one without ${missing.join(', ')} (of ${names.join(', ')})`);
  return found;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The element at `at`: a tag of 8 bytes, or the small form, whose data sits inside the tag. Fills `into`, as a file has
 * hundreds of thousands.
 */
function elementAt(
  data: DataView,
  at: number,
  end: number,
  into: Element = { type: 0, from: 0, size: 0, next: 0 },
): Element {
  if (at + 8 > end) throw new RangeError(`expected 8 bytes of a tag at byte ${at}, received ${end - at}`);
  const word = data.getUint32(at, true);
  if (word >>> 16) {
    const size = word >>> 16;
    if (size > 4) throw new RangeError(`expected at most 4 bytes in a small element at byte ${at}, received ${size}`);
    into.type = word & 0xffff;
    into.from = at + 4;
    into.size = size;
    into.next = at + 8;
    return into;
  }
  const size = data.getUint32(at + 4, true);
  const from = at + 8;
  if (from + size > end) throw new RangeError(`expected ${size} bytes at byte ${from}, received ${end - from}`);
  into.type = word;
  into.from = from;
  into.size = size;
  // Elements are padded to 8 bytes, but for compressed ones.
  into.next = word === mi.compressed ? from + size : from + ((size + 7) & ~7);
  return into;
}

/** Unpacks by what every runtime has. */
async function inflateStream(packed: Uint8Array): Promise<Uint8Array> {
  const { writable, readable } = new DecompressionStream('deflate');
  const writer = writable.getWriter();
  // A damaged stream fails on both ends; the reader's error is the one that is reported.
  void writer.write(packed as Uint8Array<ArrayBuffer>).catch(() => {});
  void writer.close().catch(() => {});
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    size += part.value.length;
    if (size <= MAX_UNPACKED) continue;
    void reader.cancel().catch(() => {});
    throw new RangeError(`expected at most ${MAX_UNPACKED} bytes`);
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
 * The matrix inside an element, or undefined where `wanted` declines its name. An element of no bytes is an empty
 * array.
 */
function readMatrix(
  data: DataView,
  matrix: Element,
  wanted: (name: string) => boolean,
): { name: string; value: MatlabValue } | undefined {
  const name = nameOf(data, matrix);
  return wanted(name)
    ? { name, value: readValue(data, matrix.from, matrix.size, { type: 0, from: 0, size: 0, next: 0 }, 0) }
    : undefined;
}

/** Behind the flags and the dimensions stands the name. */
function nameOf(data: DataView, { from, size }: Element): string {
  if (size === 0) return '';
  const dims = elementAt(data, elementAt(data, from, from + size).next, from + size);
  return textAt(data, elementAt(data, dims.next, from + size));
}

/**
 * The array in `size` bytes, inside of `depth` others; `part` is filled again and again, so nothing of it is kept over
 * a call.
 */
function readValue(data: DataView, from: number, size: number, part: Element, depth: number): MatlabValue {
  if (size === 0) return { kind: 'numbers', dims: [0, 0], data: [] };
  if (depth > MAX_DEPTH) throw new RangeError(`expected cells nested at most ${MAX_DEPTH} deep`);
  const end = from + size;
  elementAt(data, from, end, part);
  const flags = data.getUint32(part.from, true);
  const arrayClass = flags & 0xff;
  elementAt(data, part.next, end, part);
  const dims: number[] = [];
  let count = 1;
  for (let at = part.from; at < part.from + part.size; at += 4) {
    const side = data.getInt32(at, true);
    if (side < 0 || dims.length === 32) throw new RangeError('expected at most 32 dimensions, none negative');
    dims.push(side);
    count *= side;
  }
  let at = elementAt(data, part.next, end, part).next;
  // Each cell takes 8 bytes or more, and each number one: a count beyond that is damage, and must not decide how long
  // this takes.
  if (!(count <= end - at)) throw new RangeError(`expected at most ${end - at} elements, received ${count}`);
  if (arrayClass === mx.cell) {
    const cells: MatlabValue[] = [];
    for (let k = 0; k < count; k++) {
      const cell = elementAt(data, at, end, part);
      if (cell.type !== mi.matrix) throw new TypeError(`expected an array in a cell, received data type ${cell.type}`);
      at = cell.next;
      cells.push(readValue(data, cell.from, cell.size, part, depth + 1));
    }
    return { kind: 'cells', dims, cells };
  }
  const isText = arrayClass === mx.char;
  const isComplex = (flags & complexFlag) !== 0;
  if (!isText && (arrayClass < mx.double || arrayClass > mx.uint64 || isComplex)) {
    throw new TypeError(
      `expected cells, real numbers or text, received ${isComplex ? 'complex numbers' : `array class ${arrayClass}`}`,
    );
  }
  const numbers = readNumbers(data, elementAt(data, at, end, part));
  if (isText) return { kind: 'text', text: String.fromCharCode.apply(null, numbers as number[]) };
  if (numbers.length !== count) throw new RangeError(`expected ${count} numbers, received ${numbers.length}`);
  return { kind: 'numbers', dims, data: numbers };
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

/** The numbers of an element, in whatever type MATLAB found small enough to store them. */
function readNumbers(data: DataView, { type, from, size }: Element): ArrayLike<number> {
  if (type === mi.uint8 || type === mi.utf8) return new Uint8Array(data.buffer, data.byteOffset + from, size);
  const [width, get] = numeric[type] ?? [];
  if (!width || !get) throw new TypeError(`expected numbers, received data type ${type}`);
  const values = new Array<number>(Math.floor(size / width));
  for (let k = 0; k < values.length; k++) values[k] = get(data, from + k * width);
  return values;
}
