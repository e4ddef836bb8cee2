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
  const readable = await openReadable(source.path);
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const abort = () => readable.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const leave = () => {
    signal?.removeEventListener('abort', abort);
    if (source.path !== null) readable.destroy();
    // Standard input stays open for other readers but no longer keeps the process alive.
    else readable.pause();
  };
  const next = async (): Promise<Buffer | null> => {
    const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true as const }));
    return done ? null : value;
  };
  let head = Buffer.alloc(0);
  let ended = false;
  const more = async () => {
    const chunk = await next();
    if (chunk) head = Buffer.concat([head, chunk]);
    else ended = true;
  };
  while (!ended && (head.length < 12 || (isMp4(head) && needsSeeking(head) === undefined && head.length < PEEK)))
    await more();
  signal?.throwIfAborted();
  if (head.length === 0) {
    leave();
    throw new FaceDetError(
      'VIDEO_EMPTY',
      `Expected a video but ${source.name} ended without any data; check the program that writes it.`,
    );
  }
  if (isMp4(head) && needsSeeking(head) !== false) {
    try {
      return await spool();
    } finally {
      leave();
    }
  }
  let waiting: Buffer | null = head;
  const io = new ffmpeg.IOContext();
  io.allocContextWithCallbacks(PEEK, 0, async (size) => {
    waiting ??= ended ? null : await next();
    if (!waiting) return ffmpeg.constants.AVERROR_EOF;
    const part = waiting.subarray(0, size);
    waiting = waiting.length > size ? waiting.subarray(size) : null;
    return part;
  });
  return {
    io,
    path: null,
    async close() {
      leave();
      io.freeContext();
    },
  };

  async function spool(): Promise<Pipe> {
    const folder = await mkdtemp(join(tmpdir(), 'facedet-pipe-'));
    const remove = () => rm(folder, { recursive: true, force: true });
    try {
      const path = join(folder, 'input');
      const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
      let bytes = 0;
      for (let chunk: Buffer | null = head; chunk; chunk = await next()) {
        bytes += chunk.length;
        if (bytes > spoolLimit) {
          file.destroy();
          throw new FaceDetError(
            'INPUT_TOO_LARGE',
            `Expected at most ${spoolLimit.toLocaleString('en')} bytes from ${source.name}, whose format needs ` +
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
