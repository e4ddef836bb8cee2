import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Detects calls made from within an `edit` in progress: an edit that waits for such a call would wait for itself.
 */
export interface EditContext {
  /** Runs an edit. */
  run(edit: () => void | Promise<void>): Promise<void>;
  /** Whether the caller runs within an edit that has not settled, at any asynchronous depth. */
  readonly isInside: boolean;
}

/** A context for one writer. */
export function createEditContext(): EditContext {
  const storage = new AsyncLocalStorage<{ isSettled: boolean }>();
  return {
    async run(edit) {
      // What an edit starts and does not await, such as a timer, may call the writer later.
      const state = { isSettled: false };
      try {
        await storage.run(state, edit);
      } finally {
        state.isSettled = true;
      }
    },
    get isInside() {
      return storage.getStore()?.isSettled === false;
    },
  };
}
