/** How far a producer may run ahead of its consumer. */
export interface AheadOptions<T> {
  /** Maximum number of queued values, at least 1. */
  readonly size: number;
  /** Maximum bytes of the queued values: fewer large values are queued, but always one. */
  readonly bytes?: { readonly limit: number; readonly of: (value: T) => number };
  /** Whether a full queue drops its oldest value instead of blocking the producer: for live sources. */
  readonly dropOldest?: boolean;
  /** Called with each value that no consumer will receive. */
  readonly discard: (value: T) => void;
  /** Called when the consumer leaves: ends what the generator may be waiting for. */
  readonly onLeave?: () => void;
}

/**
 * Runs a generator ahead of its consumer by at most `size` values and `bytes`. The generator's error is thrown after
 * its last value. Leaving the loop ends the generator and discards the queued values.
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
  // Only one side waits at a time: the producer while the queue is full, the consumer while it is empty.
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
        // There must be room for another value of the last one's size.
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
