import { FaceDetError } from '@facedet/checks';

/** The calls of something that can be disposed. */
export interface InFlight {
  /**
   * Runs a call. It settles at once where its signal aborts (with the signal's reason) or `end` is called (with
   * `DISPOSED`), however long the work goes on; the signal that the work gets aborts then, too.
   */
  run<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Resolves when all calls made so far have settled. */
  drain(): Promise<void>;
  /**
   * Makes all calls in flight and all later ones reject with `DISPOSED`, then frees what they used. The second time it
   * only waits.
   */
  end(free: () => Promise<void>): Promise<void>;
}

/** Keeps account of the calls of a `what`, which is named in errors. */
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

/** The error of calls after `dispose()`, and of those in flight when it is called. */
export function disposedError(what: string): FaceDetError {
  return new FaceDetError('DISPOSED', `Expected a ${what} in use but it was disposed; create a new one.`);
}
