/**
 * EXIF tags of a picture by their names: `{ DateTimeOriginal: '2024:05:01 12:30:00', GPSLatitude: '52/1 31/1 12/1', …
 * }`.
 */
export type PictureTags = Readonly<Record<string, string>>;

/**
 * Titles, dates, places and the camera: what a person may want to keep. Nothing else passes, as a thumbnail, a maker's
 * note or the regions of a photo library may show or name the people of the picture.
 */
const KEPT: Record<'image' | 'photo' | 'place', Record<number, string>> = {
  image: {
    0x010e: 'ImageDescription',
    0x010f: 'Make',
    0x0110: 'Model',
    0x0131: 'Software',
    0x0132: 'DateTime',
    0x013b: 'Artist',
    0x8298: 'Copyright',
  },
  photo: {
    0x829a: 'ExposureTime',
    0x829d: 'FNumber',
    0x8827: 'ISOSpeedRatings',
    0x9003: 'DateTimeOriginal',
    0x9004: 'DateTimeDigitized',
    0x9010: 'OffsetTime',
    0x9011: 'OffsetTimeOriginal',
    0x9012: 'OffsetTimeDigitized',
    0x920a: 'FocalLength',
    0xa434: 'LensModel',
  },
  place: {
    1: 'GPSLatitudeRef',
    2: 'GPSLatitude',
    3: 'GPSLongitudeRef',
    4: 'GPSLongitude',
    7: 'GPSTimeStamp',
    29: 'GPSDateStamp',
  },
};
// Where the first directory points to the other two.
const [PHOTO, PLACE] = [0x8769, 0x8825];
const LONGEST = 1000;

/** The tags of an EXIF block that are kept. A block that is broken gives what can be read of it. */
export function readTags(exif: Uint8Array): PictureTags {
  const start = new TextDecoder('latin1').decode(exif.subarray(0, 6)) === 'Exif\0\0' ? 6 : 0;
  const tags: Record<string, string> = {};
  try {
    const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
    const order = view.getUint16(0);
    if (order !== 0x4949 && order !== 0x4d4d) return tags;
    const little = order === 0x4949;
    const first = directory(view, view.getUint32(4, little), little);
    const pointed = (tag: number) => {
      const entry = first.find((candidate) => candidate.tag === tag);
      return entry ? directory(view, view.getUint32(entry.at, little), little) : [];
    };
    for (const [kind, entries] of [
      ['image', first],
      ['photo', pointed(PHOTO)],
      ['place', pointed(PLACE)],
    ] as const) {
      for (const entry of entries) {
        const name = KEPT[kind][entry.tag];
        const value = name && valueOf(view, entry, little);
        if (name && value) tags[name] = value;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it points out of itself
  }
  return tags;
}

/** Tags in the form of sharp's `withExif`; unknown names are left out. */
export function exifOf(tags: PictureTags): {
  IFD0: Record<string, string>;
  IFD2: Record<string, string>;
  IFD3: Record<string, string>;
} {
  // libvips cuts a value at its last opening bracket, where it expects its own remarks on the type.
  const chosen = (kind: keyof typeof KEPT) =>
    Object.fromEntries(
      Object.values(KEPT[kind]).flatMap((name) => (tags[name] ? [[name, `${tags[name]} (kept)`]] : [])),
    );
  return { IFD0: chosen('image'), IFD2: chosen('photo'), IFD3: chosen('place') };
}

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where the value lies, or its offset. */
  readonly at: number;
}

/** The entries of a directory (TIFF 6.0, section 2). */
function directory(view: DataView, at: number, little: boolean): Entry[] {
  const count = view.getUint16(at, little);
  return Array.from({ length: count }, (_, i) => {
    const entry = at + 2 + 12 * i;
    return {
      tag: view.getUint16(entry, little),
      type: view.getUint16(entry + 2, little),
      count: view.getUint32(entry + 4, little),
      at: entry + 8,
    };
  });
}

/** A value as text: ASCII, whole numbers, fractions as `28/10`; undefined for the rest. */
function valueOf(view: DataView, { type, count, at }: Entry, little: boolean): string | undefined {
  const size = { 2: 1, 3: 2, 4: 4, 5: 8 }[type];
  if (!size || count < 1 || count > LONGEST) return undefined;
  const from = size * count > 4 ? view.getUint32(at, little) : at;
  const number = {
    2: (p: number) => view.getUint8(p),
    3: (p: number) => view.getUint16(p, little),
    4: (p: number) => view.getUint32(p, little),
    5: (p: number) => `${view.getUint32(p, little)}/${view.getUint32(p + 4, little)}`,
  }[type]!;
  const values = Array.from({ length: count }, (_, i) => number(from + size * i));
  if (type !== 2) return values.join(' ');
  // EXIF's text is ASCII; what writers put there besides would come out as other letters.
  const text = String.fromCharCode(...(values as number[]))
    .split('\0', 1)[0]!
    .trim();
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}
