import type sharpFactory from 'sharp';
import { loadOptional } from '@facedet/files';

export type Sharp = typeof sharpFactory;

/** The picture decoder, loaded at its first use. Rejects with `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. */
export function loadSharp(): Promise<Sharp> {
  return loadOptional('sharp', 'reads and writes pictures', async () => (await import('sharp')).default);
}

/** libvips's loaders of the formats that are read. */
const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff'].map((name) => `VipsForeignLoad${name}`);

// Of the process, as sharp's loaders are: between its two calls all of them are blocked, also for pictures being read.
let blocked: Promise<void> | undefined;

/**
 * Blocks sharp's loaders of all formats that `readImage` does not read (SVG, PDF, …), for the whole process: for a
 * program that opens pictures of strangers and has no other use for them. `readImage` never passes such a file to
 * sharp; this holds also where libvips would take a crafted file for another format than its first bytes say. Call it
 * before pictures are read: one being read meanwhile may fail. Further calls change nothing. Rejects with
 * `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`.
 */
export function blockOtherFormats(): Promise<void> {
  return (blocked ??= block().catch((error: unknown) => {
    blocked = undefined;
    throw error;
  }));
}

async function block(): Promise<void> {
  const sharp = await loadSharp();
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: LOADERS });
}

/** The picture formats that are read and written by sharp. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

/** All picture formats that are read; those that sharp doesn't read need `decoders`. */
export type ReadableFormat = ImageFormat | 'heic' | 'jxl' | 'bmp' | 'jp2' | 'ppm' | 'tga';

/** What those of sharp are called where a person reads them. */
export const FORMATS = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';
