import type * as Constants from 'node-av/constants';
import type * as Library from 'node-av/lib';
import { loadOptional } from '@facedet/files';

/** FFmpeg through node-av: the low-level classes and the constants. */
export type Ffmpeg = typeof Library & { readonly constants: typeof Constants };

/**
 * Loads FFmpeg when the first video is opened, so that programs that only read pictures never load it. Rejects with
 * `DEPENDENCY_MISSING` if node-av is not installed, with `DEPENDENCY_BROKEN` if its binary does not load.
 */
export function loadFfmpeg(): Promise<Ffmpeg> {
  supplyWithResolvers();
  return loadOptional('node-av', 'reads and writes video by FFmpeg', async () => {
    const [library, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    // Failures become errors here; FFmpeg's own log lines would mix with a command's messages.
    library.Log.setLevel(constants.AV_LOG_FATAL);
    return { ...library, constants };
  });
}

/** node-av needs `Promise.withResolvers`, which Node has since version 22; without it node-av's loops end silently. */
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
