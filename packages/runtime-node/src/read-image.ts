import { FaceDetError, resizeBilinear, type PixelBuffer, type RasterizeOptions, type RasterSource } from '@facedet/core';
import { describe, readBytes, type ByteErrors } from './bytes.ts';
import { readTags, type PictureTags } from './exif.ts';
import { oneLine } from '@facedet/files';
import { FORMATS, loadSharp, type ImageFormat, type Sharp } from './sharp.ts';

/** Options of `readImage`. */
export interface ReadImageOptions {
  /** Width × height above which a picture is refused with `IMAGE_TOO_LARGE`; by default 200 million, which take 600 MB as RGB. */
  pixelLimit?: number;
  /** Aborts reading; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A picture of a file, decoded when its pixels are first asked for. */
export interface StillImage extends RasterSource {
  /** What the file holds, whatever its name says. */
  readonly format: ImageFormat;
  /** Its titles, dates, place and camera, as EXIF has them; for `writeImage`, which writes none by itself. */
  readonly tags: PictureTags;
  /** How many pictures the file holds (an animation, a TIFF of several pages): only the first is read. */
  readonly pages: number;
  /** All of the picture as packed RGB, upright, in sRGB, alpha laid on black. Decoded once; not the caller's to change. */
  pixels(options?: { signal?: AbortSignal }): Promise<PixelBuffer>;
  rasterize(width: number, height: number, options?: RasterizeOptions): Promise<PixelBuffer>;
  /** Lets go of the pixels; what is asked for afterwards rejects with `DISPOSED`. */
  close(): void;
}

const PIXEL_LIMIT = 200_000_000;
/** The longest side that a JPEG can have; no camera's picture is longer, and crafted files are. */
const LONGEST_SIDE = 65_535;
const MAX_BYTES = 1e9;
const ERRORS: ByteErrors = { what: 'a picture', missing: 'IMAGE_NOT_FOUND', unreadable: 'IMAGE_UNREADABLE', empty: 'IMAGE_EMPTY', tooLarge: 'IMAGE_TOO_LARGE' };

/**
 * Opens a picture: a path, a `file:`, `http:`, `https:` or `data:` URL, or the file's bytes. JPEG, PNG, WebP, AVIF, GIF and TIFF (of
 * several pictures in a file the first); EXIF orientation applied, alpha laid on black, grey, CMYK and 16-bit pictures made 8-bit sRGB.
 *
 * The header is read at once and the pixels when they are needed, so that a broken file may show only in `rasterize` or `pixels`. Rejects
 * with `IMAGE_NOT_FOUND`, `IMAGE_EMPTY`, `IMAGE_UNREADABLE` (no picture, a format that is not read, truncated or corrupt),
 * `IMAGE_TOO_LARGE` (more than `pixelLimit` pixels, or a side over 65,535), `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`.
 */
export async function readImage(source: string | URL | Uint8Array | ArrayBuffer, options: ReadImageOptions = {}): Promise<StillImage> {
  const { pixelLimit = PIXEL_LIMIT, signal } = options;
  if (!(pixelLimit >= 1)) throw new FaceDetError('INVALID_ARGUMENT', `Expected a positive number for pixelLimit but received ${String(pixelLimit)}.`);
  const bytes = await readBytes(source, ERRORS, MAX_BYTES, signal);
  const sharp = await loadSharp();
  signal?.throwIfAborted();
  const shown = describe(source);
  const found = await header(sharp, bytes, shown);
  const { width, height } = found;
  if (width > LONGEST_SIDE || height > LONGEST_SIDE || width * height > pixelLimit) {
    const limit = `at most ${pixelLimit.toLocaleString('en')} pixels and ${LONGEST_SIDE.toLocaleString('en')} a side`;
    throw new FaceDetError('IMAGE_TOO_LARGE', `Expected a picture of ${limit} but ${shown} has ${width} × ${height}; scale it down, or raise pixelLimit where you trust it.`);
  }
  return stillImage(sharp, bytes, { ...found, shown });
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly format: ImageFormat;
  readonly tags: PictureTags;
  readonly pages: number;
  readonly shown: string;
}

async function header(sharp: Sharp, bytes: Uint8Array, shown: string): Promise<Omit<Header, 'shown'>> {
  let found;
  try {
    found = await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new FaceDetError('IMAGE_UNREADABLE', `Expected a ${FORMATS} picture but ${shown} can't be read as one: ${oneLine((cause as Error).message)} It begins with ${beginning(bytes)}.`, { cause });
  }
  const format = found.format === 'heif' && found.compression === 'av1' ? 'avif' : found.format;
  if (!isImageFormat(format)) throw new FaceDetError('IMAGE_UNREADABLE', `Expected a ${FORMATS} picture but ${shown} holds ${String(format)}; convert it first.`);
  const { width, height } = found.autoOrient;
  if (!(width >= 1 && height >= 1)) throw new FaceDetError('IMAGE_UNREADABLE', `Expected a picture of at least one pixel but ${shown} has ${width} × ${height}.`);
  return { width, height, format, tags: found.exif ? readTags(found.exif) : {}, pages: found.pages ?? 1 };
}

function isImageFormat(format: unknown): format is ImageFormat {
  return format === 'jpeg' || format === 'png' || format === 'webp' || format === 'avif' || format === 'gif' || format === 'tiff';
}

/** The first bytes of a file, as text where they are some. */
function beginning(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 16);
  const text = head.every((b) => b >= 32 && b < 127);
  return text ? JSON.stringify(String.fromCharCode(...head)) : Array.from(head.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
}

function stillImage(sharp: Sharp, bytes: Uint8Array, found: Header): StillImage {
  const { width, height, format, tags, pages, shown } = found;
  // One picture for each reduction, so that what a call gives never depends on the calls before it.
  const decoded = new Map<number, Promise<PixelBuffer>>();
  let closed = false;

  const decode = async (reduction: number, signal?: AbortSignal): Promise<PixelBuffer> => {
    if (closed) throw new FaceDetError('DISPOSED', `The picture ${shown} is closed; open it again with readImage().`);
    signal?.throwIfAborted();
    let pending = decoded.get(reduction);
    if (!pending) decoded.set(reduction, (pending = decodePixels(sharp, bytes, found, reduction)));
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
      const pixels = await decode(reductionFor(format, Math.min(shown.width / toWidth, shown.height / toHeight)), signal);
      const x = pixels.width / width;
      const y = pixels.height / height;
      return resizeBilinear(pixels, toWidth, toHeight, { x: shown.x * x, y: shown.y * y, width: shown.width * x, height: shown.height * y });
    },
    close() {
      closed = true;
      decoded.clear();
    },
  };
}

