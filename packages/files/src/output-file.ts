import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FaceDetError } from '@facedet/checks';
import { describeOwner, tryLock, type FileLock } from './file-lock.ts';
import { makeFolder } from './make-folder.ts';
import { outputError } from './output-error.ts';
import { outputPlace, requireRegular, type OutputPlace } from './output-place.ts';
import { printable } from './printable.ts';

/** An output in progress. All methods throw `DISK_FULL` and `OUTPUT_UNWRITABLE`. */
export interface OutputFile {
  /** As given. */
  readonly path: string;
  /** Where the bytes are until `commit`; for a stream the stream itself. */
  readonly partialPath: string;
  /** Whether it is a pipe, a device or standard output: what is written can't be taken back, and nothing is renamed. */
  readonly isStream: boolean;
  /** Bytes written through this object, and those kept of an earlier run. */
  readonly size: number;
  /** Hands the bytes to the system at once: after a kill of this process the file ends with the last write. */
  write(data: string | Uint8Array): void;
  /** Flushes the file to the disk and closes it; nothing can be written any more. */
  complete(): void;
  /** Completes the file, gives it its final name and flushes the folder. */
  commit(): void;
  /** Closes the file and leaves it under its partial name. */
  leave(): void;
  /** Closes and removes the file. After `commit` it does nothing. */
  discard(): void;
}

/** Options of `openOutput`. */
export interface OpenOutputOptions {
  /** A media file in progress keeps its extension at the end: `film.partial.mp4`. */
  readonly media?: boolean;
  /** Keeps this many bytes of what an interrupted run left and continues behind them; default 0: from the beginning. */
  readonly keepBytes?: number;
  /** The caller holds the output's lock (`lockOutput`), which then stays held. Default false. */
  readonly isLocked?: boolean;
}

const NO_LOCK = { release() {} };

/**
 * Holds `NAME.partial.lock` against other runs, for an output that is opened later, and makes missing folders. Nothing
 * is held for pipes, devices and `-`. Throws `OUTPUT_IN_USE` where another run writes the same output,
 * `OUTPUT_UNWRITABLE` and `DISK_FULL`.
 */
export function lockOutput(
  path: string,
  { media = false }: { readonly media?: boolean } = {},
): Pick<FileLock, 'release'> {
  return guarded(path, undefined, () => {
    const place = outputPlace(path, { media });
    if (place.kind === 'stream') return NO_LOCK;
    makeFolder(dirname(place.partialPath));
    return lockPartial(path, place.partialPath);
  });
}

/**
 * Gives a file in progress its final name and flushes the folder. Throws `OUTPUT_UNWRITABLE`, also for a link in its
 * place.
 */
export function renameOutput(partialPath: string, path: string): void {
  guarded(path, partialPath, () => {
    requireRegular(partialPath, lstatSync(partialPath));
    renameSync(partialPath, path);
    flushFolder(path);
  });
}

/**
 * Opens an output: creates `NAME.partial` exclusively (never through a link), holds `NAME.partial.lock` against other
 * runs, and makes missing folders. Pipes, devices and `-` are written to directly. Another program may write to
 * `partialPath` in place of `write`.
 *
 * Throws `OUTPUT_IN_USE` where another run writes the same output, `OUTPUT_UNWRITABLE` and `DISK_FULL`.
 */
export function openOutput(
  path: string,
  { media = false, keepBytes = 0, isLocked = false }: OpenOutputOptions = {},
): OutputFile {
  const place = guarded(path, undefined, () => outputPlace(path, { media }));
  const options = { keepBytes, isLocked, isKept: true, createsFolder: true };
  return place.kind === 'stream' ? openStream(path, place) : openFile(path, place, options);
}

/** An output that is written at once: what fails is not kept. */
function openWhole(path: string, createsFolder: boolean): InternalFile {
  const place = guarded(path, undefined, () => outputPlace(path));
  return place.kind === 'stream' ? openStream(path, place) : openFile(path, place, { createsFolder });
}

/** Writes a whole output at once and makes missing folders. Throws as `openOutput`. */
export function writeOutputSync(path: string, data: string | Uint8Array): void {
  const file = openWhole(path, true);
  try {
    file.write(data);
    file.commit();
  } finally {
    file.discard();
  }
}

