import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rasterSourceConformance } from '@facedet/core/testing';
import type { PixelBuffer } from '@facedet/core';
import sharp from 'sharp';
import { afterAll, describe, it } from 'vitest';
import { readImage } from './read-image.ts';
import { tempFolder } from './video/fixtures.ts';
import { openVideo } from './video/open-video.ts';
import { createVideoWriter } from './video/writer.ts';

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

describe('a frame of openVideo', () => {
  const folder = tempFolder();
  let films = 0;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function create(picture: PixelBuffer) {
    const path = join(folder, `${films++}.mp4`);
    const writer = await createVideoWriter(path, {
      like: { width: picture.width, height: picture.height, fps: 25 },
      crf: 1,
    });
    await writer.write({ ...picture, timestamp: 0 });
    await writer.finish();
    const video = await openVideo(path);
    const { value: frame } = await video[Symbol.asyncIterator]().next();
    if (!frame) throw new Error(`Expected a frame in ${path} but received none.`);
    const close = () => {
      frame.close();
      void video.close();
    };
    return { ...frame, close };
  }

  // FFmpeg's fast scaler rounds down twice.
  for (const { name, run } of rasterSourceConformance({ create, tolerance: 4 })) it(name, run);
});
