import { disposedError } from './errors.ts';

/** The calls in flight of an object that can be disposed. */
export interface InFlight {
  /**
   * Runs `work` as one call. Even if the work continues, the call rejects as soon as its signal aborts (with the
   * signal's reason) or `end` is used (with `DISPOSED`); the signal passed to the work then aborts, too.
   */
  run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when all calls made so far have settled. */
  drain(): Promise<void>;
  /**
   * Rejects all calls in flight and all later ones with `DISPOSED`, then frees the resources they used. A second call
   * only waits for the first.
   */
  end(free: () => Promise<void>): Promise<void>;
}

/** Tracks the calls in flight of an object; `what` names the object in errors. */
export function inFlight(what: string): InFlight {
  const running = new Map<Promise<unknown>, (reason: unknown) => void>();
  let freed: Promise<void> | null = null;

  return {
    run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
      if (freed) return Promise.reject(disposedError(what));
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      const stop = new AbortController();
      let stopCall!: (reason: unknown) => void;
      const call = new Promise<T>((resolve, reject) => {
        stopCall = (reason) => {
          reject(reason as Error);
          stop.abort(reason);
        };
        work(stop.signal).then(resolve, reject);
      });
      const abort = () => stopCall(signal!.reason);
      signal?.addEventListener('abort', abort, { once: true });
      running.set(call, stopCall);
      const forget = () => {
        signal?.removeEventListener('abort', abort);
        running.delete(call);
      };
      call.then(forget, forget);
      return call;
    },
    async drain() {
      await Promise.allSettled(running.keys());
    },
    end(free) {
      if (!freed) {
        freed = Promise.resolve().then(free);
        for (const stopCall of [...running.values()]) stopCall(disposedError(what));
      }
      return freed;
    },
  };
}
