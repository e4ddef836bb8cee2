import {
  FaceDetError,
  resizeBilinear,
  type PixelBuffer,
  type RasterizeOptions,
  type RasterSource,
} from '@facedet/core';
import { countPictures, fileKind, oneLine, PICTURE_FORMATS } from '@facedet/files';
import { describe, readBytes, type ByteErrors } from './bytes.ts';
import { readTags, type PictureTags } from './exif.ts';
import { FORMATS, loadSharp, type ImageFormat, type ReadableFormat, type Sharp } from './sharp.ts';

/**
 * Decodes a picture in a format that sharp doesn't read: packed RGB, upright. Rejects with `IMAGE_UNREADABLE` where it
 * can't, and with `IMAGE_TOO_LARGE` beyond `pixelLimit`, before it takes memory for the pixels.
 */
export type PictureDecoder = (
  bytes: Uint8Array,
  options: { readonly pixelLimit: number; readonly name: string },
) => Promise<PixelBuffer>;

/** Options of `readImage`. */
export interface ReadImageOptions {
  /**
   * Width × height above which a picture is refused with `IMAGE_TOO_LARGE`; by default 200 million, which take 600 MB
   * as RGB.
   */
  pixelLimit?: number;
  /**
   * Bytes above which a file is refused with `IMAGE_TOO_LARGE`; by default 100 million for an answer of a server and
   * 1,000 million otherwise. Raising it lets a picture take more memory.
   */
  maxBytes?: number;
  /**
   * Asked in turn for what sharp doesn't read; `decodeStillImage` of `@facedet/video-node` reads HEIC, JPEG XL, BMP,
   * JPEG 2000, PPM and TGA. None by default. They decode at once, not when the pixels are asked for.
   */
  decoders?: readonly PictureDecoder[];
  /** Aborts reading; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A picture of a file, decoded when its pixels are first asked for. */
export interface StillImage extends RasterSource {
  /** What the file holds, whatever its name says. */
  readonly format: ReadableFormat;
  /** Its titles, dates, place and camera, as EXIF has them; for `writeImage`, which writes none by itself. */
  readonly tags: PictureTags;
  /** How many pictures the file holds (an animation, a TIFF of several pages): only the first is read. */
  readonly pages: number;
  /**
   * All of the picture as packed RGB, upright, in sRGB, alpha laid on black. Decoded once; not the caller's to change.
   */
  pixels(options?: { signal?: AbortSignal }): Promise<PixelBuffer>;
  rasterize(width: number, height: number, options?: RasterizeOptions): Promise<PixelBuffer>;
  /** Lets go of the pixels; what is asked for afterwards rejects with `DISPOSED`. */
  close(): void;
}

const PIXEL_LIMIT = 200_000_000;
/** The longest side that a JPEG can have; no camera's picture is longer, and crafted files are. */
const LONGEST_SIDE = 65_535;
const MAX_BYTES = { local: 1e9, remote: 1e8 };
const ERRORS: ByteErrors = {
  what: 'a picture',
  missing: 'IMAGE_NOT_FOUND',
  unreadable: 'IMAGE_UNREADABLE',
  empty: 'IMAGE_EMPTY',
  tooLarge: 'IMAGE_TOO_LARGE',
};

/**
 * Opens a picture: a path, a `file:`, `http:`, `https:` or `data:` URL, or the file's bytes. JPEG, PNG, WebP, AVIF, GIF
 * and TIFF (of several pictures in a file the first), and what `decoders` read; EXIF orientation applied, alpha laid on
 * black, gray, CMYK and 16-bit pictures made 8-bit sRGB. The first bytes decide the format; files of other formats
 * (SVG, PDF, …) reach no library.
 *
 * The header is read at once and the pixels when they are needed, so that a broken file may show only in `rasterize` or
 * `pixels`. Rejects with `IMAGE_NOT_FOUND`, `IMAGE_EMPTY`, `IMAGE_UNREADABLE` (no picture, a format that is not read,
 * truncated or corrupt), `IMAGE_TOO_LARGE` (more than `pixelLimit` pixels or `maxBytes` bytes, or a side over 65,535),
 * `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`.
 */
export async function readImage(
  source: string | URL | Uint8Array | ArrayBuffer,
  options: ReadImageOptions = {},
): Promise<StillImage> {
  const { pixelLimit = PIXEL_LIMIT, maxBytes, decoders = [], signal } = options;
  if (!(pixelLimit >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number for pixelLimit but received ${String(pixelLimit)}.`,
    );
  if (maxBytes !== undefined && !(maxBytes >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive number for maxBytes but received ${String(maxBytes)}.`,
    );
  const bytes = await readBytes(source, ERRORS, maxBytes ?? MAX_BYTES, signal);
  const sharp = await loadSharp();
  signal?.throwIfAborted();
  const shown = describe(source);
  const found = { ...(await header(sharp, bytes, shown)), shown };
  const { format } = found;
  if (isImageFormat(format)) {
    checkSize(found, pixelLimit);
    return stillImage(found, (reduction) => decodePixels(sharp, bytes, { ...found, format }, reduction));
  }
  const pixels = await decodeOther(bytes, decoders, found, pixelLimit);
  signal?.throwIfAborted();
  const { width, height } = pixels;
  checkSize({ width, height, shown }, pixelLimit);
  return stillImage({ ...found, width, height }, async () => pixels);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly format: ReadableFormat;
  readonly tags: PictureTags;
  readonly pages: number;
  readonly shown: string;
}

function checkSize({ width, height, shown }: Pick<Header, 'width' | 'height' | 'shown'>, pixelLimit: number): void {
  if (width <= LONGEST_SIDE && height <= LONGEST_SIDE && width * height <= pixelLimit) return;
  const limit = `at most ${pixelLimit.toLocaleString('en')} pixels and ${LONGEST_SIDE.toLocaleString('en')} a side`;
  throw new FaceDetError(
    'IMAGE_TOO_LARGE',
    `Expected a picture of ${limit} but ${shown} has ${width} × ${height}; scale it down, or raise pixelLimit ` +
      'where you trust it.',
  );
}

async function header(sharp: Sharp, bytes: Uint8Array, shown: string): Promise<Omit<Header, 'shown'>> {
  const kind = fileKind(bytes, shown);
  if (kind.type !== 'picture') {
    const held = kind.type === 'unknown' ? "can't be read as one" : `holds ${HELD[kind.type]}`;
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a ${FORMATS} picture but ${shown} ${held}; convert it first. It begins with ${beginning(bytes)}.`,
    );
  }
  // Of a HEIF file sharp reads the index, and only decodes those of AV1.
  if (!isImageFormat(kind.format) && kind.format !== 'heic')
    return { width: 0, height: 0, format: kind.format, tags: {}, pages: 1 };
  let found;
  try {
    found = await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    if (kind.format === 'heic') return { width: 0, height: 0, format: 'heic', tags: {}, pages: 1 };
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a ${FORMATS} picture but ${shown} can't be read as one: ${oneLine((cause as Error).message)} ` +
        `It begins with ${beginning(bytes)}.`,
      { cause },
    );
  }
  const format = found.format === 'heif' ? (found.compression === 'av1' ? 'avif' : 'heic') : found.format;
  if (!isImageFormat(format) && format !== 'heic')
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a ${FORMATS} picture but ${shown} holds ${String(format)}; convert it first.`,
    );
  const { width, height } = found.autoOrient;
  if (!(width >= 1 && height >= 1))
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a picture of at least one pixel but ${shown} has ${width} × ${height}.`,
    );
  // Of animated PNG sharp doesn't count the pictures.
  const pages = format === 'png' ? await countPictures(bytes, 'png') : (found.pages ?? 1);
  return { width, height, format, tags: found.exif ? readTags(found.exif) : {}, pages };
}

