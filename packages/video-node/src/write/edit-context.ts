import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Knows which calls come from within an `edit` in progress: waiting for one of those, the edit would wait for itself.
 */
export interface EditContext {
  /** Runs an edit. */
  run(edit: () => void | Promise<void>): Promise<void>;
  /** Whether the caller is called by an edit that has not settled, through whatever it awaits. */
  readonly isInside: boolean;
}

/** A context for one writer. */
export function createEditContext(): EditContext {
  const storage = new AsyncLocalStorage<{ isSettled: boolean }>();
  return {
    async run(edit) {
      // What an edit leaves behind, as a timer, may call the writer later.
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
