import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesPerPixel, type PixelBuffer, type PixelFormat } from '@facedet/core';
import { channelOffsets } from '@facedet/core/engine';
import { readTags } from './exif.ts';
import { readImage } from './read-image.ts';
import { encodeImage, imageFormatOf, writeImage } from './write-image.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facedet-write-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const FORMATS: PixelFormat[] = ['rgb', 'rgba', 'bgr', 'bgra', 'gray'];
const gradient = (width: number, height: number): PixelBuffer => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 255) / (width * height * 3)),
  width,
  height,
  format: 'rgb',
});

describe('encodeImage', () => {
  it('keeps every pixel of every format and stride in a PNG', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FORMATS),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 7 }),
        fc.boolean(),
        fc.integer(),
        async (format, width, height, padding, opaque, seed) => {
          const step = bytesPerPixel(format);
          const stride = width * step + padding;
          const data = Uint8Array.from({ length: stride * height }, (_, i) => Math.imul(i + seed, 2654435761) >>> 24);
          if (opaque && step === 4)
            for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * stride + 4 * x + 3] = 255;
          const bytes = await encodeImage({ data, width, height, format, stride }, { format: 'png' });
          const back = await sharp(bytes).ensureAlpha().toColourspace('srgb').raw().toBuffer();
          const channels = channelOffsets(format);
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
              const from = y * stride + x * step;
              const wanted = [...channels.map((c) => data[from + c]), step === 4 ? data[from + 3] : 255];
              expect(Array.from(back.subarray(4 * (y * width + x), 4 * (y * width + x) + 4))).toEqual(wanted);
            }
          }
          expect((await sharp(bytes).metadata()).hasAlpha).toBe(step === 4 && wanted4(data, width, height, stride));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes a quality, and refuses an invalid one and too few pixels', async () => {
    const pixels = gradient(64, 64);
    expect((await encodeImage(pixels, { format: 'jpeg', quality: 20 })).length).toBeLessThan(
      (await encodeImage(pixels, { format: 'jpeg', quality: 95 })).length,
    );
    for (const quality of [0, 101, 5.5, NaN])
      await expect(encodeImage(pixels, { format: 'jpeg', quality })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    await expect(encodeImage({ ...pixels, height: 65 }, { format: 'png' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(encodeImage(pixels, { format: 'bmp' as 'png' })).rejects.toMatchObject({ code: 'IMAGE_UNENCODABLE' });
    await expect(
      encodeImage({ data: new Uint8Array(3 * 20_000), width: 20_000, height: 1, format: 'rgb' }, { format: 'webp' }),
    ).rejects.toMatchObject({ code: 'IMAGE_UNENCODABLE' });
  });
});

const wanted4 = (data: Uint8Array, width: number, height: number, stride: number) =>
  Array.from({ length: width * height }, (_, i) => data[Math.floor(i / width) * stride + 4 * (i % width) + 3]).some(
    (v) => v !== 255,
  );

describe('tags', () => {
  const tags = {
    ImageDescription: 'Anna (in the garden)',
    Make: 'Maker',
    DateTimeOriginal: '2024:05:01 12:30:00',
    OffsetTimeOriginal: '+02:00',
    FNumber: '28/10',
    ISOSpeedRatings: '200',
    GPSLatitudeRef: 'N',
    GPSLatitude: '52/1 31/1 12/1',
  };

  it.each(['jpeg', 'png', 'webp', 'avif'] as const)(
    'come along in a %s where they are given, and else nothing does',
    async (format) => {
      const bytes = await encodeImage(gradient(60, 40), { format, tags });
      expect((await readImage(bytes)).tags).toEqual(tags);
      const again = await readImage(await encodeImage(await (await readImage(bytes)).pixels(), { format }));
      expect(again.tags).toEqual({});
    },
  );

  it('are titles, dates, places and the camera only, however the file is made', async () => {
    const gif = await encodeImage(gradient(8, 8), { format: 'gif', tags });
    expect((await readImage(gif)).tags).toEqual({});
    const raw = sharp(await encodeImage(gradient(8, 8), { format: 'jpeg' })).withExif({
      IFD0: { Make: 'Maker', Orientation: '6' },
      IFD2: { UserComment: 'of Anna', BodySerialNumber: '123', ExposureTime: '1/60' },
    });
    expect((await readImage(await raw.jpeg().toBuffer())).tags).toEqual({ Make: 'Maker', ExposureTime: '1/60' });
  });

  it('of a broken block are what can be read of it', async () => {
    const { exif } = await sharp(await encodeImage(gradient(8, 8), { format: 'jpeg', tags })).metadata();
    expect(readTags(exif!)).toEqual(tags);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(exif!.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
        fc.nat(exif!.length),
        (changes, length) => {
          const broken = Uint8Array.from(exif!.subarray(0, length));
          for (const [at, value] of changes) if (at < length) broken[at] = value;
          for (const text of Object.values(readTags(broken))) expect(text).toMatch(/^[ -~]+$/);
        },
      ),
    );
  });
});

describe('writeImage', () => {
  it.each(['jpg', 'JPEG', 'png', 'webp', 'avif', 'gif', 'tif', 'tiff'])(
    'writes .%s, which reads back alike',
    async (extension) => {
      const path = join(folder, `a.${extension}`);
      const pixels = gradient(60, 40);
      await writeImage(path, pixels);
      expect(readdirSync(folder)).toEqual([`a.${extension}`]);
      const image = await readImage(path);
      expect(image).toMatchObject({ width: 60, height: 40, format: imageFormatOf(path) });
      const off = Array.from((await image.pixels()).data, (v, i) => Math.abs(v - pixels.data[i]!));
      expect(off.reduce((a, b) => a + b) / off.length).toBeLessThan(extension === 'gif' ? 8 : 3);
    },
  );

  it('takes the format of the picture the pixels come from where the name tells none', async () => {
    await writeImage(join(folder, 'a'), gradient(8, 8), { like: 'png' });
    expect((await readImage(join(folder, 'a'))).format).toBe('png');
    await writeImage(join(folder, 'b.jpg'), gradient(8, 8), { like: 'png' });
    expect((await readImage(join(folder, 'b.jpg'))).format).toBe('jpeg');
    await expect(writeImage(join(folder, 'c.bmp'), gradient(8, 8))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('leaves no half file, and the old one as it was, where writing fails', async () => {
    await expect(writeImage(join(folder, 'none', 'a.png'), gradient(8, 8))).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
    writeFileSync(join(folder, 'a.webp'), 'old');
    await expect(
      writeImage(join(folder, 'a.webp'), { data: new Uint8Array(3 * 20_000), width: 20_000, height: 1, format: 'rgb' }),
    ).rejects.toMatchObject({ code: 'IMAGE_UNENCODABLE' });
    expect(readdirSync(folder)).toEqual(['a.webp']);
  });
});
