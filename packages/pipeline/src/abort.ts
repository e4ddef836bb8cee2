/** What a promise resolves with, unless the signal is aborted first: then rejects with the signal's reason. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let listener: () => void = () => {};
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        listener = () => reject(signal.reason as Error);
        if (signal.aborted) listener();
        else signal.addEventListener('abort', listener, { once: true });
      }),
    ]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}
