/** How far a producer may run ahead of its consumer. */
export interface AheadOptions<T> {
  /** Values that wait at most, at least 1. */
  readonly size: number;
  /** Bytes that wait at most, beyond a first value: large values wait in smaller numbers. */
  readonly bytes?: { readonly limit: number; readonly of: (value: T) => number };
  /** A full queue drops its oldest value instead of making the producer wait: for live sources. */
  readonly dropOldest?: boolean;
  /** Called with each value that no consumer will see. */
  readonly discard: (value: T) => void;
  /** Called when the reader leaves: ends what the generator may be waiting for. */
  readonly onLeave?: () => void;
}

/**
 * Runs a generator ahead of who reads it, by at most `size` values and `bytes`; its error comes after the last value
 * before it. Leaving the loop ends the generator and discards what waited.
 */
export async function* ahead<T>(
  source: AsyncGenerator<T, void>,
  { size, bytes, dropOldest = false, discard, onLeave }: AheadOptions<T>,
): AsyncGenerator<T, void> {
  const queue: T[] = [];
  let held = 0;
  const weigh = (value: T) => bytes?.of(value) ?? 0;
  const take = () => {
    const value = queue.shift()!;
    held -= weigh(value);
    return value;
  };
  const full = (most: number) => queue.length > most || (bytes !== undefined && queue.length > 1 && held > bytes.limit);
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
        held += weigh(value);
        while (dropOldest && full(size)) discard(take());
        changed();
        // A value like the last one has to fit as well.
        while (
          !dropOldest &&
          queue.length > 0 &&
          (queue.length >= size || held + weigh(value) > (bytes?.limit ?? Infinity)) &&
          !left
        )
          await wait();
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
        const value = take();
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
