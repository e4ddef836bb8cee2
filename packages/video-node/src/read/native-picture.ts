import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';

/** Reads a picture again after `unload`. */
export interface PictureReload {
  /** Decodes the picture again; the caller frees it. */
  reload(): Promise<NativeFrame>;
  /** Called with true when the picture leaves memory, with false when it is back or no longer needed. */
  changed(unloaded: boolean): void;
}

/** FFmpeg's memory of one picture, shared by its readers: freed once it is closed and the last reader is done. */
export interface NativePicture {
  /** FFmpeg's frame; throws `DISPOSED` after `close` and `INVALID_STATE` while it is unloaded. */
  use(): NativeFrame;
  /** Runs `work` on FFmpeg's frame, which stays valid until it settles. */
  during<T>(work: (native: NativeFrame) => Promise<T>): Promise<T>;
  /** Frees the memory until `reload`. */
  unload(): void;
  reload(): Promise<void>;
  /** Can be called more than once. */
  close(): void;
}

/** Takes ownership of a decoded picture. `name` is its name in messages. */
export function createNativePicture(native: NativeFrame, name: string, source?: PictureReload): NativePicture {
  let current: { readonly native: NativeFrame; users: number } | undefined = { native, users: 1 };
  let closed = false;
  let reloading: Promise<void> | undefined;

  // Freeing a picture while FFmpeg reads it would crash the process.
  function leave(held: NonNullable<typeof current>): void {
    if (--held.users === 0) held.native.free();
  }

  function hold(): NonNullable<typeof current> {
    if (closed)
      throw new FaceDetError(
        'DISPOSED',
        `Expected an open frame but received ${name}, which was closed; close a frame after its last use.`,
      );
    if (!current)
      throw new FaceDetError(
        'INVALID_STATE',
        `Expected a frame in memory but received ${name}, which is unloaded; call its reload() first.`,
      );
    return current;
  }

  function drop(): void {
    const held = current;
    current = undefined;
    if (held) leave(held);
  }

  async function reload(): Promise<void> {
    const fresh = await source!.reload();
    if (closed) {
      fresh.free();
      hold();
    }
    current = { native: fresh, users: 1 };
    source!.changed(false);
  }

  return {
    use: () => hold().native,
    async during(work) {
      const held = hold();
      held.users++;
      try {
        return await work(held.native);
      } finally {
        leave(held);
      }
    },
    unload() {
      hold();
      drop();
      source!.changed(true);
    },
    async reload() {
      if (current && !closed) return;
      if (closed) hold();
      reloading ??= reload().finally(() => (reloading = undefined));
      await reloading;
    },
    close() {
      if (closed) return;
      closed = true;
      if (current) drop();
      else source!.changed(false);
    },
  };
}
