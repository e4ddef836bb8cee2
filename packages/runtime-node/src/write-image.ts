import { FaceDetError, type PixelBuffer } from '@facedet/core';
import { isWritable, oneLine, PICTURE_EXTENSIONS, PICTURE_FORMATS, pictureFormatOf, writeOutput } from '@facedet/files';
import { describe } from './bytes.ts';
import { exifOf, type PictureTags } from './exif.ts';
import { loadSharp, type ImageFormat, type ReadableFormat } from './sharp.ts';

/** Options of `encodeImage`. */
export interface EncodeImageOptions {
  format: ImageFormat;
  /** From 1 to 100; by default 92 for JPEG, 90 for WebP, 65 for AVIF. PNG, GIF and TIFF have none. */
  quality?: number;
  /**
   * Titles, dates, place and camera that come along as EXIF, as `StillImage.tags` has them; not in GIF and TIFF. None
   * by default.
   */
  tags?: PictureTags;
}

/** Options of `writeImage`. */
export interface WriteImageOptions {
  /** As in `EncodeImageOptions`. */
  quality?: number;
  /** As in `EncodeImageOptions`. */
  tags?: PictureTags;
  /**
   * The format where the path's extension tells none, usually that of the picture the pixels come from. For one that is
   * not written the nearest: JPEG for HEIC, JPEG XL and JPEG 2000, PNG for BMP, PPM and TGA.
   */
  like?: ReadableFormat;
}

/** The format of a path's extension; undefined for any other extension. */
export function imageFormatOf(path: string): ImageFormat | undefined {
  const format = pictureFormatOf(path);
  return format && isWritable(format) ? format : undefined;
}

/**
 * Writes pixels as a picture in the format of the path's extension, without any metadata but the `tags` given. The file
 * appears under its name when it is complete: until then it is `NAME.partial`, which is removed where writing fails. A
 * link keeps leading to the picture; pipes and devices are written to. Rejects with `INVALID_ARGUMENT` where neither
 * the extension nor `like` gives a format, with `OUTPUT_UNWRITABLE`, `DISK_FULL`, and `OUTPUT_IN_USE` where another
 * process writes the same picture.
 */
export async function writeImage(path: string, pixels: PixelBuffer, options: WriteImageOptions = {}): Promise<void> {
  const format = imageFormatOf(path) ?? (options.like && PICTURE_FORMATS[options.like]?.copy);
  if (!format) {
    const extensions = PICTURE_EXTENSIONS.filter((extension) => imageFormatOf(`a${extension}`)).join(', ');
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a name that ends in ${extensions} but received ${describe(path)}; rename it, or give like.`,
    );
  }
  const { quality, tags } = options;
  const bytes = await encodeImage(pixels, { format, ...(quality !== undefined && { quality }), ...(tags && { tags }) });
  await writeOutput(path, bytes);
}

/**
 * Pixels as a picture file's bytes. Alpha is kept where the format has it and any pixel needs it. Rejects with
 * `INVALID_ARGUMENT` or `IMAGE_UNENCODABLE`.
 */
export async function encodeImage(pixels: PixelBuffer, options: EncodeImageOptions): Promise<Uint8Array> {
  const { format, quality, tags } = options;
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected an integer from 1 to 100 for quality but received ${String(quality)}.`,
    );
  const sharp = await loadSharp();
  const { data, channels } = pack(pixels, format !== 'jpeg');
  try {
    const picture = sharp(data, {
      raw: { width: pixels.width, height: pixels.height, channels },
      limitInputPixels: false,
    });
    if (tags && Object.keys(tags).length > 0) picture.withExif(exifOf(tags));
    switch (format) {
      case 'jpeg':
        return await picture.jpeg({ quality: quality ?? 92 }).toBuffer();
      case 'png':
        return await picture.png().toBuffer();
      case 'webp':
        return await picture.webp({ quality: quality ?? 90 }).toBuffer();
      case 'avif':
        return await picture.avif({ quality: quality ?? 65 }).toBuffer();
      case 'gif':
        return await picture.gif().toBuffer();
      case 'tiff':
        return await picture.tiff({ compression: 'deflate' }).toBuffer();
      default:
        throw new Error(`unknown format ${String(format)}`);
    }
  } catch (cause) {
    throw new FaceDetError(
      'IMAGE_UNENCODABLE',
      `Expected to encode ${pixels.width} × ${pixels.height} pixels as ${String(format)} but received: ` +
        `${oneLine((cause as Error).message)}`,
      { cause },
    );
  }
}

/** Pixels without padding, in the order red, green, blue(, alpha); alpha only where it is wanted and not all opaque. */
function pack(pixels: PixelBuffer, keepAlpha: boolean): { data: Uint8Array; channels: 1 | 3 | 4 } {
  const { data, width, height, format } = pixels;
  const step = format === 'gray' ? 1 : format === 'rgb' || format === 'bgr' ? 3 : 4;
  const stride = pixels.stride ?? width * step;
  if (!(data.length >= stride * (height - 1) + width * step))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected at least ${stride * (height - 1) + width * step} bytes for ${width} × ${height} pixels of ` +
        `${format} but received ${data.length}.`,
    );
  const plain = (format === 'gray' || format === 'rgb') && stride === width * step;
  if (plain)
    return {
      data: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, width * height * step),
      channels: step === 1 ? 1 : 3,
    };
  const channels = step === 1 ? 1 : step === 4 && keepAlpha && !isOpaque(pixels, stride) ? 4 : 3;
  const out = new Uint8Array(width * height * channels);
  const first = format.startsWith('bgr') ? 2 : 0;
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = y * stride;
    for (let x = 0; x < width; x++) {
      if (channels === 1) {
        out[to] = data[from]!;
      } else {
        out[to] = data[from + first]!;
        out[to + 1] = data[from + 1]!;
        out[to + 2] = data[from + 2 - first]!;
        if (channels === 4) out[to + 3] = data[from + 3]!;
      }
      to += channels;
      from += step;
    }
  }
  return { data: out, channels };
}

function isOpaque({ data, width, height }: PixelBuffer, stride: number): boolean {
  for (let y = 0; y < height; y++) {
    for (let i = y * stride + 3, end = y * stride + width * 4; i < end; i += 4) if (data[i] !== 255) return false;
  }
  return true;
}
