import type sharpFactory from 'sharp';
import { loadOptional } from '@facedet/files';

export type Sharp = typeof sharpFactory;

/** The picture decoder, loaded at its first use. Rejects with `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. */
export function loadSharp(): Promise<Sharp> {
  return loadOptional('sharp', 'reads and writes pictures', async () => (await import('sharp')).default);
}

/** The picture formats that are read and written. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** What they are called where a person reads them. */
export const FORMATS = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';
