import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import { createClock } from './clock.ts';
import type { ReaderOptions } from './reader-options.ts';
import type { Opened, Placed, Session } from './session.ts';
import type { Container } from './source.ts';

// Seconds before a lost stream is reopened; doubled with each attempt.
const FIRST_DELAY = 0.5;
const LONGEST_DELAY = 30;

/** Opens a source for the first time; a stream is retried like a lost one. */
export async function connect(session: Session, container: Container, options: ReaderOptions): Promise<Opened> {
  for (let failures = 0; ;) {
    try {
      const start = await session.open(container);
      if (failures > 0) options.onReconnect({ state: 'restored', attempt: failures, delay: 0 });
      return start;
    } catch (error) {
      options.signal.throwIfAborted();
      const permanent =
        error instanceof FaceDetError &&
        ['IMAGE_TOO_LARGE', 'VIDEO_NO_PICTURES', 'VIDEO_CODEC_UNSUPPORTED'].includes(error.code);
      if (container.kind !== 'stream' || permanent || failures >= options.firstConnects) throw error;
      await pause(++failures, error, options);
    }
  }
}

/** How a live source is read. */
export interface LiveOptions extends Pick<ReaderOptions, 'reconnects' | 'signal' | 'onReconnect'> {
  /** The source, opened. */
  readonly start: Opened;
  /** Nominal seconds per frame, for frames without a duration. */
  readonly frameTime: () => number;
}

/** Reads a live source. When it is lost it is reopened, and its timestamps include the time of the outage. */
export async function* readLive(
  session: Session,
  container: Container,
  options: LiveOptions,
): AsyncGenerator<Placed, void> {
  const { frameTime } = options;
  const clock = createClock({ discontinuous: true, now: () => performance.now() / 1000 });
  let current: Opened | undefined = options.start;
  let index = 0;
  let timestamp = 0;
  let seen = performance.now();
  let failures = 0;
  for (;;) {
    let lost: unknown;
    try {
      current ??= await session.open(container);
      for await (const { frame, seconds, duration } of session.pictures(current)) {
        if (failures > 0) options.onReconnect({ state: 'restored', attempt: failures, delay: 0 });
        failures = 0;
        timestamp = clock.stamp(seconds, duration || frameTime());
        seen = performance.now();
        yield { frame, index: index++, timestamp, duration };
      }
    } catch (error) {
      lost = error;
    }
    options.signal.throwIfAborted();
    current = undefined;
    await session.close();
    if (failures >= options.reconnects)
      throw new FaceDetError(
        'STREAM_LOST',
        `Expected more frames from ${container.name} but it was lost after ${index} frames and ${failures} attempts ` +
          'to reopen it failed; check the sender and the network.',
        { cause: lost },
      );
    await pause(++failures, lost, options);
    clock.restart(timestamp + Math.max(frameTime(), (performance.now() - seen) / 1000));
  }
}

/** Waits before an attempt: longer each time, with jitter that separates the readers of one source. */
async function pause(
  attempt: number,
  lost: unknown,
  { onReconnect, signal }: Pick<ReaderOptions, 'onReconnect' | 'signal'>,
): Promise<void> {
  const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(attempt - 1, 10) * (1 + Math.random() / 4));
  onReconnect({ state: 'lost', attempt, delay, ...(lost instanceof Error ? { error: lost } : {}) });
  await sleep(delay * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
}