/**
 * As `writeOutputSync`, without making folders and without blocking the event loop while bytes are written. Rejects as
 * `openOutput` throws.
 */
export async function writeOutput(path: string, data: Uint8Array, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const file = openWhole(path, false);
  try {
    await file.writeAsync(data);
    signal?.throwIfAborted();
    file.commit();
  } finally {
    file.discard();
  }
}

/**
 * Replaces a small file of our own (a cache entry, a run manifest) in one step: readers see the old or the new content,
 * and of several writers one wins. A link in its place is replaced. Without `flush` it may be gone after a power
 * failure. Throws `DISK_FULL` and `OUTPUT_UNWRITABLE`.
 */
export function replaceFile(
  path: string,
  data: string | Uint8Array,
  { flush = true }: { readonly flush?: boolean } = {},
): void {
  // Not made of the file's name, which may be as long as names can be.
  const aside = join(dirname(path), `.${randomUUID()}.partial`);
  guarded(path, undefined, () => {
    try {
      const file = createExclusively(aside);
      try {
        writeFully(file, toBytes(data));
        if (flush) fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(aside, path);
    } catch (error) {
      rmSync(aside, { force: true });
      throw error;
    }
    if (flush) flushFolder(path);
  });
}

interface InternalFile extends OutputFile {
  writeAsync(data: Uint8Array): Promise<void>;
}

interface OpenFileOptions {
  readonly keepBytes?: number;
  /** Whether what was written stays where writing fails. */
  readonly isKept?: boolean;
  readonly isLocked?: boolean;
  readonly createsFolder: boolean;
}

/** Locks the output and creates its partial file, or continues it with `keepBytes`. */
function openFile(
  path: string,
  place: OutputPlace & { kind: 'file' },
  { keepBytes = 0, isKept = false, isLocked = false, createsFolder }: OpenFileOptions,
): InternalFile {
  const { partialPath } = place;
  const lock = guarded(path, undefined, () => {
    if (createsFolder) makeFolder(dirname(partialPath));
    return isLocked ? NO_LOCK : lockPartial(path, partialPath);
  });
  try {
    const file = guarded(path, undefined, () =>
      keepBytes > 0 ? reopen(partialPath, keepBytes) : createPartial(partialPath),
    );
    return outputOf({ path, ...place, file, lock, kept: isKept ? partialPath : undefined }, keepBytes);
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface OpenedFile {
  readonly path: string;
  readonly target: string;
  readonly partialPath: string;
  /** The descriptor of the partial file. */
  readonly file: number;
  readonly lock: Pick<FileLock, 'release'>;
  /** The partial file where it stays after an error; named in messages. */
  readonly kept: string | undefined;
}

/** The output over an opened partial file of `size` bytes. */
function outputOf({ path, target, partialPath, file, lock, kept }: OpenedFile, size: number): InternalFile {
  let state: 'open' | 'complete' | 'ended' = 'open';
  const write = <T>(work: () => T) => {
    if (state !== 'open')
      throw new FaceDetError(
        'OUTPUT_UNWRITABLE',
        `${printable(path, 200)}: expected an open output but it is complete; open it again.`,
      );
    return guarded(path, kept, work);
  };
  const complete = () => {
    if (state !== 'open') return;
    try {
      guarded(path, kept, () => fsyncSync(file));
    } finally {
      state = 'complete';
      closeSync(file);
    }
  };
  const close = () => {
    if (state === 'open') closeSync(file);
    state = 'ended';
    lock.release();
  };
  return {
    path,
    partialPath,
    isStream: false,
    get size() {
      return size;
    },
    write(data) {
      const bytes = toBytes(data);
      write(() => writeFully(file, bytes, size));
      size += bytes.length;
    },
    async writeAsync(bytes) {
      try {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await write(() => writeAsync(file, bytes, done, bytes.length - done, size));
          done += bytesWritten;
          size += bytesWritten;
        }
      } catch (error) {
        throw outputError(path, error, kept);
      }
    },
    complete,
    commit() {
      if (state === 'ended') return;
      complete();
      guarded(path, kept, () => {
        renameSync(partialPath, target);
        flushFolder(target);
      });
      close();
    },
    leave: close,
    discard() {
      if (state === 'ended') return;
      // Removed while the lock is held: afterwards it may be another run's.
      try {
        guarded(path, undefined, () => rmSync(partialPath, { force: true }));
      } finally {
        close();
      }
    },
  };
}

/** Milliseconds for which a pipe may have no reader. */
const READER_TIMEOUT = 30_000;

function openStream(path: string, place: OutputPlace & { kind: 'stream' }): InternalFile {
  const file = place.fd ?? guarded(path, undefined, () => openPipe(place.target));
  let size = 0;
  let isOpen = true;
  const close = () => {
    if (isOpen && place.fd === undefined) closeSync(file);
    isOpen = false;
  };
  const write = (data: string | Uint8Array) => {
    const bytes = toBytes(data);
    guarded(path, undefined, () => writeFully(file, bytes));
    size += bytes.length;
  };
  return {
    path,
    partialPath: place.target,
    isStream: true,
    get size() {
      return size;
    },
    write,
    writeAsync: async (data) => write(data),
    complete: close,
    commit: close,
    leave: close,
    discard: close,
  };
}

/** Opens a pipe or a device. A pipe is opened when its reader is there, and without blocking signals until then. */
function openPipe(target: string): number {
  const end = Date.now() + READER_TIMEOUT;
  for (;;) {
    try {
      return openSync(target, constants.O_WRONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      const isWaiting = (error as NodeJS.ErrnoException).code === 'ENXIO' && Date.now() < end;
      if (!isWaiting) throw error;
      pause(50);
    }
  }
}

function lockPartial(path: string, partialPath: string): FileLock {
  const lock = tryLock(`${partialPath}.lock`);
  if (!('heldBy' in lock)) return lock;
  const holder = describeOwner(lock.heldBy);
  throw new FaceDetError(
    'OUTPUT_IN_USE',
    `${printable(path, 200)}: expected an output that no other run writes but ${printable(holder, 100)} is ` +
      'writing it; wait until it is complete, or give another output.',
  );
}

/** Creates the file; what an earlier run left is removed, anything but a regular file is refused. */
function createPartial(partialPath: string): number {
  const found = lstatSync(partialPath, { throwIfNoEntry: false });
  if (found) {
    requireRegular(partialPath, found);
    unlinkSync(partialPath);
  }
  return createExclusively(partialPath);
}

function createExclusively(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0), 0o666);
}

/** Opens what an interrupted run left: only a regular file of this user with one name. */
function reopen(partialPath: string, keepBytes: number): number {
  // Without O_NONBLOCK a pipe in its place would block.
  const file = openSync(partialPath, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const found = fstatSync(file);
    requireRegular(partialPath, found);
    const isOurs = process.getuid === undefined || found.uid === process.getuid();
    if (!isOurs || found.nlink > 1) {
      throw new FaceDetError(
        'OUTPUT_UNWRITABLE',
        `${printable(partialPath, 200)}: expected a file of this user with one name but received ` +
          `${isOurs ? 'one with several' : "another user's"}; remove it and start from the beginning.`,
      );
    }
    if (found.size < keepBytes) {
      throw new FaceDetError(
        'OUTPUT_UNWRITABLE',
        `${printable(partialPath, 200)}: expected at least ${keepBytes} bytes of the interrupted run but ` +
          `received ${found.size}; start from the beginning.`,
      );
    }
    ftruncateSync(file, keepBytes);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Makes a rename permanent. Not every system can flush a folder. */
function flushFolder(path: string): void {
  try {
    const folder = openSync(dirname(path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // The file itself is flushed.
  }
}

function writeFully(file: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(file, bytes, done, bytes.length - done, position === undefined ? null : position + done);
    } catch (error) {
      // The reader of a pipe is slower than we are.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause(5);
    }
  }
}

const writeAsync = promisify(writeCallback);

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function pause(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds);
}

function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function guarded<T>(path: string, partialPath: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw outputError(path, error, partialPath);
  }
}
