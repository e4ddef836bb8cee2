import { Worker } from 'node:worker_threads';
import { FaceDetError, type Face } from '@facedet/core';
import { disposedError, unpackError } from '@facedet/core/engine';
import { oneLine } from '@facedet/files';
import type { FromWorker, ReadyInfo, Task, ToWorker, WorkerSetup } from './worker-protocol.ts';

/** Threads with a session each, fed from one queue. */
export interface Pool {
  /** What the first thread found; all threads load the same. */
  readonly info: ReadyInfo;
  /**
   * Has some thread do a task. Rejects with the task's error, `WORKER_CRASHED`, `DISPOSED` or the signal's reason; a
   * task that runs already goes on unheard.
   */
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
  /** Seconds that a run may take; by default any time. */
  readonly runTimeout?: number | undefined;
  /** Seconds that a run may go on after its call was aborted before its thread is replaced; by default 30. */
  readonly abortGrace?: number | undefined;
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
  /** Runs out when the job has taken too long. */
  overdue?: NodeJS.Timeout;
  /** Takes the thread out: its task rejects, and its start if it had not come so far. */
  lose(error: unknown): void;
  /** Resolves when the thread is gone. */
  readonly gone: Promise<void>;
}

/** How long a thread may take to end its run and its session before it is stopped, in seconds. */
const PATIENCE = 5;
/** Seconds until another thread is tried after one could not start, doubled each time, at most a minute. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [1, 60];
/**
 * Seconds that an aborted run may go on by default: the session's own end is worth waiting for, a thread lost is not.
 */
const ABORT_GRACE = 30;

/** Why the last thread could not start, and when the next may. */
interface Refusal {
  readonly error: unknown;
  readonly pause: number;
  readonly until: number;
}

/**
 * Starts one thread and waits until its model is loaded; the others start when there is work for them. A thread that
 * dies takes only its own task with it: the next task that finds no idle thread starts another. A thread that could not
 * start is tried again later. A thread whose run takes longer than `runTimeout`, or goes on long after its call was
 * aborted, is replaced. Idle threads don't keep the process alive.
 */
export async function createPool({
  size,
  setup,
  onReuse,
  runTimeout,
  abortGrace = ABORT_GRACE,
}: PoolOptions): Promise<Pool> {
  const members = new Set<Member>();
  const queue: Job[] = [];
  let refused: Refusal | undefined;
  let disposed: Promise<void> | null = null;

  function start(): Member {
    const worker = new Worker(workerUrl(), { workerData: setup, name: 'facedet', ...ownFlags() });
    let resolveStarted!: (info: ReadyInfo) => void;
    let rejectStarted!: (error: unknown) => void;
    const started = new Promise<ReadyInfo>((resolve, reject) => ([resolveStarted, rejectStarted] = [resolve, reject]));
    started.catch(() => {}); // the callers that need it handle it; there may be none
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const lose = (error: unknown) => {
      if (!members.delete(member)) return;
      clearTimeout(member.overdue);
      if (!member.ready) refused = refusal(error, refused);
      rejectStarted(error);
      member.job?.fail(error);
      member.job = null;
      void worker.terminate();
      pump();
    };
    const member: Member = { worker, started, gone, ready: false, job: null, lose };
    members.add(member);

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
          clearTimeout(member.overdue);
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
    if (runTimeout !== undefined)
      limit(
        member,
        runTimeout,
        new FaceDetError(
          'RUN_TIMEOUT',
          `Expected a run of at most ${runTimeout} s (runTimeout) but it takes longer; the thread is ` +
            'replaced. Raise runTimeout, or use a smaller inputSize.',
        ),
      );
    try {
      member.worker.postMessage(job.task, [...job.transfer]);
    } catch (error) {
      // Some memory (an engine's, a decoder's) can't change its owner: then it is copied.
      if ((error as Error).name === 'DataCloneError' && job.transfer.length > 0)
        return give(member, { ...job, transfer: [] });
      member.job = null;
      clearTimeout(member.overdue);
      member.worker.unref();
      job.fail(error);
    }
  }

  /** Replaces the thread where its job is not done in time. */
  function limit(member: Member, seconds: number, error: FaceDetError): void {
    const { job } = member;
    clearTimeout(member.overdue);
    member.overdue = setTimeout(() => {
      if (member.job === job) member.lose(error);
    }, seconds * 1000).unref();
  }

  function pump(): void {
    if (disposed) return;
    for (const member of members) {
      if (queue.length === 0) return;
      if (member.ready && !member.job) give(member, queue.shift()!);
    }
    if (refused !== undefined) {
      if (members.size === 0) {
        for (const job of queue.splice(0)) job.fail(refused.error);
        refused = undefined;
        return;
      }
      // Those that did start go on; memory that was short may be free later.
      if (performance.now() < refused.until) return;
    }
    let starting = 0;
    for (const member of members) if (!member.ready) starting++;
    for (; starting < queue.length && members.size < size; starting++) start();
  }

  function enqueue(
    task: Task,
    transfer: readonly ArrayBuffer[],
    signal: AbortSignal | undefined,
    place: (job: Job) => void,
  ): Promise<readonly Face[]> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        const at = queue.indexOf(job);
        if (at >= 0) queue.splice(at, 1);
        const member = [...members].find((each) => each.job?.task === task);
        if (member)
          limit(
            member,
            Math.min(abortGrace, runTimeout ?? Infinity),
            crashed(`its run went on for ${abortGrace} s after it was aborted.`),
          );
        job.fail(signal!.reason);
      };
      const over = () => signal?.removeEventListener('abort', abort);
      const job: Job = {
        task,
        transfer,
        settle: (faces) => (over(), resolve(faces)),
        fail: (error) => (over(), reject(error)),
      };
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

function refusal(error: unknown, before: Refusal | undefined): Refusal {
  const pause = Math.min(LONGEST_PAUSE, before ? 2 * before.pause : FIRST_PAUSE);
  return { error, pause, until: performance.now() + 1000 * pause };
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

function crashed(reason: string, cause?: unknown): FaceDetError {
  return new FaceDetError(
    'WORKER_CRASHED',
    `Expected a result of a detector thread but it ended: ${reason} Its image is lost; another thread takes ` +
      'its place, so the call can be repeated.',
    { cause },
  );
}
