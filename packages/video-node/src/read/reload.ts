import { stat } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { PictureReload } from './native-picture.ts';
import type { Placed } from './session.ts';

/** Identifies a picture of a source. */
export interface ReloadPlace {
  readonly index: number;
  /** Seconds. */
  readonly timestamp: number;
  readonly width: number;
  readonly height: number;
  /** The picture before it; undefined at the source's start. */
  readonly previous: { readonly index: number; readonly timestamp: number } | undefined;
}

/** Reads a source a second time, behind its first reader, for pictures that left memory. */
export interface Reloader {
  /**
   * Decodes a picture again; the caller frees it. Requested in order, each picture is decoded only once. Throws
   * `VIDEO_CHANGED` if the file has changed.
   */
  reload(place: ReloadPlace): Promise<NativeFrame>;
  /** Called with true for each picture that leaves memory, with false when it is back or no longer needed. */
  changed(unloaded: boolean): void;
  /** The first reader has finished: closes once no picture is left to reload. */
  end(): void;
  close(): Promise<void>;
}

/** How a source is read again. */
export interface ReloaderOptions {
  /** The source's name in messages. */
  readonly name: string;
  readonly path: string;
  /** `fileIdOf(path)` when the first reader opened it. */
  readonly fileId: string;
  /** The pictures after `after` in order, a few of them decoded ahead. */
  open(after: ReloadPlace['previous']): AsyncGenerator<Placed, void>;
}

/** Maximum pictures that are decoded only to reach a later one; beyond that, seeking is faster. */
const MAX_SKIPPED = 250;

/** Device and inode of the file at a path: they change when another file replaces it. */
export async function fileIdOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** Creates a reloader, which opens the source when the first picture is requested. */
export function createReloader(options: ReloaderOptions): Reloader {
  const { find, leave } = createFinder(options);
  let unloaded = 0;
  let ended = false;
  let chain: Promise<unknown> = Promise.resolve();

  function inOrder<T>(step: () => Promise<T>): Promise<T> {
    const result = chain.then(step);
    chain = result.catch(() => {});
    return result;
  }

  const close = () => inOrder(leave);

  return {
    reload: (place) =>
      inOrder(async () => {
        try {
          return await find(place);
        } catch (error) {
          await leave().catch(() => {});
          throw error;
        }
      }),
    changed(isUnloaded) {
      unloaded += isUnloaded ? 1 : -1;
      if (ended && unloaded === 0) close().catch(() => {});
    },
    end() {
      ended = true;
      if (unloaded === 0) close().catch(() => {});
    },
    close,
  };
}

/** Finds pictures in a source that is read again; one call at a time. */
interface Finder {
  find(place: ReloadPlace): Promise<NativeFrame>;
  /** Closes the source. */
  leave(): Promise<void>;
}

function createFinder({ name, path, fileId, open }: ReloaderOptions): Finder {
  let frames: AsyncGenerator<Placed, void> | undefined;
  let checked: AsyncGenerator<Placed, void> | undefined;
  let next = 0; // index of the next picture of `frames`

  function changedError(): FaceDetError {
    return new FaceDetError(
      'VIDEO_CHANGED',
      `Expected the same pictures when ${name} is read again but received others; do not change the file during ` +
        'a run.',
    );
  }

  async function leave(): Promise<void> {
    const last = frames;
    frames = undefined;
    await last?.return();
  }

  /** Checked once per reader, after it has opened the file. */
  async function isReplaced(): Promise<boolean> {
    if (checked === frames) return false;
    checked = frames;
    return (await fileIdOf(path).catch(() => undefined)) !== fileId;
  }

  async function find({ index, timestamp, width, height, previous }: ReloadPlace): Promise<NativeFrame> {
    if (!frames || index < next || index > next + MAX_SKIPPED) {
      await leave();
      frames = open(previous);
      next = index;
    }
    for (;;) {
      const { value: placed, done } = await frames.next();
      if (done || (await isReplaced())) {
        placed?.frame.free();
        throw changedError();
      }
      const { frame } = placed;
      next = placed.index + 1;
      if (placed.index < index) {
        frame.free();
        continue;
      }
      const isSame = placed.index === index && Math.abs(placed.timestamp - timestamp) < 1e-6;
      if (isSame && frame.width === width && frame.height === height) return frame;
      frame.free();
      throw changedError();
    }
  }

  return { find, leave };
}

/** Reloads one picture; rejects with the signal's reason once it is aborted. */
export function pictureReload(reloader: Reloader, place: ReloadPlace, signal: AbortSignal): PictureReload {
  return {
    async reload() {
      signal.throwIfAborted();
      return reloader.reload(place);
    },
    changed: reloader.changed,
  };
}
