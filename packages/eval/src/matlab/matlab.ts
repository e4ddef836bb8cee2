import { FaceDetError } from '@facedet/core';
import { Unzlib, unzlibSync } from 'fflate';

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

/** Data types of elements ("MAT-File Format", table 1-1). */
const mi = { int8: 1, uint8: 2, int16: 3, uint16: 4, int32: 5, uint32: 6, single: 7, double: 9, int64: 12, uint64: 13, matrix: 14, compressed: 15, utf8: 16, utf16: 17 };
/** Array classes (table 1-3). */
const mx = { cell: 1, char: 4, double: 6, uint64: 15 };
const complexFlag = 0x0800;

interface Element {
  type: number;
  /** The first byte of the data. */
  from: number;
  size: number;
  /** The first byte of the element after it. */
  next: number;
}

/**
 * Reads variables of a MATLAB level 5 MAT-file (little-endian, compressed or not): cell arrays, numeric, logical and char arrays.
 *
 * @param bytes the whole file.
 * @param file its name, for errors.
 * @param names the variables to read; the others are passed over.
 * @throws FaceDetError `MALFORMED_FILE`: no such file, cut short, damaged, a variable is missing, or it holds something else.
 */
export function readMatlab(bytes: Uint8Array, file: string, names: readonly string[]): Map<string, MatlabValue> {
  const bad = (message: string, cause?: unknown): FaceDetError => new FaceDetError('MALFORMED_FILE', `${file}: expected a MATLAB 5 file, ${message}`, cause === undefined ? undefined : { cause });
  if (bytes.length < 128 || bytes[126] !== 0x49 || bytes[127] !== 0x4d) throw bad('found no header of one; give the .mat file as published (little-endian, not version 7.3)');
  const found = new Map<string, MatlabValue>();
  const file5 = view(bytes);
  for (let at = 128; at < bytes.length; ) {
    let element: Element;
    try {
      element = elementAt(file5, at, bytes.length);
    } catch (cause) {
      throw bad(`the file is cut short or damaged at byte ${at}; fetch it again`, cause);
    }
    at = element.next;
    let body = bytes.subarray(element.from, element.from + element.size);
    if (element.type === mi.compressed) {
      try {
        const name = nameWithin(body);
        if (name !== undefined && !names.includes(name)) continue;
        body = unzlibSync(body);
      } catch (cause) {
        throw bad(`the compressed data at byte ${element.from} is damaged; fetch it again`, cause);
      }
    } else if (element.type !== mi.matrix) continue;
    try {
      const inner = view(body);
      const matrix = element.type === mi.compressed ? elementAt(inner, 0, body.length) : { type: mi.matrix, from: 0, size: body.length, next: body.length };
      if (matrix.type !== mi.matrix) continue;
      const variable = readMatrix(inner, matrix, (name) => names.includes(name));
      if (variable) found.set(variable.name, variable.value);
    } catch (cause) {
      throw bad(`a variable at byte ${element.from} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw bad(`with ${names.join(', ')}; ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not in it`);
  return found;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The element at `at`: a tag of 8 bytes, or the small form, whose data sits inside the tag. */
function elementAt(data: DataView, at: number, end: number): Element {
  if (at + 8 > end) throw new RangeError(`expected 8 bytes of a tag at byte ${at}, got ${end - at}`);
  const word = data.getUint32(at, true);
  if (word >>> 16) {
    const size = word >>> 16;
    if (size > 4) throw new RangeError(`expected at most 4 bytes in a small element at byte ${at}, got ${size}`);
    return { type: word & 0xffff, from: at + 4, size, next: at + 8 };
  }
  const size = data.getUint32(at + 4, true);
  const from = at + 8;
  if (from + size > end) throw new RangeError(`expected ${size} bytes at byte ${from}, got ${end - from}`);
  // Elements are padded to 8 bytes, but for compressed ones.
  return { type: word, from, size, next: word === mi.compressed ? from + size : from + Math.ceil(size / 8) * 8 };
}

/** The name of a compressed variable, from its first bytes alone, or undefined where they do not tell: most of a file is never unpacked. */
function nameWithin(compressed: Uint8Array): string | undefined {
  const beginning = new Uint8Array(256);
  let filled = 0;
  const stream = new Unzlib((chunk) => {
    const part = chunk.subarray(0, beginning.length - filled);
    beginning.set(part, filled);
    filled += part.length;
  });
  stream.push(compressed.subarray(0, 2048), false);
  if (filled < beginning.length) return undefined;
  // Behind the tag of the matrix: flags (16 bytes), dimensions, name.
  const data = view(beginning);
  const dims = elementAt(data, 24, beginning.length);
  return textAt(data, elementAt(data, dims.next, beginning.length));
}

function textAt(data: DataView, { from, size }: Element): string {
  return String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset + from, size));
}

/** The matrix inside an element, or undefined where `wanted` declines its name. An element of no bytes is an empty array. */
function readMatrix(data: DataView, matrix: Element, wanted?: (name: string) => boolean): { name: string; value: MatlabValue } | undefined {
  if (matrix.size === 0) return { name: '', value: { kind: 'numbers', dims: [0, 0], data: [] } };
  const end = matrix.from + matrix.size;
  const flags = elementAt(data, matrix.from, end);
  const arrayClass = data.getUint8(flags.from);
  const isComplex = (data.getUint32(flags.from, true) & complexFlag) !== 0;
  const shape = elementAt(data, flags.next, end);
  const dims: number[] = [];
  let count = 1;
  for (let at = shape.from; at < shape.from + shape.size; at += 4) {
    const side = data.getInt32(at, true);
    dims.push(side);
    count *= side;
  }
  const nameElement = elementAt(data, shape.next, end);
  let name = '';
  if (wanted) {
    name = textAt(data, nameElement);
    if (!wanted(name)) return undefined;
  }
  let at = nameElement.next;
  if (arrayClass === mx.cell) {
    const cells: MatlabValue[] = [];
    for (let k = 0; k < count; k++) {
      const cell = elementAt(data, at, end);
      if (cell.type !== mi.matrix) throw new TypeError(`expected an array in a cell, got data type ${cell.type}`);
      cells.push(readMatrix(data, cell)!.value);
      at = cell.next;
    }
    return { name, value: { kind: 'cells', dims, cells } };
  }
  const isText = arrayClass === mx.char;
  if (!isText && (arrayClass < mx.double || arrayClass > mx.uint64 || isComplex)) {
    throw new TypeError(`expected cells, real numbers or text, got ${isComplex ? 'complex numbers' : `array class ${arrayClass}`}`);
  }
  const numbers = readNumbers(data, elementAt(data, at, end));
  if (isText) return { name, value: { kind: 'text', text: String.fromCharCode(...Array.from(numbers)) } };
  if (numbers.length !== count) throw new RangeError(`expected ${count} numbers, got ${numbers.length}`);
  return { name, value: { kind: 'numbers', dims, data: numbers } };
}

/** The numbers of an element, in whatever type MATLAB found small enough to store them. */
function readNumbers(data: DataView, { type, from, size }: Element): ArrayLike<number> {
  const read = (width: number, get: (at: number) => number): Float64Array => {
    const values = new Float64Array(size / width);
    for (let k = 0; k < values.length; k++) values[k] = get(from + k * width);
    return values;
  };
  switch (type) {
    case mi.uint8:
    case mi.utf8:
      return new Uint8Array(data.buffer, data.byteOffset + from, size);
    case mi.int8:
      return read(1, (at) => data.getInt8(at));
    case mi.int16:
      return read(2, (at) => data.getInt16(at, true));
    case mi.uint16:
    case mi.utf16:
      return read(2, (at) => data.getUint16(at, true));
    case mi.int32:
      return read(4, (at) => data.getInt32(at, true));
    case mi.uint32:
      return read(4, (at) => data.getUint32(at, true));
    case mi.single:
      return read(4, (at) => data.getFloat32(at, true));
    case mi.double:
      return read(8, (at) => data.getFloat64(at, true));
    case mi.int64:
      return read(8, (at) => Number(data.getBigInt64(at, true)));
    case mi.uint64:
      return read(8, (at) => Number(data.getBigUint64(at, true)));
    default:
      throw new TypeError(`expected numbers, got data type ${type}`);
  }
}
