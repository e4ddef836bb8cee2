import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { countPictures } from './count-pictures.ts';
import { fileKind, HEAD_BYTES } from './file-kind.ts';
import {
  isWritable,
  PICTURE_EXTENSIONS,
  PICTURE_FORMATS,
  pictureFormatOf,
  type PictureFormat,
} from './picture-formats.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const ftyp = (major: string, ...others: string[]) =>
  bytes([0, 0, 0, 16 + 4 * others.length], `ftyp${major}\0\0\0\0${others.join('')}`);
const at = (size: number, ...values: [offset: number, byte: number][]) => {
  const buffer = Buffer.alloc(size);
  for (const [offset, byte] of values) buffer[offset] = byte;
  return buffer;
};

describe('fileKind', () => {
  const pictures: [string, Buffer, PictureFormat][] = [
    ['JPEG', bytes('\xff\xd8\xff\xe0'), 'jpeg'],
    ['PNG', bytes('\x89PNG\r\n\x1a\n'), 'png'],
    ['WebP', bytes('RIFF\x10\0\0\0WEBPVP8 '), 'webp'],
    ['GIF', bytes('GIF89a'), 'gif'],
    ['TIFF, little end first', bytes('II*\0'), 'tiff'],
    ['BigTIFF, big end first', bytes('MM\0+'), 'tiff'],
    ['HEIC', ftyp('heic', 'mif1', 'heic'), 'heic'],
    ['HEIF of several codecs', ftyp('mif1', 'heic'), 'heic'],
    ['AVIF', ftyp('avif', 'mif1'), 'avif'],
    ['AVIF by its second brand', ftyp('mif1', 'avif'), 'avif'],
    ['animated AVIF', ftyp('avis', 'avif'), 'avif'],
    ['JPEG XL codestream', bytes('\xff\x0a'), 'jxl'],
    ['JPEG XL container', bytes('\0\0\0\x0cJXL \r\n\x87\n'), 'jxl'],
    ['JPEG 2000', bytes('\0\0\0\x0cjP  \r\n\x87\n'), 'jp2'],
    ['BMP', at(60, [0, 0x42], [1, 0x4d], [14, 40]), 'bmp'],
    ['PPM', bytes('P6\n# a comment\n4 3\n255\n'), 'ppm'],
    ['PAM', bytes('P7\nWIDTH 4\n'), 'ppm'],
    ['PFM', bytes('PF\n4 3\n-1.0\n'), 'ppm'],
  ];
  it.each(pictures)('knows %s, whatever its name says', (_, head, format) => {
    for (const name of ['', 'a', 'a.txt', 'a.jpg', 'a.mp4'])
      expect(fileKind(head, name)).toEqual({ type: 'picture', format });
  });

  it.each([
    ['MP4', ftyp('isom', 'mp42'), 'video'],
    ['a film of HEIC pictures', ftyp('hevc', 'mif1', 'heic'), 'video'],
    ['old QuickTime', bytes('\0\0\0\x08wide\0\0\0\0mdat'), 'video'],
    ['Matroska', bytes('\x1aE\xdf\xa3'), 'video'],
    ['AVI', bytes('RIFF\0\0\0\0AVI LIST'), 'video'],
    ['MPEG-TS', at(600, [0, 0x47], [188, 0x47], [376, 0x47]), 'video'],
    ['M2TS', at(600, [4, 0x47], [196, 0x47], [388, 0x47]), 'video'],
    ['MP3', bytes('ID3\x04'), 'sound'],
    ['M4A', ftyp('M4A ', 'isom'), 'sound'],
    ['WAV', bytes('RIFF\0\0\0\0WAVEfmt '), 'sound'],
    ['text', bytes('P1 and BM are words of this text.\n'), 'text'],
    [
      'text that ends in half a character',
      Buffer.from('é'.repeat(3000)).subarray(1, HEAD_BYTES).subarray(1, 4000),
      'text',
    ],
    ['SVG', bytes('<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="x"/>'), 'SVG'],
    ['SVG in UTF-16', Buffer.from('\ufeff<svg width="1"/>', 'utf16le'), 'SVG'],
    ['compressed SVG', bytes('\x1f\x8b\x08'), 'archive'],
    ['PDF', bytes('%PDF-1.7'), 'PDF'],
    ['ZIP', bytes('PK\x03\x04'), 'archive'],
    ['nothing', bytes(), 'empty'],
    ['a program', bytes('\x7fELF\x02\x01\x01\0'), 'unknown'],
  ])('tells %s from pictures', (_, head, type) => {
    for (const name of ['a', 'a.jpg', 'a.tga']) expect(fileKind(head, name)).toEqual({ type });
  });

  it('takes TGA by its name and its header', () => {
    const head = at(30, [2, 2], [12, 4], [14, 3], [16, 24]);
    expect(fileKind(head, 'a.TGA')).toEqual({ type: 'picture', format: 'tga' });
    expect(fileKind(head, 'a.bin')).toEqual({ type: 'unknown' });
  });

  it('stays a kind for any cut or changed byte', () => {
    const random = (seed: number) => () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const next = random(7);
    const kinds = new Set<string>();
    for (const [, head] of pictures) {
      for (let i = 0; i < 200; i++) {
        const changed = Buffer.from(head.subarray(0, Math.floor(next() * (head.length + 1))));
        if (changed.length > 0) changed[Math.floor(next() * changed.length)] = Math.floor(next() * 256);
        kinds.add(fileKind(changed, 'a.tga').type);
      }
    }
    expect(
      [...kinds].every((kind) =>
        ['picture', 'video', 'sound', 'text', 'SVG', 'PDF', 'archive', 'empty', 'unknown'].includes(kind),
      ),
    ).toBe(true);
    expect(kinds.has('picture')).toBe(true);
  });
});

