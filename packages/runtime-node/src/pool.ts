import { Worker } from 'node:worker_threads';
import { FaceDetError, type Face } from '@facedet/core';
import { disposedError, unpackError } from '@facedet/core/engine';
import { oneLine } from '@facedet/files';
import type { FromWorker, ReadyInfo, Task, ToWorker, WorkerSetup } from './worker-protocol.ts';

/** Threads with a session each, fed from one queue. */
export interface Pool {
  /** What the first thread found; all threads load the same. */
  readonly info: ReadyInfo;
  /** Has some thread do a task. Rejects with the task's error, `WORKER_CRASHED`, `DISPOSED` or the signal's reason; a task that runs already goes on unheard. */
  run(task: Task, transfer: readonly ArrayBuffer[], signal?: AbortSignal): Promise<readonly Face[]>;
  /** Starts all threads and has each that is idle do a task. */
  everywhere(task: Task): Promise<void>;
  /** Ends all threads; tasks that wait or run reject with `DISPOSED`. */
  dispose(): Promise<void>;
}

/** Options of `createPool`. */
export interface PoolOptions {
  readonly size: number;
  readonly setup: WorkerSetup;
  /** Called with buffers that a thread gives back. */
  readonly onReuse: (buffers: readonly ArrayBuffer[]) => void;
}

interface Job {
  readonly task: Task;
  readonly transfer: readonly ArrayBuffer[];
  settle(faces: readonly Face[]): void;
  fail(error: unknown): void;
}

interface Member {
  readonly worker: Worker;
  readonly started: Promise<ReadyInfo>;
  ready: boolean;
  job: Job | null;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
}

/** How long a thread may take to end its run and its session before it is stopped, in seconds. */
const PATIENCE = 5;

/**
 * Starts one thread and waits until its model is loaded; the others start when there is work for them. A thread that dies takes only its
 * own task with it: the next task that finds no idle thread starts another. Idle threads don't keep the process alive.
 */
export async function createPool({ size, setup, onReuse }: PoolOptions): Promise<Pool> {
  const members = new Set<Member>();
  const queue: Job[] = [];
  let refused: unknown; // why the last thread could not start
  let disposed: Promise<void> | null = null;

  function start(): Member {
    const worker = new Worker(workerUrl(), { workerData: setup, name: 'facedet', ...ownFlags() });
    let resolveStarted!: (info: ReadyInfo) => void;
    let rejectStarted!: (error: unknown) => void;
    const started = new Promise<ReadyInfo>((resolve, reject) => ([resolveStarted, rejectStarted] = [resolve, reject]));
    started.catch(() => {}); // whoever needs it hears of it; nobody may
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const member: Member = { worker, started, gone, ready: false, job: null };
    members.add(member);

    /** Takes the thread out: its task rejects, and its start if it had not come so far. */
    const lose = (error: unknown) => {
      if (!members.delete(member)) return;
      if (!member.ready) refused = error;
      rejectStarted(error);
      member.job?.fail(error);
      member.job = null;
      void worker.terminate();
      pump();
    };

    worker.on('message', (message: FromWorker) => {
      switch (message.type) {
        case 'ready':
          member.ready = true;
          refused = undefined;
          resolveStarted(message.info);
          worker.unref();
          break;
        case 'refused':
          return lose(unpackError(message.error));
        case 'done':
        case 'failed': {
          const { job } = member;
          member.job = null;
          worker.unref();
          onReuse(message.reuse);
          if (message.type === 'done') job?.settle(message.faces);
          else job?.fail(unpackError(message.error));
          break;
        }
        case 'ended':
          void worker.terminate();
          break;
      }
      pump();
    });
    worker.on('messageerror', (cause) => lose(crashed(oneLine(cause.message), cause)));
    worker.on('error', (cause: Error) => lose(crashed(oneLine(cause?.message ?? cause), cause)));
    worker.on('exit', (code) => lose(crashed(`it ended with exit code ${code}.`)));
    return member;
  }

  function give(member: Member, job: Job): void {
    member.job = job;
    member.worker.ref();
    try {
      member.worker.postMessage(job.task, [...job.transfer]);
    } catch (error) {
      // Some memory (an engine's, a decoder's) can't change its owner: then it is copied.
      if ((error as Error).name === 'DataCloneError' && job.transfer.length > 0) return give(member, { ...job, transfer: [] });
      member.job = null;
      member.worker.unref();
      job.fail(error);
    }
  }

  function pump(): void {
    if (disposed) return;
    for (const member of members) {
      if (queue.length === 0) return;
      if (member.ready && !member.job) give(member, queue.shift()!);
    }
    if (refused !== undefined) {
      if (members.size > 0) return; // those that did start go on
      for (const job of queue.splice(0)) job.fail(refused);
      refused = undefined;
      return;
    }
    let starting = 0;
    for (const member of members) if (!member.ready) starting++;
    for (; starting < queue.length && members.size < size; starting++) start();
  }

  function enqueue(task: Task, transfer: readonly ArrayBuffer[], signal: AbortSignal | undefined, place: (job: Job) => void): Promise<readonly Face[]> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        const at = queue.indexOf(job);
        if (at >= 0) queue.splice(at, 1);
        job.fail(signal!.reason);
      };
      const over = () => signal?.removeEventListener('abort', abort);
      const job: Job = { task, transfer, settle: (faces) => (over(), resolve(faces)), fail: (error) => (over(), reject(error)) };
      if (disposed) return reject(disposedError('detector'));
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener('abort', abort, { once: true });
      place(job);
    });
  }

  const pool: Omit<Pool, 'info'> = {
    run(task, transfer, signal) {
      return enqueue(task, transfer, signal, (job) => {
        queue.push(job);
        pump();
      });
    },
    async everywhere(task) {
      if (disposed) throw disposedError('detector');
      while (members.size < size) start();
      await Promise.all([...members].map(({ started }) => started));
      // A busy thread is running the model already.
      const idle = [...members].filter(({ ready, job }) => ready && !job);
      await Promise.all(idle.map((member) => enqueue(task, [], undefined, (job) => give(member, job))));
    },
    dispose() {
      return (disposed ??= end());
    },
  };

  async function end(): Promise<void> {
    const error = disposedError('detector');
    await Promise.resolve(); // `disposed` is set from here on
    for (const job of queue.splice(0)) job.fail(error);
    await Promise.all(
      [...members].map(async ({ worker, gone, job }) => {
        job?.fail(error);
        worker.ref();
        worker.postMessage({ type: 'end' } satisfies ToWorker);
        const late = setTimeout(() => void worker.terminate(), PATIENCE * 1000);
        await gone;
        clearTimeout(late);
      }),
    );
    members.clear();
  }

  const info = await start().started;
  return { info, ...pool };
}

/** The built worker beside this file; from the sources, which a thread can't run, that of the last build. */
function workerUrl(): URL {
  return new URL(unbuilt() ? '../dist/worker.js' : './worker.js', import.meta.url);
}

/**
 * A thread has its process's flags, unless one of them is about the main script or its sources: then it has none. (Named one by one they
 * would be checked, and those of V8 refused.)
 */
function ownFlags(): { execArgv?: string[] } {
  return unbuilt() || process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}

const unbuilt = () => import.meta.url.endsWith('.ts');

function crashed(reason: string, cause?: unknown): FaceDetError {
  return new FaceDetError('WORKER_CRASHED', `A detector thread died: ${reason} The image it looked at is lost, and a new thread takes its place.`, { cause });
}
