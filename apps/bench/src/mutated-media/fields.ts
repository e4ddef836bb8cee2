// Where containers keep sizes and times, so that damage hits what parsers act on. Only as exact as that needs.

/** An unsigned integer in a file. */
export interface Field {
  readonly at: number;
  readonly length: number;
  readonly isLittleEndian: boolean;
}

const big = (at: number, length: number): Field => ({ at, length, isLittleEndian: false });
const little = (at: number, length: number): Field => ({ at, length, isLittleEndian: true });

/** Any place: some aligned numbers, near the start more often. */
export function anyFields(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += at < 512 ? 2 : 61)
    for (const length of [1, 2, 4]) fields.push(big(at, length), little(at, length));
  return fields.length > 0 ? fields : [big(0, 1)];
}

/** Fields of sizes, counts and lengths. */
export function sizesIn(bytes: Buffer): Field[] {
  const fields =
    kindOf(bytes) === 'iso' ? boxes(bytes).flatMap(sizesOfBox) : (FINDERS[kindOf(bytes)]?.sizes(bytes) ?? []);
  return fields.length > 0 ? fields : anyFields(bytes);
}

/** Fields of times, durations and rates. */
export function timesIn(bytes: Buffer): Field[] {
  const fields =
    kindOf(bytes) === 'iso' ? boxes(bytes).flatMap(timesOfBox) : (FINDERS[kindOf(bytes)]?.times(bytes) ?? []);
  return fields.length > 0 ? fields : anyFields(bytes);
}

function kindOf(bytes: Buffer): string {
  if (bytes.toString('latin1', 4, 8) === 'ftyp') return 'iso';
  if (bytes.length > 4 && bytes.readUInt32BE(0) === 0x1a45dfa3) return 'ebml';
  if (bytes.toString('latin1', 0, 4) === 'RIFF') return 'riff';
  if (bytes.toString('latin1', 0, 3) === 'FLV') return 'flv';
  if (bytes.toString('latin1', 0, 4) === 'OggS') return 'ogg';
  if (bytes[0] === 0x47 && bytes[188] === 0x47) return 'ts';
  if (bytes.length > 4 && bytes.readUInt32BE(0) === 0x1ba) return 'ps';
  if (bytes.toString('latin1', 1, 4) === 'PNG') return 'png';
  return '';
}

interface Box {
  readonly type: string;
  readonly at: number;
  readonly end: number;
}

const PARENTS = /^(moov|trak|mdia|minf|stbl|edts|udta|moof|traf|mvex|dinf|iprp|ipco|meta)$/;

function boxes(bytes: Buffer, from = 0, to = bytes.length): Box[] {
  const found: Box[] = [];
  for (let at = from; at + 8 <= to;) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const end = size >= 8 && at + size <= to ? at + size : to;
    found.push({ type, at, end });
    if (PARENTS.test(type)) found.push(...boxes(bytes, at + (type === 'meta' ? 12 : 8), end));
    at = end;
  }
  return found;
}

function sizesOfBox({ type, at, end }: Box): Field[] {
  const fields = [big(at, 4)];
  // A count follows version and flags.
  if (/^(stts|ctts|stsz|stsc|stco|co64|stsd|stss|elst|trun|iloc|iinf|ipma|dref)$/.test(type) && end - at >= 16) {
    fields.push(big(at + 12, 4));
    if (end - at >= 20) fields.push(big(at + 16, 4));
  }
  return fields;
}

function timesOfBox({ type, at, end }: Box): Field[] {
  if (!/^(mvhd|mdhd|tkhd|stts|ctts|elst|tfdt|tfhd|trun|sidx|mehd)$/.test(type)) return [];
  const fields: Field[] = [];
  for (let place = at + 12; place + 4 <= end; place += 4) fields.push(big(place, 4));
  return fields;
}

/** Places where a pattern of bytes begins. */
function places(bytes: Buffer, pattern: Buffer, limit = 400): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(pattern); at >= 0 && found.length < limit; at = bytes.indexOf(pattern, at + 1))
    found.push(at);
  return found;
}

