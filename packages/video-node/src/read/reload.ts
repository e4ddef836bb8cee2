import { stat } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import type { PictureReload } from './native-picture.ts';
import type { Placed } from './reader.ts';

/** Which picture of a source is meant. */
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
   * A picture; who receives it frees it. Asked for in their order they are decoded once each. Throws `VIDEO_CHANGED`
   * where the file is no longer the same.
   */
  reload(place: ReloadPlace): Promise<NativeFrame>;
  /** Told of each picture that leaves memory, and when it is back or no longer wanted. */
  changed(unloaded: boolean): void;
  /** The first reader is at its end: closes when no picture is left to be reloaded. */
  end(): void;
  close(): Promise<void>;
}

/** How a source is read again. */
export interface ReloaderOptions {
  /** What messages call the source. */
  readonly name: string;
  readonly path: string;
  /** `fileIdOf(path)` when the first reader opened it. */
  readonly fileId: string;
  /** Pictures in order, decoded a few ahead, from behind `after`. */
  open(after: ReloadPlace['previous']): AsyncGenerator<Placed, void>;
}

/** Pictures that are decoded only to reach a later one; beyond that, seeking is faster. */
const MAX_SKIPPED = 250;

/** Device and inode of the file at a path: they change when another file replaces it. */
export async function fileIdOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** A reloader that opens the source when the first picture is asked for. */
export function createReloader({ name, path, fileId, open }: ReloaderOptions): Reloader {
  let frames: AsyncGenerator<Placed, void> | undefined;
  let next = 0; // index of the next picture of `frames`
  let unloaded = 0;
  let ended = false;
  let chain: Promise<unknown> = Promise.resolve();

  function changedError(): FaceDetError {
    return new FaceDetError(
      'VIDEO_CHANGED',
      `Expected the same pictures when ${name} is read again but received others; leave the file as it is ` +
        'during a run.',
    );
  }

  async function leave(): Promise<void> {
    const last = frames;
    frames = undefined;
    await last?.return();
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

  let checked: AsyncGenerator<Placed, void> | undefined;

  /** Tests once for each reader, when it has opened the file. */
  async function isReplaced(): Promise<boolean> {
    if (checked === frames) return false;
    checked = frames;
    return (await fileIdOf(path).catch(() => undefined)) !== fileId;
  }

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

/** How one picture is reloaded; rejects with the signal's reason after it was aborted. */
export function pictureReload(reloader: Reloader, place: ReloadPlace, signal: AbortSignal): PictureReload {
  return {
    async reload() {
      signal.throwIfAborted();
      return reloader.reload(place);
    },
    changed: reloader.changed,
  };
}
