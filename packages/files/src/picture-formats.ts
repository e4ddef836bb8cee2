import { extname } from 'node:path';

interface Format {
  /** What people call it. */
  readonly name: string;
  /** File extensions, the one that is written first. */
  readonly extensions: readonly string[];
  /** The format in which a copy is written: the same, or the nearest one that can be written. */
  readonly copy: WritableFormat;
  /** Whether a file may hold several pictures that are shown one after the other. */
  readonly animated?: true;
}

/** Formats that sharp reads and writes. */
export type WritableFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** Every picture format that is read. Those that sharp doesn't read are decoded by FFmpeg. */
export type PictureFormat = WritableFormat | 'heic' | 'jxl' | 'bmp' | 'jp2' | 'ppm' | 'tga';

/** The picture formats of the whole project. */
export const PICTURE_FORMATS: Readonly<Record<PictureFormat, Format>> = {
  jpeg: { name: 'JPEG', extensions: ['.jpg', '.jpeg', '.jpe', '.jfif'], copy: 'jpeg' },
  png: { name: 'PNG', extensions: ['.png', '.apng'], copy: 'png', animated: true },
  webp: { name: 'WebP', extensions: ['.webp'], copy: 'webp', animated: true },
  avif: { name: 'AVIF', extensions: ['.avif'], copy: 'avif' },
  gif: { name: 'GIF', extensions: ['.gif'], copy: 'gif', animated: true },
  tiff: { name: 'TIFF', extensions: ['.tif', '.tiff'], copy: 'tiff' },
  heic: { name: 'HEIC', extensions: ['.heic', '.heif'], copy: 'jpeg' },
  jxl: { name: 'JPEG XL', extensions: ['.jxl'], copy: 'jpeg' },
  bmp: { name: 'BMP', extensions: ['.bmp', '.dib'], copy: 'png' },
  jp2: { name: 'JPEG 2000', extensions: ['.jp2', '.j2k', '.jpf'], copy: 'jpeg' },
  ppm: { name: 'PPM', extensions: ['.ppm', '.pgm', '.pbm', '.pnm', '.pam', '.pfm'], copy: 'png' },
  tga: { name: 'TGA', extensions: ['.tga'], copy: 'png' },
};

const BY_EXTENSION = new Map(
  Object.entries(PICTURE_FORMATS).flatMap(([format, { extensions }]) =>
    extensions.map((extension) => [extension, format as PictureFormat] as const),
  ),
);

/** Extensions of all pictures that are read. */
export const PICTURE_EXTENSIONS: readonly string[] = [...BY_EXTENSION.keys()];

/** The format of a file extension; undefined for an unknown one. */
export function pictureFormatOf(name: string): PictureFormat | undefined {
  return BY_EXTENSION.get(extname(name).toLowerCase());
}

/** Whether pictures are written in a format. */
export function isWritable(format: PictureFormat): format is WritableFormat {
  return PICTURE_FORMATS[format].copy === format;
}