const HELD = {
  video: 'a video',
  sound: 'sound',
  text: 'text',
  SVG: 'an SVG drawing, which is not read, as it may name other files',
  PDF: 'a PDF document',
  archive: 'an archive',
  empty: 'nothing',
};

function isImageFormat(format: unknown): format is ImageFormat {
  return (
    format === 'jpeg' ||
    format === 'png' ||
    format === 'webp' ||
    format === 'avif' ||
    format === 'gif' ||
    format === 'tiff'
  );
}

async function decodeOther(
  bytes: Uint8Array,
  decoders: readonly PictureDecoder[],
  { format, shown }: Header,
  pixelLimit: number,
): Promise<PixelBuffer> {
  const { name } = PICTURE_FORMATS[format];
  if (decoders.length === 0) {
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a ${FORMATS} picture but ${shown} holds ${name}; pass decodeStillImage of @facedet/video-node ` +
        'in decoders, or convert it first.',
    );
  }
  let failure: unknown;
  for (const decode of decoders) {
    try {
      const pixels = await decode(bytes, { pixelLimit, name: shown });
      if (pixels.format === 'rgb' && pixels.data.length === 3 * pixels.width * pixels.height) return pixels;
      throw new FaceDetError(
        'IMAGE_UNREADABLE',
        `Expected packed RGB pixels of ${shown} from a decoder but received ${pixels.data.length} bytes of ` +
          `${String(pixels.format)} for ${pixels.width} × ${pixels.height}; correct the decoder.`,
      );
    } catch (error) {
      if ((error as FaceDetError).code === 'IMAGE_TOO_LARGE') throw error;
      failure = error;
    }
  }
  throw failure;
}

/** The first bytes of a file, as text where they are some. */
function beginning(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 16);
  const text = head.every((b) => b >= 32 && b < 127);
  return text
    ? JSON.stringify(String.fromCharCode(...head))
    : Array.from(head.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
}

function stillImage(
  { width, height, format, tags, pages, shown }: Header,
  read: (reduction: number) => Promise<PixelBuffer>,
): StillImage {
  // One picture for each reduction, so that what a call gives never depends on the calls before it.
  const decoded = new Map<number, Promise<PixelBuffer>>();
  let source: typeof read | undefined = read;

  const decode = async (reduction: number, signal?: AbortSignal): Promise<PixelBuffer> => {
    if (!source) throw new FaceDetError('DISPOSED', `The picture ${shown} is closed; open it again with readImage().`);
    signal?.throwIfAborted();
    let pending = decoded.get(reduction);
    if (!pending) decoded.set(reduction, (pending = source(reduction)));
    const pixels = await pending;
    signal?.throwIfAborted();
    return pixels;
  };

  return {
    width,
    height,
    format,
    tags,
    pages,
    pixels: (options) => decode(1, options?.signal),
    async rasterize(toWidth, toHeight, { region, signal } = {}) {
      const shown = region ?? { x: 0, y: 0, width, height };
      const pixels = await decode(
        reductionFor(format, Math.min(shown.width / toWidth, shown.height / toHeight)),
        signal,
      );
      const x = pixels.width / width;
      const y = pixels.height / height;
      return resizeBilinear(pixels, toWidth, toHeight, {
        x: shown.x * x,
        y: shown.y * y,
        width: shown.width * x,
        height: shown.height * y,
      });
    },
    close() {
      source = undefined;
      decoded.clear();
    },
  };
}

/**
 * By how much a JPEG may shrink while it is decoded: only so far that twice the wanted pixels are left, which the
 * bilinear step then samples as it would the whole picture. At 2 nothing is gained; 4 halves the decoder's time and
 * leaves a sixteenth of the memory.
 */
function reductionFor(format: ReadableFormat, scale: number): number {
  if (format !== 'jpeg') return 1;
  return scale >= 16 ? 8 : scale >= 8 ? 4 : 1;
}

async function decodePixels(
  sharp: Sharp,
  bytes: Uint8Array,
  { width, height, format, shown }: Header & { format: ImageFormat },
  reduction: number,
): Promise<PixelBuffer> {
  try {
    // The size is checked already. Of warnings (stray bytes, odd tables) real photographs have many; a truncated file
    // is an error.
    const picture = sharp(bytes, { limitInputPixels: false, failOn: 'error', autoOrient: true });
    if (reduction > 1)
      picture.resize(Math.max(Math.floor(width / reduction), 1), Math.max(Math.floor(height / reduction), 1), {
        fit: 'fill',
        kernel: 'linear',
      });
    const { data, info } = await picture
      .flatten()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 && info.channels !== 1) throw new Error(`${info.channels} channels`);
    return { data, width: info.width, height: info.height, format: info.channels === 3 ? 'rgb' : 'gray' };
  } catch (cause) {
    throw new FaceDetError(
      'IMAGE_UNREADABLE',
      `Expected a whole ${format.toUpperCase()} picture of ${width} × ${height} but ${shown} can't be ` +
        `decoded: ${oneLine((cause as Error).message)} It is truncated or corrupt; get the file again.`,
      { cause },
    );
  }
}
