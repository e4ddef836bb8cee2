import type * as Constants from 'node-av/constants';
import type * as Library from 'node-av/lib';
import { loadOptional } from '@facedet/files';

/** FFmpeg, as node-av binds it: its low-level classes and its constants. */
export type Ffmpeg = typeof Library & { readonly constants: typeof Constants };

/**
 * Loads FFmpeg when the first video is opened: who only reads pictures never pays for it. Rejects with
 * `DEPENDENCY_MISSING` where node-av is not installed, with `DEPENDENCY_BROKEN` where its binary does not load.
 */
export function loadFfmpeg(): Promise<Ffmpeg> {
  supplyWithResolvers();
  return loadOptional('node-av', 'reads and writes video by FFmpeg', async () => {
    const [library, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    // What goes wrong becomes an error here; FFmpeg's own lines would stand between a command's messages.
    library.Log.setLevel(constants.AV_LOG_FATAL);
    return { ...library, constants };
  });
}

/** node-av waits on promises that Node has only from version 22 on; without this its loops end silently. */
function supplyWithResolvers(): void {
  const withResolvers = function <T>(this: PromiseConstructor) {
    let resolve!: (value: T | PromiseLike<T>) => void;
    let reject!: (reason?: unknown) => void;
    const promise = new this<T>((a, b) => {
      resolve = a;
      reject = b;
    });
    return { promise, resolve, reject };
  };
  const target = Promise as unknown as { withResolvers?: unknown };
  target.withResolvers ??= withResolvers;
}
