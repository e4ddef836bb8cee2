import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clahe, claheSettings } from './clahe.ts';
import { bytesPerPixel, channelOffsets } from './pixels.ts';
import { detectionSettings } from './settings.ts';
import type { PixelBuffer, PixelFormat } from './types.ts';

const picture = (value: (x: number, y: number) => number): PixelBuffer => ({
  width: 64,
  height: 48,
  format: 'rgb',
  data: Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => value(Math.floor(i / 3) % 64, Math.floor(i / 192))),
});
const spread = (p: PixelBuffer) => {
  const values = Array.from(p.data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
};

it('raises the contrast of a dark image', () => {
  const dark = picture((x, y) => 10 + ((x * 7 + y * 13) % 20));
  const before = spread(dark);
  expect(clahe(dark, { clipLimit: 4, grid: 4, belowLuma: 256 })).toBe(true);
  expect(spread(dark)).toBeGreaterThan(2 * before);
});

it('limits how much a flat image changes', () => {
  const flat = picture(() => 100);
  clahe(flat, { clipLimit: 2, grid: 8, belowLuma: 256 });
  expect(new Set(flat.data).size).toBe(1);
});

it('does not change an image that is bright enough', () => {
  const bright = picture((x) => 150 + (x % 50));
  const before = Uint8Array.from(bright.data);
  expect(clahe(bright, { clipLimit: 2, grid: 8, belowLuma: 60 })).toBe(false);
  expect(bright.data).toEqual(before);
});

it('keeps the differences between channels', () => {
  const p = picture((x, y) => 20 + ((x + y) % 30));
  const data = p.data as Uint8Array;
  for (let i = 0; i < data.length; i += 3) data[i]! += 15;
  clahe(p, { clipLimit: 2, grid: 4, belowLuma: 256 });
  const off: number[] = [];
  for (let i = 0; i < data.length; i += 3)
    if (data[i]! < 255 && data[i + 1]! > 0 && data[i]! - data[i + 1]! !== 15) off.push(i);
  expect(off).toEqual([]);
});

/** The same RGB pixels in another format, with `extra` bytes after each row and 77 for alpha and those. */
function inFormat(rgb: PixelBuffer, format: PixelFormat, extra: number): PixelBuffer {
  const { width, height } = rgb;
  const step = bytesPerPixel(format);
  const stride = width * step + extra;
  const data = new Uint8Array(stride * height).fill(77);
  const offsets = channelOffsets(format);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[y * stride + x * step + offsets[c]!] = rgb.data[3 * (y * width + x) + c]!;
  return { data, width, height, format, stride };
}

describe('formats and strides', () => {
  const noise = fc
    .record({
      width: fc.integer({ min: 1, max: 12 }),
      height: fc.integer({ min: 1, max: 12 }),
      seed: fc.integer(),
      gray: fc.boolean(),
    })
    .map(({ width, height, seed, gray }): PixelBuffer => ({
      width,
      height,
      format: 'rgb',
      data: Uint8Array.from(
        { length: 3 * width * height },
        (_, i) => (((gray ? Math.floor(i / 3) : i) + seed) * 2_654_435_761) >>> 24,
      ),
    }));

  it('give the same pixels as packed RGB, without changing alpha or the bytes between rows', () => {
    fc.assert(
      fc.property(
        noise,
        fc.constantFrom<PixelFormat>('rgb', 'rgba', 'bgr', 'bgra', 'gray'),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (rgb, format, extra, grid) => {
          // Gray holds one value: of RGB pixels those whose three channels are equal.
          const wanted =
            format === 'gray'
              ? { ...rgb, data: Uint8Array.from(rgb.data, (_, i) => rgb.data[i - (i % 3)]!) }
              : { ...rgb, data: Uint8Array.from(rgb.data) };
          const other = inFormat(wanted, format, extra);
          const options = { grid, clipLimit: 3 };
          expect(clahe(other, options)).toBe(clahe(wanted, options));
          expect(other.data).toEqual(inFormat(wanted, format, extra).data);
        },
      ),
    );
  });

  it.each<[string, unknown]>([
    ['an unknown format', { width: 2, height: 1, format: 'yuv', data: new Uint8Array(6) }],
    ['too few bytes', { width: 2, height: 2, format: 'rgb', data: new Uint8Array(11) }],
    ['a stride below a row', { width: 2, height: 1, format: 'rgb', stride: 5, data: new Uint8Array(60) }],
    ['a raster source', { width: 2, height: 1, rasterize: () => null }],
    ['nothing', undefined],
  ])('refuse %s', (_, pixels) => {
    expect(() => clahe(pixels as PixelBuffer)).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }));
  });
});

describe('options', () => {
  it('have defaults, also if they are undefined', () => {
    const p = () => picture((x, y) => 10 + ((x * 7 + y * 13) % 90));
    const [plain, empty, explicit] = [p(), p(), p()];
    clahe(plain);
    clahe(empty, { grid: undefined, clipLimit: undefined, belowLuma: undefined } as object);
    clahe(explicit, { clipLimit: 2, grid: 8, belowLuma: 256 });
    expect(empty.data).toEqual(plain.data);
    expect(explicit.data).toEqual(plain.data);
    expect(claheSettings()).toEqual({ clipLimit: 2, grid: 8, belowLuma: 256 });
  });

  it.each([
    [{ cliplimit: 3 }, /did you mean clipLimit\?/],
    [{ clipLimit: 0.5 }, /at least 1 for clipLimit but received 0\.5/],
    [{ clipLimit: NaN }, /clipLimit but received NaN/],
    [{ clipLimit: '3' }, /clipLimit but received "3"/],
    [{ grid: 0 }, /grid but received 0/],
    [{ grid: 2.5 }, /grid but received 2\.5/],
    [{ grid: 100_000 }, /from 1 to 256 for grid/],
    [{ belowLuma: -1 }, /belowLuma but received -1/],
    [null, /an object for clahe's options but received null/],
  ])('refuse %j and leave the pixels alone', (options, message) => {
    const p = picture((x) => x);
    expect(() => clahe(p, options as object)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    );
    expect(p.data).toEqual(picture((x) => x).data);
  });

  it('are checked when a detector is created, not at its first image', () => {
    expect(() => detectionSettings({ clahe: { grid: 1000 } })).toThrow(
      /from 1 to 256 for clahe\.grid but received 1000/,
    );
    expect(detectionSettings({ clahe: true }).clahe).toEqual(claheSettings());
  });

  it('are named with the option that holds them', () => {
    expect(() => claheSettings({ grit: 3 } as object)).toThrow(/"clahe\.grit"; did you mean clahe\.grid\?/);
    expect(() => claheSettings({ grid: -3 })).toThrow(/for clahe\.grid but received -3/);
  });
});
