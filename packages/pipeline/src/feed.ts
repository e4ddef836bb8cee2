import type { Frame } from '@facedet/core';
import { closeFrame } from './frame-memory.ts';
import { createJobQueue, type Job, type JobQueueOptions } from './job-queue.ts';

/** Options of `createFeed`. */
export interface FeedOptions<F extends Frame, R> extends JobQueueOptions<F, R> {
  /** Milliseconds that one frame was waited for. */
  onSource(ms: number): void;
}

/** Reads a source ahead of its consumer, by a bounded number of frames. */
export interface Feed<F extends Frame, R> {
  /**
   * The next job in order, its work begun; null at the end. Throws the source's error, after all frames before it.
   */
  next(): Promise<Job<F, R> | null>;
  /** Marks the last job returned as done, which makes room for another. The caller keeps its frame. */
  release(): void;
  /** Stops reading and closes all frames that were not given out. */
  stop(): Promise<void>;
}

/** Milliseconds that a source may take to end after `return()`. */
const STOP_TIMEOUT = 500;

/** Begins to read `frames`. */
export function createFeed<F extends Frame, R>(
  frames: AsyncIterable<F> | Iterable<F>,
  options: FeedOptions<F, R>,
): Feed<F, R> {
  const iterator: AsyncIterator<F> | Iterator<F> =
    Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
  const queue = createJobQueue(options);
  let ended = false;
  let stopped = false;
  let failure: { error: unknown } | null = null;
  let wake: (() => void)[] = [];
  const nextChange = () => new Promise<void>((done) => wake.push(done));
  const notify = () => {
    const all = wake;
    wake = [];
    for (const done of all) done();
  };

  const reading = (async () => {
    try {
      for (;;) {
        while (queue.isFull && !stopped) await nextChange();
        if (stopped) break;
        const asked = performance.now();
        const { done, value } = await iterator.next();
        options.onSource(performance.now() - asked);
        if (done) break;
        if (stopped) {
          closeFrame(value);
          break;
        }
        queue.add(value);
        notify();
      }
    } catch (error) {
      failure = { error };
    } finally {
      ended = true;
      notify();
    }
  })();

  return {
    async next() {
      for (;;) {
        const job = queue.take();
        if (job) return job;
        if (ended) {
          if (failure && !stopped) throw failure.error;
          return null;
        }
        await nextChange();
      }
    },
    release() {
      queue.release();
      notify();
    },
    async stop() {
      stopped = true;
      notify();
      const left = queue.clear();
      // A generator that is being read returns once that read is over; a camera that gives no frame must not hold the
      // caller for long.
      const returned = (async () => iterator.return?.())().catch(() => {});
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        Promise.all([reading, returned]),
        new Promise((done) => (timer = setTimeout(done, STOP_TIMEOUT))),
      ]);
      clearTimeout(timer);
      for (const job of left) {
        await job.work.catch(() => {});
        closeFrame(job.frame);
      }
    },
  };
}
