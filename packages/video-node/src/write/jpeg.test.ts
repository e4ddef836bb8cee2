import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { encodeJpeg } from './jpeg.ts';

describe('encodeJpeg', () => {
  it('keeps chroma at full resolution', async () => {
    // Alternating columns of red and blue: with subsampled chroma both would be purple.
    const data = new Uint8Array(3 * 16 * 16).map((_, i) => (i % 6 === 0 || i % 6 === 5 ? 255 : 0));
    const jpeg = await encodeJpeg(await loadFfmpeg(), { data, width: 16, height: 16, format: 'rgb' });
    const pixels = await sharp(jpeg).raw().toBuffer();
    for (let i = 0; i < pixels.length; i++) expect(Math.abs(pixels[i]! - data[i]!)).toBeLessThanOrEqual(60);
  });

  it('keeps colors within the error of a JPEG, at any size', async () => {
    const ffmpeg = await loadFfmpeg();
    const size = fc.integer({ min: 1, max: 70 });
    const color = fc.tuple(...([0, 1, 2] as const).map(() => fc.integer({ min: 0, max: 255 })));
    await fc.assert(
      fc.asyncProperty(size, size, color, async (width, height, [r, g, b]) => {
        const data = new Uint8Array(3 * width * height).map((_, i) => [r!, g!, b!][i % 3]!);
        const decoded = sharp(await encodeJpeg(ffmpeg, { data, width, height, format: 'rgb' }));
        expect(await decoded.metadata()).toMatchObject({ format: 'jpeg', width, height });
        const pixels = await decoded.raw().toBuffer();
        for (let i = 0; i < pixels.length; i++) expect(Math.abs(pixels[i]! - data[i]!)).toBeLessThanOrEqual(5);
      }),
      { numRuns: 60 },
    );
  });
});
