import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tempFolder } from '../fixtures.ts';
import { openVideo } from './open-video.ts';

let folder: string;
beforeEach(() => void (folder = tempFolder()));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function sizes(source: string): Promise<string[]> {
  await using video = await openVideo(source);
  const found: string[] = [];
  for await (const frame of video) {
    found.push(`${frame.width} × ${frame.height}`);
    frame.close();
  }
  return found;
}

const NAMES = ['a.jpg', 'a.JPEG', 'a.mpo', 'a.png', 'a.webp', 'a.tif', 'a.bin', 'a'];

// FFmpeg goes by the extension where a JPEG does not end within its first 2 KB, as that of any camera.
it.each(NAMES)('reads large JPEGs as %s', async (name) => {
  const data = Buffer.from(Array.from({ length: 96 * 64 * 3 }, (_, i) => (i * i * 7919) >> 8));
  const jpeg = await sharp(data, { raw: { width: 96, height: 64, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
  expect(jpeg.length).toBeGreaterThan(4096);
  writeFileSync(join(folder, name), jpeg);
  expect(await sizes(join(folder, name))).toEqual(['96 × 64']);

  const numbered = join(folder, 'numbered');
  mkdirSync(numbered);
  for (const number of [1, 2, 3]) writeFileSync(join(numbered, `${number}.jpg`), jpeg);
  expect(await sizes(numbered)).toEqual(['96 × 64', '96 × 64', '96 × 64']);
});

it('reports a picture that is cut off in the middle of a sequence', async () => {
  const data = Buffer.from(Array.from({ length: 96 * 64 * 3 }, (_, i) => (i * i * 7919) >> 8));
  const image = sharp(data, { raw: { width: 96, height: 64, channels: 3 } });
  for (const format of ['jpg', 'png', 'webp', 'tiff'] as const) {
    const whole = await image
      .clone()
      .toFormat(format === 'jpg' ? 'jpeg' : format, { compression: 'lzw' } as object)
      .toBuffer();
    const numbered = join(folder, format);
    mkdirSync(numbered);
    for (const number of [1, 2, 3])
      writeFileSync(join(numbered, `${number}.${format}`), number === 2 ? whole.subarray(0, whole.length >> 1) : whole);
    await expect(sizes(numbered), format).rejects.toMatchObject({ name: 'FaceDetError' });
    await using video = await openVideo(numbered, { onPictureError: 'skip' });
    const errors: (string | undefined)[] = [];
    for await (const frame of video) {
      errors.push(frame.error?.code);
      frame.close();
    }
    expect(errors, format).toEqual([undefined, expect.any(String), undefined]);
  }
});