const FINDERS: Readonly<Record<string, Record<'sizes' | 'times', (bytes: Buffer) => Field[]>>> = {
  ebml: {
    // Segment, Cluster, Tracks, Cues, SeekHead, Info: the length follows the ID of four bytes.
    sizes: (bytes) =>
      [0x18538067, 0x1f43b675, 0x1654ae6b, 0x1c53bb6b, 0x114d9b74, 0x1549a966]
        .flatMap((id) => places(bytes, Buffer.from(id.toString(16), 'hex')))
        .concat(places(bytes, Buffer.from([0xa3])), places(bytes, Buffer.from([0xa0])))
        .filter((at) => at + 12 < bytes.length)
        .map((at) => big(at + (bytes[at]! >= 0xa0 ? 1 : 4), 1 + (at % 3))),
    // Timecode of clusters, scale, durations, and the two bytes of a SimpleBlock.
    times: (bytes) =>
      [
        ...places(bytes, Buffer.from([0xe7])).map((at) => big(at + 2, 2)),
        ...places(bytes, Buffer.from('2ad7b1', 'hex')).map((at) => big(at + 4, 3)),
        ...places(bytes, Buffer.from('4489', 'hex')).map((at) => big(at + 3, 4)),
        ...places(bytes, Buffer.from([0xa3])).map((at) => big(at + 4, 2)),
      ].filter(({ at, length }) => at + length <= bytes.length),
  },
  riff: {
    sizes: (bytes) =>
      ['RIFF', 'LIST', 'strh', 'strf', 'avih', '00dc', '01wb', 'idx1', 'ANMF', 'VP8 ', 'VP8L', 'VP8X']
        .flatMap((name) => places(bytes, Buffer.from(name)))
        .filter((at) => at + 8 <= bytes.length)
        .map((at) => little(at + 4, 4)),
    times: (bytes) =>
      places(bytes, Buffer.from('strh'))
        .flatMap((at) => [28, 32, 36, 40].map((offset) => little(at + offset, 4)))
        .concat(places(bytes, Buffer.from('avih')).map((at) => little(at + 8, 4)))
        .filter(({ at }) => at + 4 <= bytes.length),
  },
  flv: {
    sizes: (bytes) => flvTags(bytes).map((at) => big(at + 1, 3)),
    times: (bytes) => flvTags(bytes).map((at) => big(at + 4, 3)),
  },
  ogg: {
    sizes: (bytes) =>
      places(bytes, Buffer.from('OggS'))
        .filter((at) => at + 30 < bytes.length)
        .map((at) => big(at + 26, 1 + (at % 3))),
    times: (bytes) =>
      places(bytes, Buffer.from('OggS'))
        .filter((at) => at + 14 < bytes.length)
        .map((at) => little(at + 6, 8)),
  },
  ts: {
    sizes: (bytes) => packets(bytes).flatMap((at) => [big(at + 1, 2), big(at + 4, 1)]),
    times: (bytes) => pes(bytes),
  },
  ps: {
    sizes: (bytes) =>
      [0xe0, 0xc0, 0xbb]
        .flatMap((id) => places(bytes, Buffer.from([0, 0, 1, id])))
        .filter((at) => at + 6 < bytes.length)
        .map((at) => big(at + 4, 2)),
    times: (bytes) => pes(bytes),
  },
  png: {
    sizes: (bytes) =>
      ['IHDR', 'IDAT', 'fcTL', 'fdAT', 'acTL']
        .flatMap((name) => places(bytes, Buffer.from(name)))
        .map((at) => big(at - 4, 4)),
    times: (bytes) =>
      places(bytes, Buffer.from('fcTL'))
        .filter((at) => at + 28 < bytes.length)
        .map((at) => big(at + 24, 4)),
  },
};

function flvTags(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = 13; at + 11 < bytes.length; at += 15 + bytes.readUIntBE(at + 1, 3)) found.push(at);
  return found;
}

function packets(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 188) }, (_, i) => 188 * i);
}

/** PTS and DTS of packets of pictures and sound. */
function pes(bytes: Buffer): Field[] {
  return [0xe0, 0xc0, 0xbd]
    .flatMap((id) => places(bytes, Buffer.from([0, 0, 1, id])))
    .filter((at) => at + 20 < bytes.length)
    .flatMap((at) => [big(at + 9, 5), big(at + 10, 2), big(at + 14, 4)]);
}
