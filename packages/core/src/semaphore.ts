/**
 * A semaphore with `count` permits, granted in the order of the requests. A request resolves with the function that
 * releases its permit, or rejects with its signal's reason.
 */
export function semaphore(count: number): (signal?: AbortSignal) => Promise<() => void> {
  let free = count;
  const waiting: (() => void)[] = [];

  function release(): void {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }

  return (signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const grant = () => {
        signal?.removeEventListener('abort', abort);
        resolve(release);
      };
      const abort = () => {
        waiting.splice(waiting.indexOf(grant), 1);
        reject(signal!.reason);
      };
      if (free > 0) {
        free--;
        return resolve(release);
      }
      waiting.push(grant);
      signal?.addEventListener('abort', abort, { once: true });
    });
}
