import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { chapterBox, withUserData, type Chapter } from '../read/chapters.ts';

interface Box {
  readonly type: string;
  readonly at: number;
  readonly size: number;
}

// Bytes copied at a time, and the maximum size of an index: about a day of video.
const CHUNK = 4 << 20;
const LARGEST_INDEX = 512 << 20;
// Boxes that contain the tables of chunk offsets: movie, track, media, media information, sample table.
const PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/**
 * Moves the index (moov) of a finished MP4 or MOV before its data, so that playback in a browser starts at once. The
 * file is copied to a temporary file in the same folder, flushed, and replaced by one rename, so an interruption leaves
 * the file unchanged. Returns false, and changes nothing, if there is nothing to move or no disk space for the copy.
 * `chapters`, in seconds of the file, are added to the index. Memory: one index and one chunk.
 */
export async function moveIndexToFront(path: string, chapters: readonly Chapter[] = []): Promise<boolean> {
  const temporary = `${path}.index`;
  const source = await open(path, 'r');
  let target: FileHandle | undefined;
  try {
    const boxes = await boxesOf(source);
    const index = boxes.find(({ type }) => type === 'moov');
    const data = boxes.find(({ type }) => type === 'mdat');
    if (!index || !data || index.at < data.at || index.size > LARGEST_INDEX) return false;
    let moov: Buffer = Buffer.alloc(index.size);
    await readFully(source, moov, index.at);
    if (chapters.length > 0 && moov.readUInt32BE(0) === moov.length) moov = withUserData(moov, chapterBox(chapters));
    const added = BigInt(moov.length);
    const before = boxes.filter(({ at }) => at < data.at);
    const insertAt = data.at;
    const shifted = shiftOffsets(moov, (offset) =>
      offset < insertAt ? offset : offset > index.at ? offset : offset + added,
    );
    if (!shifted) return false;
    const rest = boxes.filter(({ at, type }) => at >= data.at && type !== 'moov' && type !== 'mfra');
    // A killed process may have left one.
    await rm(temporary, { force: true });
    target = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
    const mode = (await source.stat()).mode & 0o777;
    await target.chmod(mode);
    for (const box of before) await copy(source, target, box);
    await writeFully(target, moov);
    for (const box of rest) await copy(source, target, box);
    await target.sync();
    await target.close();
    await rename(temporary, path);
    target = undefined;
    return true;
  } catch (error) {
    if (target) {
      await target.close().catch(() => {});
      await rm(temporary, { force: true });
    }
    // The file is complete without the copy: its index stays at the end.
    if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    await source.close();
  }
}

/** The top-level boxes of a file, in order. */
async function boxesOf(file: FileHandle): Promise<Box[]> {
  const length = (await file.stat()).size;
  const boxes: Box[] = [];
  const header = Buffer.alloc(16);
  for (let at = 0; at + 8 <= length;) {
    const { bytesRead } = await file.read(header, 0, 16, at);
    if (bytesRead < 8) break;
    const short = header.readUInt32BE(0);
    const size =
      short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short === 0 ? length - at : short;
    if (size < 8 || at + size > length) return [];
    boxes.push({ type: header.toString('latin1', 4, 8), at, size });
    at += size;
  }
  return boxes;
}

/**
 * Shifts every chunk offset of an index (stco, co64) in place. Returns false if a shifted value no longer fits a 32-bit
 * offset or a box is broken; the buffer is unusable then.
 */
export function shiftOffsets(moov: Buffer, shift: (offset: bigint) => bigint): boolean {
  const walk = (start: number, end: number): boolean => {
    for (let at = start; at + 8 <= end;) {
      const short = moov.readUInt32BE(at);
      const head = short === 1 ? 16 : 8;
      const size = short === 1 && at + 16 <= end ? Number(moov.readBigUInt64BE(at + 8)) : short;
      if (size < head || at + size > end) return false;
      const type = moov.toString('latin1', at + 4, at + 8);
      if (PARENTS.has(type)) {
        if (!walk(at + head, at + size)) return false;
      } else if (type === 'stco' || type === 'co64') {
        const wide = type === 'co64';
        const count = moov.readUInt32BE(at + head + 4);
        const table = at + head + 8;
        if (table + count * (wide ? 8 : 4) > at + size) return false;
        for (let i = 0; i < count; i++) {
          const place = table + i * (wide ? 8 : 4);
          const moved = shift(wide ? moov.readBigUInt64BE(place) : BigInt(moov.readUInt32BE(place)));
          if (wide) moov.writeBigUInt64BE(moved, place);
          else if (moved > 0xffff_ffffn) return false;
          else moov.writeUInt32BE(Number(moved), place);
        }
      }
      at += size;
    }
    return true;
  };
  return walk(0, moov.length);
}

async function copy(source: FileHandle, target: FileHandle, { at, size }: Box): Promise<void> {
  const buffer = Buffer.alloc(Math.min(CHUNK, size));
  for (let done = 0; done < size;) {
    const part = buffer.subarray(0, Math.min(buffer.length, size - done));
    await readFully(source, part, at + done);
    await writeFully(target, part);
    done += part.length;
  }
}

async function readFully(file: FileHandle, buffer: Buffer, at: number): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, at + done);
    if (bytesRead === 0) throw new Error('Expected a complete file but it became shorter while it was read.');
    done += bytesRead;
  }
}

async function writeFully(file: FileHandle, buffer: Buffer): Promise<void> {
  for (let done = 0; done < buffer.length;) done += (await file.write(buffer, done, buffer.length - done)).bytesWritten;
}
