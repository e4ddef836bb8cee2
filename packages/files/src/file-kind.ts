import { extname } from 'node:path';
import type { PictureFormat } from './picture-formats.ts';

/** What a file holds, by its first bytes. */
export type FileKind =
  | { readonly type: 'picture'; readonly format: PictureFormat }
  | { readonly type: 'video' | 'sound' | 'text' | 'SVG' | 'PDF' | 'archive' | 'empty' | 'unknown' };

/** How many bytes `fileKind` needs to see of a file. */
export const HEAD_BYTES = 4096;

/** Detects the kind of a file from its first bytes; for TGA, which has no signature, from its name too. */
export function fileKind(head: Uint8Array, name = ''): FileKind {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES));
  if (bytes.length === 0) return { type: 'empty' };
  const format = pictureFormat(bytes) ?? (isTga(bytes, name) ? 'tga' : undefined);
  if (format) return { type: 'picture', format };
  const text = bytes.toString('latin1');
  if (isFilm(bytes, text)) return { type: 'video' };
  if (isSound(text)) return { type: 'sound' };
  if (text.startsWith('%PDF')) return { type: 'PDF' };
  if (ARCHIVES.some((signature) => text.startsWith(signature))) return { type: 'archive' };
  const written = asText(bytes);
  if (written === undefined) return { type: 'unknown' };
  return { type: /<svg[\s>]/i.test(written) ? 'SVG' : 'text' };
}

const ARCHIVES = ['PK\x03\x04', '\x1f\x8b', '7z\xbc\xaf', 'Rar!', 'BZh', '\xfd7zXZ'];

/** Whether the first bytes (64 are enough) are those of a HEIF still picture (HEIC, AVIF), not of a film. */
export function isHeif(head: Uint8Array): boolean {
  const brands = brandsOf(Buffer.from(head.buffer, head.byteOffset, head.byteLength));
  // A film of HEIF pictures names their brands as well, but its own first.
  return (
    STILLS.includes(brands[0] ?? '') ||
    (!FILMS.includes(brands[0] ?? '') && brands.some((brand) => STILLS.includes(brand)))
  );
}

const STILLS = ['heic', 'heix', 'heim', 'heis', 'mif1', 'mif2', 'avif'];
const FILMS = ['hevc', 'hevx', 'hevm', 'hevs', 'msf1', 'avis'];

function brandsOf(bytes: Buffer): string[] {
  if (bytes.length < 12 || bytes.toString('latin1', 4, 8) !== 'ftyp') return [];
  const end = Math.min(bytes.readUInt32BE(0), bytes.length);
  const brands = [bytes.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(bytes.toString('latin1', at, at + 4));
  return brands;
}

function pictureFormat(bytes: Buffer): PictureFormat | undefined {
  const text = bytes.toString('latin1', 0, 256);
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'webp';
  if (/^GIF8[79]a/.test(text)) return 'gif';
  if (/^(?:II[*+]\0|MM\0[*+])/.test(text)) return 'tiff';
  if (text.startsWith('\xff\x0a') || text.startsWith('\0\0\0\x0cJXL ')) return 'jxl';
  if (text.startsWith('\0\0\0\x0cjP  ') || text.startsWith('\xff\x4f\xff\x51')) return 'jp2';
  if (isBmp(bytes)) return 'bmp';
  // Words may begin with P1, too.
  if (/^(?:P[1-6]\s+(?:#[^\n]*\n\s*)*\d|P7\n(?:#|[A-Z]+\s)|P[fF]\s+\d)/.test(text)) return 'ppm';
  const brands = brandsOf(bytes);
  if (brands[0] === 'avis') return 'avif';
  if (isHeif(bytes)) return brands.includes('avif') ? 'avif' : 'heic';
  return undefined;
}

function isBmp(bytes: Buffer): boolean {
  if (bytes.length < 18 || bytes.toString('latin1', 0, 2) !== 'BM') return false;
  return [12, 16, 40, 52, 56, 64, 108, 124].includes(bytes.readUInt32LE(14));
}

function isTga(bytes: Buffer, name: string): boolean {
  if (extname(name).toLowerCase() !== '.tga' || bytes.length < 18) return false;
  return (
    bytes[1]! <= 1 &&
    [1, 2, 3, 9, 10, 11].includes(bytes[2]!) &&
    bytes.readUInt16LE(12) > 0 &&
    bytes.readUInt16LE(14) > 0
  );
}

function isFilm(bytes: Buffer, text: string): boolean {
  if (text.startsWith('ftyp', 4)) return !/^M4[AB] /.test(text.slice(8, 12));
  // QuickTime of old, which begins with any of its parts.
  if (/^....(?:moov|mdat|wide|skip|free)/s.test(text)) return true;
  if (text.startsWith('\x1aE\xdf\xa3') || text.startsWith('FLV\x01') || text.startsWith('.RMF')) return true;
  if (text.startsWith('RIFF') && text.startsWith('AVI ', 8)) return true;
  if (text.startsWith('\x30\x26\xb2\x75\x8e\x66\xcf\x11')) return true;
  if (text.startsWith('\0\0\x01\xba') || text.startsWith('\0\0\x01\xb3') || text.startsWith('\x06\x0e\x2b\x34'))
    return true;
  if (text.startsWith('OggS')) return text.slice(0, 64).includes('theora');
  // MPEG transport streams: a packet each 188 bytes, with a time in front on Blu-ray discs.
  return [
    [0, 188],
    [4, 192],
  ].some(([from, step]) => [0, 1, 2].every((i) => bytes[from! + i * step!] === 0x47));
}

function isSound(text: string): boolean {
  if (/^(?:ID3|fLaC|OggS|FORM....AIF|\xff[\xf1\xf9\xfb\xf3\xfa\xf2])/s.test(text)) return true;
  return (text.startsWith('RIFF') && text.startsWith('WAVE', 8)) || /^....ftypM4[AB] /s.test(text);
}

/** Bytes as text where they are some: UTF-8, or UTF-16 with its mark. */
function asText(bytes: Buffer): string | undefined {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  if (mark === 0xfffe) return bytes.toString('utf16le', 2);
  if (mark === 0xfeff)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le', 2);
  for (const byte of bytes) if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) return undefined;
  const text = bytes.toString('utf8');
  // A character that the end of the part cuts is no sign of anything.
  return text.slice(0, -4).includes('\ufffd') ? undefined : text;
}