describe('picture formats', () => {
  it('have extensions of their own and a format that can be written', () => {
    expect(new Set(PICTURE_EXTENSIONS).size).toBe(PICTURE_EXTENSIONS.length);
    for (const extension of PICTURE_EXTENSIONS) {
      const { copy } = PICTURE_FORMATS[pictureFormatOf(`a.b${extension.toUpperCase()}`)!];
      expect(isWritable(copy), extension).toBe(true);
    }
    expect(pictureFormatOf('jpg')).toBeUndefined();
  });
});

describe('countPictures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facedet-count-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const chunk = (name: string, body: Buffer, little = false) => {
    const size = Buffer.alloc(4);
    size[little ? 'writeUInt32LE' : 'writeUInt32BE'](body.length);
    return little
      ? Buffer.concat([Buffer.from(name), size, body, Buffer.alloc(body.length % 2)])
      : Buffer.concat([size, Buffer.from(name), body, Buffer.alloc(4)]);
  };
  const png = (...chunks: Buffer[]) =>
    Buffer.concat([
      bytes('\x89PNG\r\n\x1a\n'),
      chunk('IHDR', Buffer.alloc(13)),
      ...chunks,
      chunk('IDAT', Buffer.alloc(90_000)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  const webp = (...chunks: Buffer[]) => Buffer.concat([bytes('RIFF\0\0\0\0WEBP'), ...chunks]);
  const gif = (pictures: number) =>
    Buffer.concat([
      bytes('GIF89a\x01\0\x01\0\x80\0\0', [0, 0, 0, 9, 9, 9], '!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0'),
      ...Array.from({ length: pictures }, () =>
        bytes(
          ',\0\0\0\0\x01\0\x01\0\0\x02',
          ...Array.from({ length: 400 }, () => [255, ...Array<number>(255).fill(0x2c)]),
          [0],
        ),
      ),
      bytes(';'),
    ]);
  const extended = (flags: number) => chunk('VP8X', Buffer.from([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0]), true);
  const picture = chunk('ANMF', Buffer.alloc(40_001), true);

  it.each([
    ['a GIF of one picture', 'gif', gif(1), 1],
    ['a GIF of three pictures', 'gif', gif(3), 3],
    ['a WebP', 'webp', webp(chunk('VP8 ', Buffer.alloc(9), true)), 1],
    ['a WebP with EXIF', 'webp', webp(extended(8), chunk('VP8L', Buffer.alloc(9), true)), 1],
    [
      'a WebP of one picture that could move',
      'webp',
      webp(extended(2), chunk('ANIM', Buffer.alloc(6), true), picture),
      1,
    ],
    [
      'a WebP of five pictures',
      'webp',
      webp(extended(2), chunk('ANIM', Buffer.alloc(6), true), ...Array<Buffer>(5).fill(picture)),
      5,
    ],
    ['a PNG', 'png', png(), 1],
    ['an APNG of one picture', 'png', png(chunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]))), 1],
    [
      'an APNG of 258 pictures',
      'png',
      png(chunk('tEXt', Buffer.alloc(70_000)), chunk('acTL', Buffer.from([0, 0, 1, 2, 0, 0, 0, 0]))),
      258,
    ],
    ['a JPEG', 'jpeg', bytes('\xff\xd8\xff'), 1],
  ] as [string, PictureFormat, Buffer, number][])('of %s', async (name, format, content, count) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    expect(await countPictures(content, format)).toBe(count);
    expect(await countPictures(path, format)).toBe(count);
    expect(Math.min(await countPictures(path, format, 2), 2)).toBe(Math.min(count, 2));
  });

  it('ends in broken files, and in those of endless parts', async () => {
    for (const [format, whole] of [
      ['gif', gif(3)],
      ['webp', webp(extended(2), picture)],
      ['png', png()],
    ] as const) {
      for (const length of [0, 5, 14, 20, 31, whole.length - 10])
        expect(await countPictures(whole.subarray(0, length), format)).toBeGreaterThanOrEqual(1);
    }
    // Ten million empty extensions; the walk gives up before their end.
    const crafted = Buffer.alloc(30_000_000);
    crafted.set(gif(0).subarray(0, -1));
    for (let at = gif(0).length - 1; at < crafted.length; at += 3) crafted[at] = 0x21;
    crafted[crafted.length - 3] = 0x2c;
    expect(await countPictures(crafted, 'gif')).toBe(1);
  });
});
