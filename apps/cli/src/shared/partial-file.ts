import { closeSync, existsSync, fstatSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** A text file in the making. It lies at `partialPath` until it is complete. */
export interface PartialFile {
  readonly path: string;
  readonly partialPath: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Hands the text to the system at once: after a kill of this process the file ends with the last write. */
  write(text: string | Uint8Array): void;
  /** Syncs, closes and gives the file its final name. */
  commit(): void;
  /** Closes the file and leaves it under its partial name. */
  leave(): void;
}

/**
 * The name of a file in the making: `rows.jsonl.partial`. For a file that a player must be able to open by its extension
 * (`media: true`) `film.partial.mp4`.
 */
export function partialPathOf(path: string, { media = false } = {}): string {
  const extension = extname(path);
  if (!media || extension === '') return `${path}.partial`;
  return join(dirname(path), `${basename(path, extension)}.partial${extension}`);
}

/** Opens a file in the making; its folder is made where it is missing. With `append`, what an earlier run left is kept and gone on from. */
export function openPartial(path: string, { append = false } = {}): PartialFile {
  const partialPath = partialPathOf(path);
  mkdirSync(dirname(partialPath), { recursive: true });
  const file = openSync(partialPath, append && existsSync(partialPath) ? 'a' : 'w');
  let size = fstatSync(file).size;
  let open = true;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  return {
    path,
    partialPath,
    get size() {
      return size;
    },
    write(text) {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      size += bytes.length;
    },
    commit() {
      fsyncSync(file);
      close();
      renameSync(partialPath, path);
    },
    leave: close,
  };
}

/** Writes a whole file under its partial name and then gives it its final one. */
export function writeWhole(path: string, data: string | Uint8Array): void {
  const file = openPartial(path);
  try {
    file.write(data);
    file.commit();
  } finally {
    file.leave();
  }
}
