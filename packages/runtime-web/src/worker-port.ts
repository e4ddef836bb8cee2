import { FaceDetError } from '@facedet/core';
import { unpackError } from '@facedet/core/engine';
import type { FromWorker, ToWorker } from './worker-protocol.ts';

type Question = ToWorker extends infer T ? (T extends { id: number } ? Omit<T, 'id'> : never) : never;

/** Questions to a worker and its answers. */
export interface WorkerPort {
  /** Rejects with the worker's error, the signal's reason, or the error that ended the worker. */
  ask(question: Question, transfer: Transferable[], signal?: AbortSignal): Promise<FromWorker>;
  /** Terminates the worker; all questions without an answer, and all later ones, reject with `error`. */
  end(error: unknown): void;
}

/** Matches answers to questions by number; a worker that fails rejects all questions without an answer. */
export function openPort(worker: Worker): WorkerPort {
  const waiting = new Map<number, { resolve(answer: FromWorker): void; reject(error: unknown): void }>();
  let next = 0;
  let dead: unknown = null;
  const end = (error: unknown) => {
    dead ??= error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const question = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.type === 'failed') question?.reject(unpackError(data.error));
    else question?.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    end(
      new FaceDetError(
        'WORKER_FAILED',
        `Expected the detector's worker to run but it ended: ` +
          `${event.message || 'its script could not be loaded'}. Check that the bundler made a module worker of ` +
          'it, or pass worker: () => new Worker(…) or worker: false.',
      ),
    );
  };
  worker.onmessageerror = () =>
    end(new FaceDetError('WORKER_FAILED', "Expected messages that can be cloned but the worker's could not be read."));
  return {
    end,
    ask(question, transfer, signal) {
      if (dead) return Promise.reject(dead as Error);
      return new Promise((resolve, reject) => {
        const id = next++;
        const abort = () => {
          waiting.delete(id);
          reject(signal!.reason as Error);
        };
        const settle =
          <T>(done: (value: T) => void) =>
          (value: T) => {
            signal?.removeEventListener('abort', abort);
            done(value);
          };
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
        signal?.addEventListener('abort', abort, { once: true });
        try {
          worker.postMessage({ ...question, id } as ToWorker, transfer);
        } catch (error) {
          waiting.get(id)?.reject(error);
          waiting.delete(id);
        }
      });
    },
  };
}
