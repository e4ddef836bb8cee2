import type { Ffmpeg } from '../ffmpeg/load.ts';
import { createClock, type Clock } from './clock.ts';
import type { Upright } from './filters.ts';
import type { ReaderOptions } from './reader-options.ts';
import type { Opened, Placed, Session } from './session.ts';
import type { Container } from './source.ts';

/** How a file is read. */
export interface FileOptions {
  /** The file, opened. */
  readonly start: Opened;
  readonly after: ReaderOptions['after'];
  /** Nominal seconds per frame, for frames without a duration. */
  readonly frameTime: () => number;
}

/** Reads a file that ends, from its first frame or from the frame after `after`. */
export async function* readFile(
  ffmpeg: Ffmpeg,
  session: Session,
  container: Container,
  { start, after, frameTime }: FileOptions,
): AsyncGenerator<Placed, void> {
  const { AVFMT_TS_DISCONT } = ffmpeg.constants;
  const clock = createClock({
    discontinuous: start.input.format.iformat?.hasFlags(AVFMT_TS_DISCONT as never) ?? false,
  });
  // A pipe can't be opened again.
  if (after && container.kind !== 'pipe') {
    const again = await seekBefore(session, container, start, after.timestamp);
    if (again && (yield* readAfter(ffmpeg, session, again, { after, clock, frameTime }))) return;
  }
  let index = 0;
  for await (const picture of session.pictures(session.current() ?? (await session.open(container)))) {
    session.origin ??= picture.seconds;
    const placed = place(picture, index++, clock, frameTime);
    if (after && placed.index <= after.index) placed.frame.free();
    else yield placed;
  }
}

function place({ frame, seconds, duration }: Upright, index: number, clock: Clock, frameTime: () => number): Placed {
  const timestamp = clock.stamp(seconds, duration || frameTime());
  return { frame, index, timestamp, duration, clockOrigin: clock.origin };
}

/**
 * Reopens a file at a key frame before a timestamp. Returns undefined, with the file closed, if it can't seek or if a
 * seek saves nothing.
 */
async function seekBefore(
  session: Session,
  container: Container,
  start: Opened,
  timestamp: number,
): Promise<Opened | undefined> {
  const origin = (session.origin = await firstTime(session, start));
  await session.close();
  // GIF pictures depend on all earlier ones, and near the start a seek saves nothing.
  if (origin === null || timestamp < 2 || start.metadata.container.includes('gif')) return undefined;
  const again = await session.open(container);
  if (await again.decoder.seek(origin + timestamp - 1)) return again;
  await session.close();
  return undefined;
}

/**
 * Continues after the frame `after` once that very frame was met behind a key frame. Returns false without yielding
 * frames if it was not met: then only reading from the start is exact.
 */
async function* readAfter(
  { constants }: Ffmpeg,
  session: Session,
  opened: Opened,
  {
    after,
    clock,
    frameTime,
  }: Pick<FileOptions, 'frameTime'> & {
    readonly after: NonNullable<FileOptions['after']>;
    readonly clock: Clock;
  },
): AsyncGenerator<Placed, boolean> {
  const origin = session.origin!;
  let key = false;
  let met = false;
  let next = after.index + 1;
  for await (const picture of session.pictures(opened)) {
    const { frame, seconds } = picture;
    if (met) {
      yield place(picture, next++, clock, frameTime);
      continue;
    }
    const time = seconds === null ? Infinity : Math.round((seconds - origin) * 1e9) / 1e9;
    key ||= frame.hasFlags(constants.AV_FRAME_FLAG_KEY);
    met = key && Math.abs(time - after.timestamp) < 1e-6;
    frame.free();
    if (met) {
      clock.restart(after.timestamp);
      clock.stamp(seconds, 0);
    } else if (time > after.timestamp) break;
  }
  if (!met) await session.close();
  return met;
}

async function firstTime(session: Session, start: Opened): Promise<number | null> {
  for await (const { frame, seconds } of session.pictures(start)) {
    frame.free();
    return seconds;
  }
  return null;
}
