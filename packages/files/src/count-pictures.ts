import { open, type FileHandle } from 'node:fs/promises';
import type { PictureFormat } from './picture-formats.ts';

const WINDOW = 65_536;
/** A file of more parts than this before its second picture is crafted. */
const MOST_PARTS = 1_000_000;

/**
 * How many pictures a GIF, a WebP or a PNG shows one after the other; 1 for other formats and where the file is broken.
 * Stops at `atMost`, so that a long animation need not be read to its end.
 */
export async function countPictures(
  source: string | Uint8Array,
  format: PictureFormat,
  atMost = Infinity,
): Promise<number> {
  const count = { gif: countGif, webp: countWebp, png: countPng }[format as string];
  if (!count) return 1;
  const file = typeof source === 'string' ? await open(source) : undefined;
  try {
    return Math.max(1, await count(new Bytes(file ?? (source as Uint8Array)), atMost));
  } finally {
    await file?.close();
  }
}

/** Bytes at any place of a file; 0 behind its end. */
class Bytes {
  readonly #source: FileHandle | Uint8Array;
  #window: Uint8Array;
  #start = 0;
  #parts = 0;

  constructor(source: FileHandle | Uint8Array) {
    this.#source = source;
    this.#window = source instanceof Uint8Array ? source : new Uint8Array(0);
  }

  /** Whether the file reaches to this byte. Afterwards at least 64 bytes from there on can be read by `byte`. */
  async reach(at: number): Promise<boolean> {
    if (++this.#parts > MOST_PARTS) return false;
    if (this.#source instanceof Uint8Array) return at < this.#window.length;
    if (at < this.#start || at + 64 > this.#start + this.#window.length) {
      const { buffer, bytesRead } = await this.#source.read(new Uint8Array(WINDOW), 0, WINDOW, at);
      this.#window = buffer.subarray(0, bytesRead);
      this.#start = at;
    }
    return at < this.#start + this.#window.length;
  }

  byte(at: number): number {
    return this.#window[at - this.#start] ?? 0;
  }

  text(at: number): string {
    return String.fromCharCode(this.byte(at), this.byte(at + 1), this.byte(at + 2), this.byte(at + 3));
  }

  number(at: number, order: readonly number[]): number {
    return order.reduce((value, offset) => value * 256 + this.byte(at + offset), 0);
  }
}

const BIG = [0, 1, 2, 3];
const LITTLE = [3, 2, 1, 0];

/** A WebP's chunks (RFC 9649): each ANMF is a picture. */
async function countWebp(bytes: Bytes, atMost: number): Promise<number> {
  let count = 0;
  for (let at = 12; count < atMost && (await bytes.reach(at));) {
    const name = bytes.text(at);
    // Without the mark of an animation there are no pictures but one.
    if (name === 'VP8 ' || name === 'VP8L' || (name === 'VP8X' && (bytes.byte(at + 8) & 2) === 0)) return 1;
    if (name === 'ANMF') count++;
    const size = bytes.number(at + 4, LITTLE);
    at += 8 + size + (size % 2);
  }
  return count;
}

/** A PNG's chunks: `acTL`, before the pixels, states the number of pictures. */
async function countPng(bytes: Bytes): Promise<number> {
  for (let at = 8; await bytes.reach(at); at += 12 + bytes.number(at, BIG)) {
    const name = bytes.text(at + 4);
    if (name === 'acTL') return bytes.number(at + 8, BIG);
    if (name === 'IDAT') return 1;
  }
  return 1;
}

/** A GIF's blocks (GIF89a, appendix A): each image descriptor is a picture. */
async function countGif(bytes: Bytes, atMost: number): Promise<number> {
  const colors = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const afterParts = async (from: number): Promise<number> => {
    let at = from;
    while ((await bytes.reach(at)) && bytes.byte(at) > 0) at += 1 + bytes.byte(at);
    return at + 1;
  };
  let count = 0;
  await bytes.reach(0);
  let at = 13 + colors(bytes.byte(10));
  while (count < atMost && (await bytes.reach(at))) {
    const kind = bytes.byte(at);
    if (kind === 0x2c) {
      count++;
      at = await afterParts(at + 11 + colors(bytes.byte(at + 9)));
    } else if (kind === 0x21) at = await afterParts(at + 2);
    else break;
  }
  return count;
}
