import type { Face } from '@facedet/core';
import { disposedError } from '@facedet/core/engine';
import { crashed, type Job } from './detector-thread.ts';
import { createScheduler, type PoolOptions } from './scheduler.ts';
import type { ReadyInfo, Task } from './worker-protocol.ts';

/** Threads with a session each, fed from one queue. */
export interface Pool {
  /** What the first thread found; all threads load the same. */
  readonly info: ReadyInfo;
  /**
   * Has some thread do a task. Rejects with the task's error, `WORKER_CRASHED`, `DISPOSED` or the signal's reason; a
   * task that already runs goes on, and its result is dropped.
   */
  run(task: Task, transfer: readonly ArrayBuffer[], signal?: AbortSignal): Promise<readonly Face[]>;
  /** Starts all threads and has each that is idle do a task. */
  everywhere(task: Task): Promise<void>;
  /** Ends all threads; tasks that wait or run reject with `DISPOSED`. */
  dispose(): Promise<void>;
}

/**
 * Seconds that an aborted run may go on by default: waiting for the run's own end is cheaper than a new thread.
 */
const ABORT_GRACE = 30;

/**
 * Starts one thread and waits until its model is loaded; the others start when there is work for them. A thread that
 * dies takes only its own task with it: the next task that finds no idle thread starts another. A thread that could not
 * start is tried again later. A thread whose run takes longer than `runTimeout`, or goes on long after its call was
 * aborted, is replaced. Idle threads don't keep the process alive.
 */
export async function createPool(options: PoolOptions): Promise<Pool> {
  const { abortGrace = ABORT_GRACE, runTimeout = Infinity } = options;
  const scheduler = createScheduler(options);
  const { threads } = scheduler;

  /** Passes a job for the task to `place`. */
  function enqueue(request: JobRequest, place: (job: Job) => void): Promise<readonly Face[]> {
    if (scheduler.disposed) return Promise.reject(disposedError('detector'));
    return placeJob(request, place, (job) => {
      scheduler.withdraw(job);
      const busy = [...threads].find((thread) => thread.job?.task === job.task);
      busy?.limit(
        Math.min(abortGrace, runTimeout),
        crashed(`its run went on for ${abortGrace} s after it was aborted.`),
      );
    });
  }

  const pool: Omit<Pool, 'info'> = {
    run: (task, transfer, signal) => enqueue({ task, transfer, signal }, scheduler.submit),
    async everywhere(task) {
      if (scheduler.disposed) throw disposedError('detector');
      while (threads.size < options.size) scheduler.start();
      await Promise.all([...threads].map(({ started }) => started));
      // A busy thread is running the model already.
      const idle = [...threads].filter(({ ready, job }) => ready && !job);
      await Promise.all(idle.map((thread) => enqueue({ task, transfer: [] }, (job) => thread.run(job))));
    },
    dispose: scheduler.dispose,
  };

  const info = await scheduler.start().started;
  return { info, ...pool };
}

interface JobRequest {
  readonly task: Task;
  readonly transfer: readonly ArrayBuffer[];
  readonly signal?: AbortSignal | undefined;
}

/** Makes a job and passes it to `place`. When the signal aborts, calls `onAbort`, then rejects with its reason. */
function placeJob(
  { task, transfer, signal }: JobRequest,
  place: (job: Job) => void,
  onAbort: (job: Job) => void,
): Promise<readonly Face[]> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      onAbort(job);
      job.fail(signal!.reason);
    };
    const over = () => signal?.removeEventListener('abort', abort);
    const job: Job = {
      task,
      transfer,
      settle: (faces) => (over(), resolve(faces)),
      fail: (error) => (over(), reject(error)),
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener('abort', abort, { once: true });
    place(job);
  });
}
