import type { Frame } from '@facedet/core';
import { bytesOf, closeFrame } from './frame-memory.ts';

/** A frame on its way through the detector. */
export interface Job<F extends Frame, R> {
  readonly frame: F;
  /** The result of the frame's work. */
  readonly work: Promise<R>;
}

/** Options of `createJobQueue`. */
export interface JobQueueOptions<F extends Frame, R> {
  /** Begins a frame's work; called in order, and never for a frame that is dropped. */
  work(frame: F): Promise<R>;
  /** Jobs that may wait for their turn at once, each with its work begun. */
  readonly limit: number;
  /** Large frames: beyond this many bytes fewer jobs wait, but at least `minJobs`, which is `limit` at most. */
  readonly byteLimit: number;
  readonly minJobs: number;
  /** Newest frame wins: beside `limit` jobs one frame waits, the newest. */
  readonly live: boolean;
  onDrop(): void;
}

/** Frames whose work has begun, in order, bounded by their number and bytes. */
export interface JobQueue<F extends Frame, R> {
  /** Whether there is no room for another frame; never in live mode, which drops frames instead. */
  readonly isFull: boolean;
  /** Begins a frame's work; in live mode, without room, the frame waits and replaces one that waited. */
  add(frame: F): void;
  /** Gives out the next job, or undefined while no job is ready. */
  take(): Job<F, R> | undefined;
  /** Removes the first job that was given out. */
  release(): void;
  /** Removes all jobs, and returns those that were not given out. */
  clear(): Job<F, R>[];
}

/** No frames yet. */
export function createJobQueue<F extends Frame, R>(options: JobQueueOptions<F, R>): JobQueue<F, R> {
  const { limit, byteLimit, minJobs, live } = options;
  const jobs: Job<F, R>[] = []; // work begun; the first may be out with the consumer
  let given = 0; // jobs at the front that the consumer has
  let waiting: F | null = null; // live only: the newest frame, its work not begun

  function begin(frame: F): void {
    const job = { frame, work: options.work(frame) };
    jobs.push(job);
    job.work.catch(() => {}); // the consumer of the job gets its error
  }

  function beginWaiting(): void {
    if (!waiting) return;
    const newest = waiting;
    waiting = null;
    begin(newest);
  }

  return {
    get isFull() {
      if (live || jobs.length < minJobs) return false;
      return jobs.length >= limit || jobs.reduce((sum, { frame }) => sum + bytesOf(frame), 0) >= byteLimit;
    },
    add(frame) {
      if (!live || (jobs.length < limit && !waiting)) return begin(frame);
      if (waiting) {
        closeFrame(waiting);
        options.onDrop();
      }
      waiting = frame;
    },
    take() {
      if (given === jobs.length) beginWaiting();
      const job = jobs[given];
      if (job) given++;
      return job;
    },
    release() {
      jobs.shift();
      given--;
      if (jobs.length < limit) beginWaiting();
    },
    clear() {
      if (waiting) closeFrame(waiting);
      waiting = null;
      return jobs.splice(0).slice(given);
    },
  };
}
