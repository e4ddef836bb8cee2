/** A value: text, a column of numbers, an n × m matrix by rows, or cells. */
export type Writable = string | number[] | number[][] | { cells: Writable[] };

/** Writes a MATLAB 5 file with these variables, each in a zlib stream, as MATLAB does. */
export function writeMatlab(variables: Record<string, Writable>): Uint8Array {
  const header = new Uint8Array(128);
  header.set(new TextEncoder().encode('MATLAB 5.0 MAT-file'.padEnd(116)));
  header.set([0, 1, 0x49, 0x4d], 124);
  const parts = Object.entries(variables).map(([name, value]) => {
    const data = zlibStored(matrix(value, name));
    return join([tag(15, data.length), data]);
  });
  return join([header, ...parts]);
}

/** A zlib stream of one uncompressed block: up to 65,535 bytes. */
function zlibStored(data: Uint8Array): Uint8Array {
  let low = 1;
  let high = 0;
  for (const byte of data) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  const checksum = Uint8Array.of(high >> 8, high, low >> 8, low);
  return join([
    Uint8Array.of(0x78, 1, 1),
    new Uint8Array(Uint16Array.of(data.length, ~data.length).buffer),
    data,
    checksum,
  ]);
}

function matrix(value: Writable, name = ''): Uint8Array {
  const text = new TextEncoder().encode(name);
  const isText = typeof value === 'string';
  const isCells = !isText && !Array.isArray(value);
  const rows = isText ? [] : isCells ? [] : value.map((row) => (Array.isArray(row) ? row : [row]));
  const dims = isText ? [1, value.length] : isCells ? [value.cells.length, 1] : [rows.length, rows[0]?.length ?? 0];
  const body = isText
    ? [element(16, new TextEncoder().encode(value))]
    : isCells
      ? value.cells.map((cell) => matrix(cell))
      : [
          element(
            5,
            new Uint8Array(
              Int32Array.from(
                dims[1]! > 0 ? Array.from({ length: dims[1]! }, (_, c) => rows.map((row) => row[c]!)).flat() : [],
              ).buffer,
            ),
          ),
        ];
  return element(
    14,
    join([
      element(6, Uint8Array.of(isText ? 4 : isCells ? 1 : 12, 0, 0, 0, 0, 0, 0, 0)),
      element(5, new Uint8Array(Int32Array.from(dims).buffer)),
      element(1, text),
      ...body,
    ]),
  );
}

function element(type: number, data: Uint8Array): Uint8Array {
  if (data.length > 0 && data.length <= 4) {
    const small = new Uint8Array(8);
    new DataView(small.buffer).setUint32(0, (data.length << 16) | type, true);
    small.set(data, 4);
    return small;
  }
  return join([tag(type, data.length), data, new Uint8Array((8 - (data.length % 8)) % 8)]);
}

function tag(type: number, size: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(type, size).buffer);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
