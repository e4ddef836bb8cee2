import { createReadStream, createWriteStream, fstat, open } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { FaceDetError } from '@facedet/core';
import type { IOContext } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** An open pipe: read directly, or spooled to a temporary file. */
export interface Pipe {
  /** Reads the pipe directly; null if it was spooled to a file. */
  readonly io: IOContext | null;
  /** The temporary file; null if the pipe is read directly. */
  readonly path: string | null;
  close(): Promise<void>;
}

const openDescriptor = promisify(open);
const describeDescriptor = promisify(fstat);

// Bytes at the start that are enough to recognize a format, and to find the index of an MP4 that can be streamed.
const PEEK = 65_536;

/**
 * Opens standard input (`path` null) or a named pipe. Formats that can be read sequentially are streamed. An MP4 with
 * its index at the end and a HEIF picture need seeking: they are spooled to a private temporary file of at most
 * `spoolLimit` bytes, which `close` removes. Throws `VIDEO_EMPTY` and `INPUT_TOO_LARGE`.
 */
export async function openPipe(
  ffmpeg: Ffmpeg,
  source: { name: string; path: string | null },
  spoolLimit: number,
  signal?: AbortSignal,
): Promise<Pipe> {
  const chunks = await openChunks(source.path, signal);
  const { head, isComplete } = await readHead(chunks);
  signal?.throwIfAborted();
  if (head.length === 0) {
    chunks.leave();
    throw new FaceDetError(
      'VIDEO_EMPTY',
      `Expected a video but ${source.name} ended without any data; check the program that writes it.`,
    );
  }
  if (isMp4(head) && needsSeeking(head) !== false) {
    try {
      return await spool(head, chunks, { name: source.name, limit: spoolLimit, ...(signal && { signal }) });
    } finally {
      chunks.leave();
    }
  }
  let waiting: Buffer | null = head;
  const io = new ffmpeg.IOContext();
  io.allocContextWithCallbacks(PEEK, 0, async (size) => {
    waiting ??= isComplete ? null : await chunks.next();
    if (!waiting) return ffmpeg.constants.AVERROR_EOF;
    const part = waiting.subarray(0, size);
    waiting = waiting.length > size ? waiting.subarray(size) : null;
    return part;
  });
  return {
    io,
    path: null,
    async close() {
      chunks.leave();
      io.freeContext();
    },
  };
}

/** The data of a pipe as it arrives. */
interface Chunks {
  /** The next bytes; null at the end, and where reading failed. */
  next(): Promise<Buffer | null>;
  /** Stops reading. */
  leave(): void;
}

async function openChunks(path: string | null, signal: AbortSignal | undefined): Promise<Chunks> {
  const readable = await openReadable(path);
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const abort = () => readable.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    async next() {
      const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true as const }));
      return done ? null : value;
    },
    leave() {
      signal?.removeEventListener('abort', abort);
      if (path !== null) readable.destroy();
      // Standard input stays open for other readers but no longer keeps the process alive.
      else readable.pause();
    },
  };
}

/** Reads as much as is needed to recognize the format, and to know whether it needs seeking. */
async function readHead(chunks: Chunks): Promise<{ head: Buffer; isComplete: boolean }> {
  let head = Buffer.alloc(0);
  while (head.length < 12 || (isMp4(head) && needsSeeking(head) === undefined && head.length < PEEK)) {
    const chunk = await chunks.next();
    if (!chunk) return { head, isComplete: true };
    head = Buffer.concat([head, chunk]);
  }
  return { head, isComplete: false };
}

/** Writes all data to a temporary file. */
async function spool(
  head: Buffer,
  chunks: Chunks,
  { name, limit, signal }: { name: string; limit: number; signal?: AbortSignal },
): Promise<Pipe> {
  const folder = await mkdtemp(join(tmpdir(), 'facedet-pipe-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'input');
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    let bytes = 0;
    for (let chunk: Buffer | null = head; chunk; chunk = await chunks.next()) {
      bytes += chunk.length;
      if (bytes > limit) {
        file.destroy();
        throw new FaceDetError(
          'INPUT_TOO_LARGE',
          `Expected at most ${limit.toLocaleString('en')} bytes from ${name}, whose format needs ` +
            'seeking, but received more; write an MP4 with its index in front, Matroska or MPEG-TS, or use a file.',
        );
      }
      if (!file.write(chunk)) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    signal?.throwIfAborted();
    return { io: null, path, close: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Opens a pipe as a socket, whose reads can be interrupted, and other devices as files. */
async function openReadable(path: string | null): Promise<Readable> {
  if (path === null) return process.stdin;
  // Opened once: a second open would wait for another writer.
  const fd = await openDescriptor(path, 'r');
  if ((await describeDescriptor(fd)).isFIFO() && process.platform !== 'win32')
    return new Socket({ fd, readable: true, writable: false });
  return createReadStream(path, { fd });
}

function isMp4(head: Buffer): boolean {
  return head.toString('latin1', 4, 8) === 'ftyp';
}

/** Whether a box before the index prevents sequential reading; undefined while the index is not found. */
function needsSeeking(head: Buffer): boolean | undefined {
  for (let at = 0; at + 8 <= head.length;) {
    const type = head.toString('latin1', at + 4, at + 8);
    if (type === 'moov') return false;
    if (type === 'mdat' || type === 'meta') return true;
    const size = head.readUInt32BE(at);
    if (size < 8) return true;
    at += size;
  }
  return undefined;
}
