/**
 * Works on several items at once and gives the results in the items' order; at most `limit` are begun and not yet
 * given.
 */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => {}); // handled when its turn comes
      begun.push(result);
      if (begun.length >= limit) yield await begun.shift()!;
    }
    while (begun.length > 0) yield await begun.shift()!;
  } finally {
    // A caller that stops early may free shared resources only after all work has ended.
    await Promise.allSettled(begun);
  }
}
