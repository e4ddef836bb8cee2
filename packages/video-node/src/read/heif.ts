import { FaceDetError } from '@facedet/core';

/** A transformation that a HEIF file specifies for the decoded picture, in the file's order. */
export type HeifTransform =
  /** Counterclockwise quarter turns. */
  | { readonly kind: 'rotate'; readonly turns: number }
  /** Swaps left and right (about a `vertical` axis) or top and bottom (mode 0 of the 2022 edition). */
  | { readonly kind: 'mirror'; readonly axis: 'vertical' | 'horizontal' }
  | { readonly kind: 'crop'; readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** A coded picture in a HEIF file. */
export interface HeifTile {
  readonly codec: 'hvc1' | 'av01';
  /** The decoder's configuration record (hvcC or av1C). */
  readonly configuration: Buffer;
  readonly data: Buffer;
}

/** The parts of a HEIF file's primary picture. */
export interface HeifPicture {
  /** Pixels before transforms. */
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  /** Row by row from the top left; a picture without a grid is one tile. */
  readonly tiles: readonly HeifTile[];
  readonly transforms: readonly HeifTransform[];
  /** Coding-independent code points of the colors (ITU-T H.273), if the file states them. */
  readonly color?: {
    readonly primaries: number;
    readonly transfer: number;
    readonly matrix: number;
    readonly fullRange: boolean;
  };
}

interface Box {
  readonly type: string;
  readonly body: Buffer;
}

interface Item {
  readonly type: string;
  readonly extents: readonly { readonly offset: number; readonly length: number; readonly inIdat: boolean }[];
  readonly properties: readonly Box[];
  /** The IDs of a grid's tiles: its `dimg` references. */
  readonly tiles: readonly number[];
}

// Counts in hostile files are checked before memory is allocated.
const MOST_ITEMS = 65_535;

/**
 * Parses the primary picture of a HEIF file (ISO/IEC 23008-12): single pictures and grids of tiles, with their
 * rotation, mirror and crop properties. Throws `IMAGE_UNREADABLE` for broken files and other kinds (overlays, other
 * codecs).
 */
export function parseHeif(file: Buffer, name: string): HeifPicture {
  const bad = (what: string, cause?: unknown) =>
    new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a complete HEIF picture but ${name} ${what}; export it as JPEG or PNG.`,
      cause === undefined ? undefined : { cause },
    );
  try {
    return parse(file, bad);
  } catch (error) {
    if (error instanceof FaceDetError) throw error;
    throw bad('is broken or cut off', error);
  }
}

/** The items of a file, and the error for what is wrong with them. */
interface Items {
  item(id: number): Item;
  /** The data of an item. */
  bytes(item: Item): Buffer;
  bad(what: string): FaceDetError;
}

function parse(file: Buffer, bad: Items['bad']): HeifPicture {
  const meta = boxes(file).find(({ type }) => type === 'meta');
  if (!meta) throw bad('has no index of pictures (meta)');
  const parts = new Map(boxes(meta.body.subarray(4)).map((box) => [box.type, box.body]));
  const need = (type: string) => {
    const body = parts.get(type);
    if (!body) throw bad(`has no ${type} box`);
    return body;
  };
  const pitm = need('pitm');
  const primary = pitm[0] === 0 ? pitm.readUInt16BE(4) : pitm.readUInt32BE(4);
  const items = readItems({ iinf: need('iinf'), iloc: need('iloc'), iprp: need('iprp'), iref: parts.get('iref') }, bad);
  return readPicture(primary, {
    item(id) {
      const found = items.get(id);
      if (!found) throw bad(`refers to picture ${id}, which does not exist`);
      return found;
    },
    bytes: ({ extents }) =>
      Buffer.concat(
        extents.map(({ offset, length, inIdat }) => {
          const from = inIdat ? need('idat') : file;
          // A length of 0 means up to the end.
          const end = length === 0 ? from.length : offset + length;
          if (offset > from.length || end > from.length) throw bad('is cut off');
          return from.subarray(offset, end);
        }),
      ),
    bad,
  });
}

function readPicture(id: number, items: Items): HeifPicture {
  const picture = items.item(id);
  const [width, height] = sizeOf(picture) ?? [0, 0];
  const parts =
    picture.type === 'grid'
      ? readGrid(picture, items)
      : { width, height, columns: 1, tiles: [readTile(picture, items)] };
  if (parts.width < 1 || parts.height < 1) throw items.bad('does not state its size');
  const color = colorOf([picture, ...picture.tiles.slice(0, 1).map(items.item)]);
  return { ...parts, transforms: transformsOf(picture, parts.width, parts.height), ...(color && { color }) };
}

function readGrid(picture: Item, items: Items): Omit<HeifPicture, 'transforms'> {
  const { item, bytes, bad } = items;
  const grid = bytes(picture);
  const rows = grid[2]! + 1;
  const columns = grid[3]! + 1;
  const [width, height] =
    grid[1]! & 1 ? [grid.readUInt32BE(4), grid.readUInt32BE(8)] : [grid.readUInt16BE(4), grid.readUInt16BE(6)];
  if (picture.tiles.length !== rows * columns) throw bad(`has ${picture.tiles.length} of ${rows * columns} tiles`);
  const parts = picture.tiles.map(item);
  // A tile with its own transformations would have to be transformed before it is placed.
  if (parts.some((part) => transformsOf(part, ...(sizeOf(part) ?? [0, 0])).length > 0))
    throw bad('has tiles with their own transformations, which is not supported');
  return { width, height, columns, tiles: parts.map((part) => readTile(part, items)) };
}

function readTile(part: Item, { bytes, bad }: Items): HeifTile {
  const [codec, record] =
    part.type === 'hvc1'
      ? (['hvc1', 'hvcC'] as const)
      : part.type === 'av01'
        ? (['av01', 'av1C'] as const)
        : [undefined, ''];
  if (!codec) throw bad(`has pictures of the type ${part.type.replace(/[^\w ]/g, '?')}, which is not supported`);
  const configuration = property(part, record);
  if (!configuration) throw bad(`has a picture without ${record}`);
  return { codec, configuration, data: bytes(part) };
}

/** The first color property (nclx) of some items. */
function colorOf(items: readonly Item[]): HeifPicture['color'] {
  const nclx = items
    .map(
      ({ properties }) =>
        properties.find(({ type, body }) => type === 'colr' && body.toString('latin1', 0, 4) === 'nclx')?.body,
    )
    .find(Boolean);
  return (
    nclx && {
      primaries: nclx.readUInt16BE(4),
      transfer: nclx.readUInt16BE(6),
      matrix: nclx.readUInt16BE(8),
      fullRange: (nclx[10]! & 0x80) !== 0,
    }
  );
}

function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    let size = bytes.readUInt32BE(at);
    let header = 8;
    if (size === 1) {
      size = Number(bytes.readBigUInt64BE(at + 8));
      header = 16;
    } else if (size === 0) size = bytes.length - at;
    if (size < header) throw new RangeError('a box is smaller than its header');
    found.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + header, at + size) });
    at += size;
  }
  return found;
}

function property({ properties }: Item, name: string): Buffer | undefined {
  return properties.find(({ type }) => type === name)?.body;
}

function sizeOf(item: Item): [number, number] | undefined {
  const ispe = property(item, 'ispe');
  return ispe && [ispe.readUInt32BE(4), ispe.readUInt32BE(8)];
}

function transformsOf({ properties }: Item, width: number, height: number): HeifTransform[] {
  const steps: HeifTransform[] = [];
  let [w, h] = [width, height];
  for (const { type, body } of properties) {
    if (type === 'irot' && (body[0]! & 3) > 0) {
      steps.push({ kind: 'rotate', turns: body[0]! & 3 });
      if (body[0]! & 1) [w, h] = [h, w];
    } else if (type === 'imir') steps.push({ kind: 'mirror', axis: body[0]! & 1 ? 'vertical' : 'horizontal' });
    else if (type === 'clap') {
      const fraction = (at: number) => body.readInt32BE(at) / body.readInt32BE(at + 4);
      const [cw, ch] = [Math.round(fraction(0)), Math.round(fraction(8))];
      const x = Math.round(fraction(16) + (w - 1) / 2 - (cw - 1) / 2);
      const y = Math.round(fraction(24) + (h - 1) / 2 - (ch - 1) / 2);
      if (!(cw >= 1 && ch >= 1 && x >= 0 && y >= 0 && x + cw <= w && y + ch <= h))
        throw new RangeError('a crop is outside of the picture');
      steps.push({ kind: 'crop', x, y, width: cw, height: ch });
      [w, h] = [cw, ch];
    }
  }
  return steps;
}

/** Bodies of the boxes that describe items: their types, locations, properties and references. */
interface ItemBoxes {
  readonly iinf: Buffer;
  readonly iloc: Buffer;
  readonly iprp: Buffer;
  readonly iref: Buffer | undefined;
}

function readItems({ iinf, iloc, iprp, iref }: ItemBoxes, bad: Items['bad']): Map<number, Item> {
  const types = new Map<number, string>();
  for (const { type, body } of boxes(iinf.subarray(iinf[0] === 0 ? 6 : 8))) {
    if (type !== 'infe' || body[0]! < 2) continue;
    const wide = body[0]! > 2 ? 2 : 0;
    types.set(wide ? body.readUInt32BE(4) : body.readUInt16BE(4), body.toString('latin1', 8 + wide, 12 + wide));
  }
  if (types.size > MOST_ITEMS) throw bad(`states ${types.size} pictures`);
  const places = readLocations(iloc, bad);
  const properties = readProperties(iprp);
  const tiles = new Map<number, number[]>();
  for (const { type, body } of iref ? boxes(iref.subarray(4)) : []) {
    if (type !== 'dimg') continue;
    const bytes = iref![0] === 0 ? 2 : 4;
    const count = body.readUInt16BE(bytes);
    tiles.set(
      body.readUIntBE(0, bytes),
      Array.from({ length: count }, (_, i) => body.readUIntBE(bytes + 2 + i * bytes, bytes)),
    );
  }
  return new Map(
    [...types].map(([id, type]) => [
      id,
      { type, extents: places.get(id) ?? [], properties: properties.get(id) ?? [], tiles: tiles.get(id) ?? [] },
    ]),
  );
}

function readLocations(iloc: Buffer, bad: Items['bad']): Map<number, Item['extents']> {
  const version = iloc[0]!;
  const [offsetBytes, lengthBytes, baseBytes, indexBytes] = [
    iloc[4]! >> 4,
    iloc[4]! & 15,
    iloc[5]! >> 4,
    version > 0 ? iloc[5]! & 15 : 0,
  ];
  let at = 6;
  const number = (bytes: number) => {
    if (bytes === 0) return 0;
    const value = bytes === 8 ? Number(iloc.readBigUInt64BE(at)) : iloc.readUIntBE(at, bytes);
    at += bytes;
    return value;
  };
  const places = new Map<number, Item['extents']>();
  for (let left = number(version < 2 ? 2 : 4); left > 0; left--) {
    const id = number(version < 2 ? 2 : 4);
    const method = version > 0 ? number(2) & 15 : 0;
    const reference = number(2);
    if (method > 1 || reference !== 0) throw bad('stores its pictures in another file or item');
    const base = number(baseBytes);
    const extents = [];
    for (let more = number(2); more > 0; more--) {
      number(indexBytes);
      const offset = base + number(offsetBytes);
      extents.push({ offset, length: number(lengthBytes), inIdat: method === 1 });
    }
    places.set(id, extents);
  }
  return places;
}

function readProperties(iprp: Buffer): Map<number, Box[]> {
  const parts = boxes(iprp);
  const all = boxes(parts.find(({ type }) => type === 'ipco')!.body);
  const byItem = new Map<number, Box[]>();
  for (const { type, body } of parts) {
    if (type !== 'ipma') continue;
    const [idBytes, indexBytes] = [body[0] === 0 ? 2 : 4, body[3]! & 1 ? 2 : 1];
    let at = 8;
    for (let left = body.readUInt32BE(4); left > 0; left--) {
      const id = body.readUIntBE(at, idBytes);
      at += idBytes;
      const chosen: Box[] = [];
      for (let more = body[at++]!; more > 0; more--, at += indexBytes) {
        const index = body.readUIntBE(at, indexBytes) & (indexBytes === 2 ? 0x7fff : 0x7f);
        if (index > 0 && all[index - 1]) chosen.push(all[index - 1]!);
      }
      byItem.set(id, chosen);
    }
  }
  return byItem;
}
