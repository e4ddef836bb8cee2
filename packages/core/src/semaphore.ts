/**
 * Lets up to `count` holders in at a time, in order. Resolves with the function that lets go; rejects with the signal's
 * reason.
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
      const enter = () => {
        signal?.removeEventListener('abort', leave);
        resolve(release);
      };
      const leave = () => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(signal!.reason);
      };
      if (free > 0) {
        free--;
        return resolve(release);
      }
      waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
}
