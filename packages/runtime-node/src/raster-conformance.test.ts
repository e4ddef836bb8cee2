import { rasterSourceConformance } from '@facedet/core/testing';
import type { PixelBuffer } from '@facedet/core';
import sharp from 'sharp';
import { describe, it } from 'vitest';
import { readImage } from './read-image.ts';

const sharpOf = ({ data, width, height }: PixelBuffer) => sharp(data, { raw: { width, height, channels: 3 } });

describe.each([
  ['PNG', 1, (picture: PixelBuffer) => sharpOf(picture).png().toBuffer()],
  ['WebP', 1, (picture: PixelBuffer) => sharpOf(picture).webp({ lossless: true }).toBuffer()],
  ['JPEG', 3, (picture: PixelBuffer) => sharpOf(picture).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()],
  // What a camera held upright stores: the picture turned back.
  [
    'JPEG with EXIF orientation 6',
    3,
    async (picture: PixelBuffer) =>
      sharp(await sharpOf(picture).rotate(270).png().toBuffer())
        .withMetadata({ orientation: 6 })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer(),
  ],
])('readImage of a %s', (_, tolerance, encode) => {
  for (const { name, run } of rasterSourceConformance({
    create: async (picture) => readImage(await encode(picture)),
    tolerance,
  }))
    it(name, run);
});
