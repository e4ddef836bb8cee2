/** One requirement of a suite: `run` rejects with an `Error` that says what was expected and what was received. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Resolves to the reason of a promise that must reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('Expected a rejection but received a value.');
}

/** Throws if a condition does not hold. */
export function expect(condition: boolean, expected: string, received: unknown): void {
  if (condition) return;
  const shown =
    received instanceof Error
      ? `${received.name}: ${received.message}`
      : JSON.stringify(received, (_, v) =>
          ArrayBuffer.isView(v) ? Array.from(v as unknown as ArrayLike<number>).slice(0, 8) : v,
        );
  throw new Error(`Expected ${expected} but received ${shown}.`);
}
