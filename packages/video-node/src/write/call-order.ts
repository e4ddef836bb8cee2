import { FaceDetError } from '@facedet/core';
import type { EditContext } from './edit-context.ts';

/** The order of a writer's calls. */
export interface CallOrder {
  /** Runs a step after those of earlier calls. FFmpeg's contexts serve one call at a time. */
  inOrder(step: () => Promise<void>): Promise<void>;
  /** A call that is not awaited must not end the process by its rejection; `finish` throws encoding errors again. */
  guarded(call: () => Promise<void>): Promise<void>;
}

/** Creates the order of calls of the writer of `path`, which rejects calls from within its own edits. */
export function createCallOrder(path: string, editing: EditContext): CallOrder {
  let chain: Promise<unknown> = Promise.resolve(); // the calls in order
  return {
    inOrder(step) {
      const result = chain.then(step);
      chain = result.catch(() => {});
      return result;
    },
    guarded(call) {
      const result = (async () => {
        if (editing.isInside) throw calledByEdit(path);
        return call();
      })();
      result.catch(() => {});
      return result;
    },
  };
}

function calledByEdit(path: string): FaceDetError {
  return new FaceDetError(
    'INVALID_STATE',
    `${path}: Expected calls of the writer from outside of edit() but received one from within, which would wait ` +
      'for itself; call it after the write() of that edit has settled.',
  );
}
