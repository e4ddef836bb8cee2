import { disposedError } from '@facedet/core/engine';
import { DetectorThread, type Job, type ThreadOptions } from './detector-thread.ts';
import type { WorkerSetup } from './worker-protocol.ts';

/** Options of a pool of threads. */
export interface PoolOptions {
  readonly size: number;
  readonly setup: WorkerSetup;
  /** Called with buffers that a thread gives back. */
  readonly onReuse: (buffers: readonly ArrayBuffer[]) => void;
  /** Seconds that a run may take; by default any time. */
  readonly runTimeout?: number | undefined;
  /** Seconds that a run may go on after its call was aborted before its thread is replaced; by default 30. */
  readonly abortGrace?: number | undefined;
}

/** A queue of jobs and the threads that do them. */
export interface Scheduler {
  readonly threads: ReadonlySet<DetectorThread>;
  readonly disposed: boolean;
  start(): DetectorThread;
  /** Gives the job to the next thread that is idle; starts another thread where all are busy. */
  submit(job: Job): void;
  /** Removes a job from the queue. */
  withdraw(job: Job): void;
  /** Ends all threads; all jobs fail with `DISPOSED`. */
  dispose(): Promise<void>;
}

/** Seconds until another thread is tried after one could not start, doubled each time, at most a minute. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [1, 60];

/** Why the last thread could not start, and when the next may. */
interface Refusal {
  readonly error: unknown;
  readonly pause: number;
  readonly until: number;
}

/** Starts threads when there are jobs for them, at most `size`, and replaces those that are lost. */
export function createScheduler({ size, setup, onReuse, runTimeout }: PoolOptions): Scheduler {
  const threads = new Set<DetectorThread>();
  const queue: Job[] = [];
  let refused: Refusal | undefined;
  let disposed: Promise<void> | null = null;

  const options: ThreadOptions = {
    setup,
    runTimeout,
    onReuse,
    onReady() {
      refused = undefined;
      pump();
    },
    onIdle: pump,
    onLost(thread, error) {
      threads.delete(thread);
      if (!thread.ready) refused = refusal(error, refused);
      pump();
    },
  };

  function start(): DetectorThread {
    const thread = new DetectorThread(options);
    threads.add(thread);
    return thread;
  }

  function pump(): void {
    if (disposed) return;
    for (const thread of threads) {
      if (queue.length === 0) return;
      if (thread.ready && !thread.job) thread.run(queue.shift()!);
    }
    if (refused !== undefined) {
      if (threads.size === 0) {
        for (const job of queue.splice(0)) job.fail(refused.error);
        refused = undefined;
        return;
      }
      // The threads that did start go on; memory that was short may be free later.
      if (performance.now() < refused.until) return;
    }
    let starting = 0;
    for (const thread of threads) if (!thread.ready) starting++;
    for (; starting < queue.length && threads.size < size; starting++) start();
  }

  async function end(): Promise<void> {
    const error = disposedError('detector');
    await Promise.resolve(); // `disposed` is set from here on
    for (const job of queue.splice(0)) job.fail(error);
    await Promise.all([...threads].map((thread) => thread.end(error)));
    threads.clear();
  }

  return {
    threads,
    get disposed() {
      return disposed !== null;
    },
    start,
    submit(job) {
      queue.push(job);
      pump();
    },
    withdraw(job) {
      const at = queue.indexOf(job);
      if (at >= 0) queue.splice(at, 1);
    },
    dispose: () => (disposed ??= end()),
  };
}

function refusal(error: unknown, before: Refusal | undefined): Refusal {
  const pause = Math.min(LONGEST_PAUSE, before ? 2 * before.pause : FIRST_PAUSE);
  return { error, pause, until: performance.now() + 1000 * pause };
}
