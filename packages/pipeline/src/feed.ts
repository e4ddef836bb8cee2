import type { Frame, RasterSource } from '@facedet/core';

/** A frame on its way through the detector. */
export interface Job<F extends Frame, R> {
  readonly frame: F;
  /** The result of the frame's work. */
  readonly work: Promise<R>;
}

/** Options of `createFeed`. */
export interface FeedOptions<F extends Frame, R> {
  /** Begins a frame's work; called in order, and never for a frame that is dropped. */
  work(frame: F): Promise<R>;
  /** Jobs that may wait for their turn at once, each with its work begun. */
  limit: number;
  /** Large frames: beyond `limit` bytes fewer jobs wait, but at least `jobs`. */
  bytes: { readonly limit: number; readonly jobs: number; of(frame: F): number };
  /** Newest frame wins: beside `limit` jobs one frame waits, the newest. */
  live: boolean;
  onDrop(): void;
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

/** Frees a frame's native memory, where it has any. */
export function closeFrame(frame: Frame): void {
  (frame as Partial<RasterSource> | null | undefined)?.close?.();
}

/** Milliseconds that a source may take to end after `return()`. */
const STOP_TIMEOUT = 500;

/** Begins to read `frames`. */
export function createFeed<F extends Frame, R>(
  frames: AsyncIterable<F> | Iterable<F>,
  { work, limit, bytes, live, onDrop, onSource }: FeedOptions<F, R>,
): Feed<F, R> {
  const iterator: AsyncIterator<F> | Iterator<F> =
    Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
  const jobs: Job<F, R>[] = []; // work begun; the first may be out with the consumer
  let waiting: F | null = null; // live only: the newest frame, its work not begun
  let given = 0; // jobs at the front that the consumer has
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
  const isFull = () => {
    if (jobs.length >= limit) return true;
    return jobs.length >= bytes.jobs && jobs.reduce((sum, { frame }) => sum + bytes.of(frame), 0) >= bytes.limit;
  };
  const begin = (frame: F) => {
    const job = { frame, work: work(frame) };
    jobs.push(job);
    job.work.catch(() => {}); // the consumer of the job gets its error
    notify();
  };

  const pump = (async () => {
    try {
      while (!stopped) {
        while (!live && isFull() && !stopped) await nextChange();
        if (stopped) break;
        const asked = performance.now();
        const { done, value } = await iterator.next();
        onSource(performance.now() - asked);
        if (done) break;
        if (stopped) {
          closeFrame(value);
          break;
        }
        if (!live || (jobs.length < limit && !waiting)) {
          begin(value);
          continue;
        }
        if (waiting) {
          closeFrame(waiting);
          onDrop();
        }
        waiting = value;
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
        const job = jobs[given];
        if (job) {
          given++;
          return job;
        }
        if (waiting) {
          const newest = waiting;
          waiting = null;
          begin(newest);
          continue;
        }
        if (ended) {
          if (failure && !stopped) throw failure.error;
          return null;
        }
        await nextChange();
      }
    },
    release() {
      jobs.shift();
      given--;
      if (waiting && jobs.length < limit) {
        const newest = waiting;
        waiting = null;
        begin(newest);
      }
      notify();
    },
    async stop() {
      stopped = true;
      notify();
      const left = jobs.splice(0).slice(given);
      if (waiting) closeFrame(waiting);
      waiting = null;
      // A generator that is being read returns once that read is over; a camera that gives no frame must not hold the
      // caller for long.
      const returned = (async () => iterator.return?.())().catch(() => {});
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        Promise.all([pump, returned]),
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
