import { lstat, open, rename, rm, truncate, type FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { partialPathOf } from '@facedet/files';

/** The name of a video in progress: `film.partial.mp4` for `film.mp4`, so that players open it. */
export function partialVideoPath(path: string): string {
  return partialPathOf(path, { media: true });
}

/** Path of the video of an interrupted run while its packets are copied into the new one. */
export function formerVideoPath(path: string): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.partial-before${extension}`);
}

/**
 * Moves the partial file of an interrupted run to the former name and returns that name; undefined if there is no
 * partial file. An existing former file is complete: the run that was copying it was interrupted too.
 */
export async function takeFormer(path: string): Promise<string | undefined> {
  const [partial, former] = [partialVideoPath(path), formerVideoPath(path)];
  if (await size(former)) {
    await rm(partial, { force: true });
    return former;
  }
  if (!(await size(partial))) return undefined;
  await rename(partial, former);
  return former;
}

/**
 * Truncates an MP4 after its last complete fragment: a killed process may have written part of a box. Returns whether
 * the rest is readable: an index, and a fragment or the pictures.
 */
export async function trimFragments(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  let whole = 0;
  const seen = new Set<string>();
  try {
    const length = (await file.stat()).size;
    let fragment = 0;
    for (let at = 0; at < length;) {
      const box = await readBox(file, at);
      if (!box || at + box.size > length) break;
      at += box.size;
      seen.add(box.type);
      // A fragment is a moof and the mdat after it.
      if (box.type === 'moof') fragment = at - box.size;
      else {
        fragment = 0;
        whole = at;
      }
    }
    if (fragment > 0) whole = Math.min(whole, fragment);
    if (!seen.has('moov') || !seen.has('mdat')) return false;
    if (whole < length) await file.close().then(() => truncate(path, whole));
    return true;
  } finally {
    await file.close().catch(() => {});
  }
}

async function readBox(file: FileHandle, at: number): Promise<{ type: string; size: number } | undefined> {
  const header = Buffer.alloc(16);
  const { bytesRead } = await file.read(header, 0, 16, at);
  if (bytesRead < 8) return undefined;
  const short = header.readUInt32BE(0);
  const size = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short;
  return size >= 8 ? { type: header.toString('latin1', 4, 8), size } : undefined;
}

async function size(path: string): Promise<number> {
  // A run never creates a link under this name.
  return lstat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  );
}
