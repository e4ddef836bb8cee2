import { createWriteStream } from 'node:fs';
import { basename } from 'node:path/posix';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FaceDetError, isFaceDetError } from '@facedet/core';
import { oneLine, shownSource } from '@facedet/files';
import { RangesUnsupported, readUrl, type HttpOptions } from '@facedet/http';
import type { Entry, ZipFile } from 'yauzl';
import { MAX_MODEL_BYTES } from './download.ts';

/** The directory at a zip's end, and a little more: one request instead of two for every file in it. */
const TAIL_BYTES = 128 * 1024;
/** Files in an archive at most: releases hold some ten, and a crafted directory names millions. */
const MAX_ENTRIES = 10_000;

/** What to extract from a zip, and where to. */
export interface ExtractOptions {
  /** Name of the file in the archive, in any folder. */
  readonly member: string;
  /** Path to write it to. */
  readonly destination: string;
  readonly signal?: AbortSignal;
  /** Bytes of the member, uncompressed. */
  readonly onBytes?: (received: number, total: number) => void;
  /** Bytes of the member at most, uncompressed; by default 2 GiB. */
  readonly maxBytes?: number;
  /** The size that the archive must have; not checked by default. */
  readonly size?: number;
}

/**
 * Reads one member out of a zip on a server by HTTP ranges, without downloading the rest: 3 MB instead of 276 for
 * `det_2.5g.onnx`.
 *
 * @throws RangesUnsupported where the server sends only whole files; FaceDetError `ARCHIVE_INVALID` and those of
 * `readUrl`.
 */
export async function extractFromUrl(url: string, http: HttpOptions, options: ExtractOptions): Promise<void> {
  const { default: yauzl } = await import('yauzl');
  const tail = await readTail(url, http, options);
  class UrlReader extends yauzl.RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      if (start >= tail.start) return Readable.from([tail.bytes.subarray(start - tail.start, end - tail.start)]);
      return Readable.from(contents(url, start, end, http));
    }
  }
  await unzip(
    () => yauzl.fromRandomAccessReaderPromise(new UrlReader(), tail.total, { autoClose: false }),
    url,
    options,
  );
}

/**
 * Reads one member out of a zip on disk.
 *
 * @throws FaceDetError `ARCHIVE_INVALID`.
 */
export async function extractFromFile(path: string, options: ExtractOptions): Promise<void> {
  const { default: yauzl } = await import('yauzl');
  await unzip(() => yauzl.openPromise(path, { autoClose: false }), path, options);
}

async function unzip(open: () => Promise<ZipFile>, source: string, options: ExtractOptions): Promise<void> {
  const { member, destination, signal, onBytes, maxBytes = MAX_MODEL_BYTES } = options;
  let zip: ZipFile | undefined;
  try {
    zip = await open();
    const entry = await find(zip, member);
    if (!entry)
      throw new FaceDetError(
        'ARCHIVE_INVALID',
        `Expected ${member} in ${shownSource(source)} but it holds no such file; this is another archive than ` +
          'expected.',
      );
    // The stream fails where the member has more bytes than its entry says.
    if (entry.uncompressedSize > maxBytes) {
      throw new FaceDetError(
        'ARCHIVE_INVALID',
        `Expected ${member} of at most ${maxBytes.toLocaleString('en')} bytes in ${shownSource(source)} but ` +
          `it has ${entry.uncompressedSize.toLocaleString('en')}; this is another archive than expected.`,
      );
    }
    const stream = await zip.openReadStreamPromise(entry);
    let received = 0;
    stream.on('data', (bytes: Buffer) => onBytes?.((received += bytes.length), entry.uncompressedSize));
    await pipeline(stream, createWriteStream(destination), signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    // What neither the network nor the disk said comes from the zip's or the deflate stream's own checks.
    if (error instanceof Error && !isFaceDetError(error) && !('syscall' in error)) {
      throw new FaceDetError(
        'ARCHIVE_INVALID',
        `Expected a zip archive but ${shownSource(source)} can't be read as one: ${oneLine(error.message)} It ` +
          `is damaged, or a page of your network's in its place.`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    if (zip?.isOpen) zip.close();
  }
}

/** The packs of one release keep their files in a folder, those of another do not. */
async function find(zip: ZipFile, member: string): Promise<Entry | undefined> {
  let seen = 0;
  for await (const entry of zip.eachEntry()) {
    if (basename(entry.fileName) === member) return entry;
    if (++seen >= MAX_ENTRIES) return undefined;
  }
  return undefined;
}

async function* contents(url: string, start: number, end: number, http: HttpOptions): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of readUrl(url, { start, end }, http)) yield bytes;
}

async function readTail(
  url: string,
  http: HttpOptions,
  { size }: Pick<ExtractOptions, 'size'>,
): Promise<{ bytes: Buffer; start: number; total: number }> {
  let total: number | undefined;
  for await (const chunk of readUrl(url, { start: 0, end: 1 }, http)) ({ total } = chunk);
  if (total === undefined) throw new RangesUnsupported(`${shownSource(url)} does not report its size`);
  checkArchiveSize(url, total, size);
  const start = Math.max(0, total - TAIL_BYTES);
  const parts: Uint8Array[] = [];
  for await (const { bytes } of readUrl(url, { start, end: total }, http)) parts.push(bytes.slice());
  return { bytes: Buffer.concat(parts), start, total };
}

/** Throws `ARCHIVE_INVALID` for an archive of another size than the manifest names. */
function checkArchiveSize(source: string, received: number, expected: number | undefined): void {
  if (expected === undefined || received === expected) return;
  throw new FaceDetError(
    'ARCHIVE_INVALID',
    `Expected an archive of ${expected.toLocaleString('en')} bytes but ${shownSource(source)} has ` +
      `${received.toLocaleString('en')}; it is damaged, or another one: try another mirror.`,
  );
}
