import type sharpFactory from 'sharp';
import { loadOptional } from '@facedet/files';

export type Sharp = typeof sharpFactory;

/** The picture decoder, loaded at its first use. Rejects with `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. */
export function loadSharp(): Promise<Sharp> {
  return loadOptional('sharp', 'reads and writes pictures', async () => (await import('sharp')).default);
}

/** The picture formats that are read and written by sharp. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** All picture formats that are read; those that sharp doesn't read need `decoders`. */
export type ReadableFormat = ImageFormat | 'heic' | 'jxl' | 'bmp' | 'jp2' | 'ppm' | 'tga';

/** What those of sharp are called where a person reads them. */
export const FORMATS = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';
