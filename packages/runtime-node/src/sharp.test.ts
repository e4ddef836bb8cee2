import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeImage } from './write-image.ts';
import { readImage } from './read-image.ts';
import { blockOtherFormats, type ImageFormat } from './sharp.ts';

const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
const pixels = { data: new Uint8Array(16 * 16 * 3).fill(90), width: 16, height: 16, format: 'rgb' } as const;

beforeAll(async () => {
  expect((await sharp(SVG).metadata()).format).toBe('svg');
  await blockOtherFormats();
});
// For other tests of this process.
afterAll(() => sharp.unblock({ operation: ['VipsForeignLoad'] }));

it('other formats reach no loader', async () => {
  await expect(sharp(SVG).metadata()).rejects.toThrow();
  // Drawings behind the first bytes of a picture.
  for (const head of ['GIF89a', 'RIFF\0\0\0\0WEBP', '\x89PNG\r\n\x1a\n', 'II*\0', '\xff\xd8\xff\xe0']) {
    await expect(readImage(Buffer.concat([Buffer.from(head, 'latin1'), SVG]))).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
    });
  }
});

it.each<Exclude<ImageFormat, 'gif'>>(['jpeg', 'png', 'webp', 'avif', 'tiff'])(
  '%s is read and written as before',
  async (format) => {
    const image = await readImage(
      await sharp(Buffer.from(pixels.data), { raw: { width: 16, height: 16, channels: 3 } })
        .toFormat(format)
        .toBuffer(),
    );
    expect(image).toMatchObject({ format, width: 16, height: 16 });
    expect((await image.pixels()).data.length).toBe(16 * 16 * 3);
  },
);

it('GIF is read, and pixels are encoded, as before', async () => {
  const gif = await sharp(Buffer.from(pixels.data), { raw: { width: 16, height: 16, channels: 3 } })
    .gif()
    .toBuffer();
  expect(await readImage(gif)).toMatchObject({ format: 'gif', width: 16 });
  expect((await encodeImage(pixels, { format: 'jpeg' })).length).toBeGreaterThan(100);
});