/**
 * By how much a JPEG may shrink while it is decoded: only so far that twice the wanted pixels are left, which the bilinear step then
 * samples as it would the whole picture. At 2 nothing is gained; 4 halves the decoder's time and leaves a sixteenth of the memory.
 */
function reductionFor(format: ImageFormat, scale: number): number {
  if (format !== 'jpeg') return 1;
  return scale >= 16 ? 8 : scale >= 8 ? 4 : 1;
}

async function decodePixels(sharp: Sharp, bytes: Uint8Array, { width, height, format, shown }: Header, reduction: number): Promise<PixelBuffer> {
  try {
    // The size is checked already. Of warnings (stray bytes, odd tables) real photographs have many; a truncated file is an error.
    const picture = sharp(bytes, { limitInputPixels: false, failOn: 'error', autoOrient: true });
    if (reduction > 1) picture.resize(Math.max(Math.floor(width / reduction), 1), Math.max(Math.floor(height / reduction), 1), { fit: 'fill', kernel: 'linear' });
    const { data, info } = await picture.flatten().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 && info.channels !== 1) throw new Error(`${info.channels} channels`);
    return { data, width: info.width, height: info.height, format: info.channels === 3 ? 'rgb' : 'gray' };
  } catch (cause) {
    throw new FaceDetError('IMAGE_UNREADABLE', `Expected a whole ${format.toUpperCase()} picture of ${width} × ${height} but ${shown} can't be decoded: ${oneLine((cause as Error).message)} It is truncated or corrupt; get the file again.`, { cause });
  }
}
