/** Work that is done in order in the background. After an error, the rest is skipped. */
export interface EncodeQueue {
  readonly hasFailed: boolean;
  add(work: () => Promise<void>): void;
  /** Waits while too many steps are queued; ends early after an error. */
  waitForSpace(): Promise<void>;
  /** Waits for the work added so far. Never rejects. */
  drained(): Promise<void>;
  /** Throws the first error. */
  rethrow(): void;
}

/** Creates a queue in which `limit` steps may wait. `describe` converts errors. */
export function createEncodeQueue(limit: number, describe: (error: unknown) => unknown): EncodeQueue {
  let failed: { error: unknown } | undefined;
  let queued = 0;
  let onSpace: (() => void) | undefined;
  let tail: Promise<void> = Promise.resolve();
  return {
    get hasFailed() {
      return failed !== undefined;
    },
    add(work) {
      queued++;
      tail = tail
        .then(() => (failed ? undefined : work()))
        .catch((error: unknown) => {
          failed ??= { error: describe(error) };
        })
        .then(() => {
          queued--;
          onSpace?.();
        });
    },
    async waitForSpace() {
      while (queued > limit && !failed) await new Promise<void>((done) => (onSpace = done));
    },
    drained: () => tail,
    rethrow() {
      if (failed) throw failed.error;
    },
  };
}
