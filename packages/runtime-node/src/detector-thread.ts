import { Worker } from 'node:worker_threads';
import { FaceDetError, type Face } from '@facedet/core';
import { unpackError } from '@facedet/core/engine';
import { oneLine } from '@facedet/files';
import type { FromWorker, ReadyInfo, Task, ToWorker, WorkerSetup } from './worker-protocol.ts';

/** A task for a thread, and what is called with its result. */
export interface Job {
  readonly task: Task;
  readonly transfer: readonly ArrayBuffer[];
  settle(faces: readonly Face[]): void;
  fail(error: unknown): void;
}

/** Options of `DetectorThread`. */
export interface ThreadOptions {
  readonly setup: WorkerSetup;
  /** Seconds that a run may take; undefined for any time. */
  readonly runTimeout: number | undefined;
  /** Called with buffers that the thread gives back. */
  onReuse(buffers: readonly ArrayBuffer[]): void;
  /** Called when the model is loaded. */
  onReady(): void;
  /** Called after each job. */
  onIdle(): void;
  /** Called once, when the thread is lost or ends. */
  onLost(thread: DetectorThread, error: unknown): void;
}

/** How long a thread may take to end its run and its session before it is stopped, in seconds. */
const END_TIMEOUT = 5;

/** A worker thread with a session. While it has no job, it doesn't keep the process alive. */
export class DetectorThread {
  /** Resolves when the model is loaded. */
  readonly started: Promise<ReadyInfo>;
  /** Whether the model is loaded. */
  ready = false;
  /** The job in work. */
  job: Job | null = null;

  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  /** Resolves when the worker has exited. */
  readonly #exited: Promise<void>;
  #resolveStarted!: (info: ReadyInfo) => void;
  #rejectStarted!: (error: unknown) => void;
  /** Expires when the job has taken too long. */
  #overdue?: NodeJS.Timeout;
  #lost = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const worker = new Worker(workerUrl(), { workerData: options.setup, name: 'facedet', ...ownFlags() });
    this.#worker = worker;
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve;
      this.#rejectStarted = reject;
    });
    this.started.catch(() => {}); // the callers that need it handle it; there may be none
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('messageerror', (cause) => this.lose(crashed(oneLine(cause.message), cause)));
    worker.on('error', (cause: Error) => this.lose(crashed(oneLine(cause?.message ?? cause), cause)));
    worker.on('exit', (code) => this.lose(crashed(`it ended with exit code ${code}.`)));
  }

  /** Starts a job; the thread must be ready and idle. */
  run(job: Job): void {
    const { runTimeout } = this.#options;
    this.job = job;
    this.#worker.ref();
    if (runTimeout !== undefined) this.limit(runTimeout, timedOut(runTimeout));
    try {
      this.#worker.postMessage(job.task, [...job.transfer]);
    } catch (error) {
      // Some memory (an engine's, a decoder's) can't change its owner: then it is copied.
      if ((error as Error).name === 'DataCloneError' && job.transfer.length > 0)
        return this.run({ ...job, transfer: [] });
      this.#release();
      job.fail(error);
    }
  }

  /** Loses the thread with `error` if its job is not done in time. */
  limit(seconds: number, error: FaceDetError): void {
    const { job } = this;
    clearTimeout(this.#overdue);
    this.#overdue = setTimeout(() => {
      if (this.job === job) this.lose(error);
    }, seconds * 1000).unref();
  }

  /** Stops the thread: its job rejects, and so does `started` if the model was not loaded yet. */
  lose(error: unknown): void {
    if (this.#lost) return;
    this.#lost = true;
    clearTimeout(this.#overdue);
    this.#rejectStarted(error);
    this.job?.fail(error);
    this.job = null;
    void this.#worker.terminate();
    this.#options.onLost(this, error);
  }

  /** Rejects the job, then waits until the worker has ended its session and exited; a late worker is stopped. */
  async end(error: unknown): Promise<void> {
    this.job?.fail(error);
    this.#worker.ref();
    this.#worker.postMessage({ type: 'end' } satisfies ToWorker);
    const late = setTimeout(() => void this.#worker.terminate(), END_TIMEOUT * 1000);
    await this.#exited;
    clearTimeout(late);
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.#resolveStarted(message.info);
        this.#worker.unref();
        return this.#options.onReady();
      case 'refused':
        return this.lose(unpackError(message.error));
      case 'done':
      case 'failed': {
        const { job } = this;
        this.#release();
        this.#options.onReuse(message.reuse);
        if (message.type === 'done') job?.settle(message.faces);
        else job?.fail(unpackError(message.error));
        return this.#options.onIdle();
      }
      case 'ended':
        void this.#worker.terminate();
    }
  }

  /** Makes the thread idle. */
  #release(): void {
    this.job = null;
    clearTimeout(this.#overdue);
    this.#worker.unref();
  }
}

/** The built worker beside this file; from the sources, which a thread can't run, that of the last build. */
function workerUrl(): URL {
  return new URL(unbuilt() ? '../dist/worker.js' : './worker.js', import.meta.url);
}

/**
 * A thread has its process's flags, unless one of them is about the main script or its sources: then it has none.
 * (Named one by one they would be checked, and those of V8 refused.)
 */
function ownFlags(): { execArgv?: string[] } {
  return unbuilt() || process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
}

const unbuilt = () => import.meta.url.endsWith('.ts');

function timedOut(runTimeout: number): FaceDetError {
  return new FaceDetError(
    'RUN_TIMEOUT',
    `Expected a run of at most ${runTimeout} s (runTimeout) but it takes longer; the thread is ` +
      'replaced. Raise runTimeout, or use a smaller inputSize.',
  );
}

/** The error of a job or a start whose thread ended. */
export function crashed(reason: string, cause?: unknown): FaceDetError {
  return new FaceDetError(
    'WORKER_CRASHED',
    `Expected a result of a detector thread but it ended: ${reason} Its image is lost; another thread takes ` +
      'its place, so the call can be repeated.',
    { cause },
  );
}
