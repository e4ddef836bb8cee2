/** How far a producer may run ahead of its consumer. */
export interface AheadOptions<T> {
  /** Values that wait at most, at least 1. */
  readonly size: number;
  /** A full queue drops its oldest value instead of making the producer wait: for live sources. */
  readonly dropOldest?: boolean;
  /** Called with each value that no consumer will see. */
  readonly discard: (value: T) => void;
  /** Called when the reader leaves: ends what the generator may be waiting for. */
  readonly onLeave?: () => void;
}

/**
 * Runs a generator ahead of who reads it, by at most `size` values; its error comes after the last value before it. Leaving the
 * loop ends the generator and discards what waited.
 */
export async function* ahead<T>(source: AsyncGenerator<T, void>, { size, dropOldest = false, discard, onLeave }: AheadOptions<T>): AsyncGenerator<T, void> {
  const queue: T[] = [];
  let ended = false;
  let error: { reason: unknown } | undefined;
  let left = false;
  let wake: (() => void) | undefined;
  const changed = () => {
    wake?.();
    wake = undefined;
  };
  // One side waits at a time: the producer while the queue is full, the consumer while it is empty.
  const wait = () => new Promise<void>((resolve) => (wake = resolve));
  const producing = (async () => {
    try {
      for await (const value of source) {
        if (left) {
          discard(value);
          break;
        }
        queue.push(value);
        if (dropOldest && queue.length > size) discard(queue.shift()!);
        changed();
        while (!dropOldest && queue.length >= size && !left) await wait();
      }
    } catch (reason) {
      error = { reason };
    } finally {
      ended = true;
      changed();
    }
  })();
  try {
    for (;;) {
      while (queue.length > 0) {
        const value = queue.shift()!;
        changed();
        yield value;
      }
      if (ended) break;
      await wait();
    }
    if (error) throw error.reason;
  } finally {
    left = true;
    if (!ended) onLeave?.();
    changed();
    for (const value of queue.splice(0)) discard(value);
    await producing;
  }
}
