import { anyFields, sizesIn, timesIn, type Field } from './fields.ts';

/** Damages bytes; `random` gives numbers in [0, 1). */
type Mutation = (bytes: Buffer, random: () => number, other: Buffer) => Buffer;

const below = (random: () => number, limit: number) => Math.floor(random() * limit);

function chunk(bytes: Buffer, random: () => number): [from: number, to: number] {
  const length = 1 + below(random, Math.min(bytes.length, 2 ** (2 + below(random, 12))));
  const from = below(random, bytes.length - length + 1);
  return [from, from + length];
}

/** Numbers that parsers stumble over, for a field of so many bytes. */
function extreme(random: () => number, { length }: Field, now: bigint): bigint {
  const all = (1n << BigInt(8 * length)) - 1n;
  const values = [0n, 1n, 7n, 8n, all, all >> 1n, now + 1n, now - 1n, now * 2n, BigInt(below(random, 2 ** 30))];
  return values[below(random, values.length)]! & all;
}

function overwrite(bytes: Buffer, fields: readonly Field[], random: () => number): Buffer {
  const copy = Buffer.from(bytes);
  const count = Math.min(fields.length, 1 + below(random, 3));
  for (let i = 0; i < count; i++) {
    const field = fields[below(random, fields.length)]!;
    const { at, length, isLittleEndian } = field;
    let now = 0n;
    for (let k = 0; k < length; k++) now = (now << 8n) | BigInt(copy[isLittleEndian ? at + length - 1 - k : at + k]!);
    let value = extreme(random, field, now);
    for (let k = 0; k < length; k++, value >>= 8n)
      copy[isLittleEndian ? at + k : at + length - 1 - k] = Number(value & 255n);
  }
  return copy;
}

/** All ways in which files are damaged, by name. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  flip(bytes, random) {
    const copy = Buffer.from(bytes);
    const count = 1 + below(random, 2 ** below(random, 9));
    // Every second time near the start, where the headers are.
    const span = random() < 0.5 ? Math.min(copy.length, 1024) : copy.length;
    for (let i = 0; i < count; i++) copy[below(random, span)]! ^= 1 << below(random, 8);
    return copy;
  },
  'cut off': (bytes, random) => bytes.subarray(0, 1 + below(random, bytes.length)),
  removed(bytes, random) {
    const [from, to] = chunk(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  duplicated(bytes, random) {
    const [from, to] = chunk(bytes, random);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  swapped(bytes, random) {
    const [from, to] = chunk(bytes, random);
    const place = below(random, from + 1);
    return Buffer.concat([
      bytes.subarray(0, place),
      bytes.subarray(from, to),
      bytes.subarray(place, from),
      bytes.subarray(to),
    ]);
  },
  zeroed(bytes, random) {
    const [from, to] = chunk(bytes, random);
    return Buffer.from(bytes).fill(0, from, to);
  },
  sizes: (bytes, random) => overwrite(bytes, sizesIn(bytes), random),
  times: (bytes, random) => overwrite(bytes, timesIn(bytes), random),
  fields: (bytes, random) => overwrite(bytes, anyFields(bytes), random),
  'joined with another': (bytes, random, other) =>
    random() < 0.5
      ? Buffer.concat([bytes, other])
      : Buffer.concat([bytes.subarray(0, below(random, bytes.length)), other]),
  'behind noise': (bytes, random) =>
    Buffer.concat([Buffer.from(Array.from({ length: 1 + below(random, 300) }, () => below(random, 256))), bytes]),
};

/** Names of the mutations. */
export const MUTATION_NAMES: readonly string[] = Object.keys(MUTATIONS);

/** Damages a file in one to three ways; returns the ways too. */
export function mutate(bytes: Buffer, random: () => number, other: Buffer): { bytes: Buffer; ways: string[] } {
  const ways: string[] = [];
  let damaged = bytes;
  const count = random() < 0.7 ? 1 : 2 + below(random, 2);
  for (let i = 0; i < count && damaged.length > 8; i++) {
    const way = MUTATION_NAMES[below(random, MUTATION_NAMES.length)]!;
    damaged = MUTATIONS[way]!(damaged, random, other);
    ways.push(way);
  }
  return { bytes: damaged, ways };
}
