import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import { createClock, type Clock } from './clock.ts';
import type { Frame as NativeFrame } from 'node-av/lib';
import { openDecoder, type Decoded, type PictureDecoder } from './decoder.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { filterFrames, type Upright } from './filters.ts';
import { blackFrame, createStillFrame } from './picture-frame.ts';
import { checkPixels, openInput, type CaptureOptions, type Input, type InputLimits } from './input.ts';
import { needsStillDecoder } from './still-image.ts';
import { readChapters } from './chapters.ts';
import { otherStreams, readMetadata, streamOrientation, type VideoMetadata } from './metadata.ts';
import type { Container, ResolvedSource } from './source.ts';

/** A picture with its index and timestamp in the source. */
export interface Placed extends Omit<Upright, 'seconds'> {
  readonly index: number;
  readonly timestamp: number;
  /** The time on the container's clock that is timestamp 0, in seconds; audio is aligned with it. */
  readonly clockOrigin?: number | undefined;
  /** Why the picture could not be read; it is black then. */
  readonly error?: FaceDetError | undefined;
}

/** A change of a live source's connection. */
export interface ConnectionChange {
  /** `lost`: the next attempt follows after `delay`; `restored`: frames arrive again. */
  readonly state: 'lost' | 'restored';
  /** Attempts since the last frame, from 1. */
  readonly attempt: number;
  /** Seconds until the next attempt; 0 when restored. */
  readonly delay: number;
  /** Why the connection was lost, if known. */
  readonly error?: Error;
}

/** How a source is read; all defaults are resolved. */
export interface ReaderOptions {
  readonly capture: CaptureOptions;
  /** Frames per second (fps) of a folder of pictures. */
  readonly pictureRate: number;
  readonly threads: number;
  readonly hwaccel: 'auto' | 'none';
  readonly deinterlace: boolean;
  readonly after?: { readonly index: number; readonly timestamp: number } | undefined;
  /** Attempts in a row to reopen a lost stream; may be Infinity. */
  readonly reconnects: number;
  /** Attempts in a row to open a stream for the first time. */
  readonly firstConnects: number;
  /** Whether a picture of a folder that can't be read ends the source. */
  readonly onPictureError: 'skip' | 'stop';
  readonly limits: InputLimits;
  readonly signal: AbortSignal;
  /** Called when a stream is lost, before each attempt to reopen it, and when it is back. */
  readonly onReconnect: (change: ConnectionChange) => void;
}

// Seconds before a lost stream is reopened; doubled with each attempt.
const FIRST_DELAY = 0.5;
const LONGEST_DELAY = 30;

/** Reads a source from its first frame, or from the frame after `after`. */
export interface Reader {
  readonly frames: AsyncGenerator<Placed, void>;
  /** The source's metadata; undefined before the first frame. */
  metadata(): VideoMetadata | undefined;
}

interface Opened {
  readonly input: Input;
  readonly decoder: PictureDecoder;
  readonly metadata: VideoMetadata;
}

export function createReader(ffmpeg: Ffmpeg, source: ResolvedSource, options: ReaderOptions): Reader {
  const { constants } = ffmpeg;
  const { after, signal } = options;
  const size = { width: 0, height: 0 };
  let opened: Opened | undefined;
  let metadata: VideoMetadata | undefined;
  let origin: number | null = null;
  let still: VideoMetadata | undefined;
  let folderMetadata: VideoMetadata | undefined;

  async function open(container: Container): Promise<Opened> {
    const { capture, limits } = options;
    const input = await openInput(ffmpeg, container, { capture, limits, signal });
    try {
      const live = source.kind === 'camera' || (source.kind === 'stream' && !(input.format.duration > 0n));
      const decoder = await openDecoder(ffmpeg, input, {
        name: container.name,
        threads: options.threads,
        hwaccel: options.hwaccel,
        pixelLimit: options.limits.pixelLimit,
        finite: !live && source.kind !== 'pictures',
        strict: source.kind === 'pictures',
      });
      const path = source.kind === 'pictures' ? null : input.path;
      const kind = source.kind === 'pipe' ? 'file' : source.kind;
      const described = readMetadata(ffmpeg, input.format, input.stream, { source: source.name, path, kind, live });
      return (opened = { input, decoder, metadata: path === null ? await withOthers(described, input) : described });
    } catch (error) {
      await input.close();
      throw error;
    }
  }

  /** Adds the container's other contents, to be reported as left out: the container can't be opened again for them. */
  async function withOthers(described: VideoMetadata, { format, stream }: Input): Promise<VideoMetadata> {
    if (source.kind !== 'pipe' && source.kind !== 'stream') return described;
    const others = otherStreams(ffmpeg, format, stream);
    const chapters = source.kind === 'pipe' ? await readChapters(ffmpeg, format) : [];
    if (chapters.length > 0) others.push({ kind: 'chapters', codec: 'none' });
    return others.length > 0 ? { ...described, otherStreams: others } : described;
  }

  async function shut(): Promise<void> {
    const last = opened;
    // A folder's pictures are closed one by one, before `describe` runs for the first.
    folderMetadata ??= last?.metadata;
    opened = undefined;
    last?.decoder.close();
    await last?.input.close();
  }

  function upright({ input, decoder }: Opened): AsyncGenerator<Upright, void> {
    return filterFrames(ffmpeg, limited(decoder.pictures()), {
      name: source.name,
      timeBase: input.stream.timeBase,
      orientation: streamOrientation(ffmpeg, input.stream.codecpar),
      deinterlace: options.deinterlace,
      size,
    });
  }

  /** Decoded pictures; throws if their size exceeds the pixel limit in the middle of the source. */
  async function* limited(pictures: AsyncIterable<Decoded>): AsyncGenerator<Decoded, void> {
    for await (const picture of pictures) {
      try {
        checkPixels(source.name, picture.frame, options.limits.pixelLimit);
      } catch (error) {
        picture.frame.free();
        throw error;
      }
      yield picture;
    }
  }

  async function* folder(paths: readonly string[]): AsyncGenerator<Placed, void> {
    const { pictureRate } = options;
    const place = (index: number) => ({ index, timestamp: index / pictureRate, duration: 1 / pictureRate });
    // Black frames before the first readable picture wait for its size.
    const waiting: { readonly index: number; readonly error: FaceDetError }[] = [];
    for (let index = after ? after.index + 1 : 0; index < paths.length; index++) {
      const path = paths[index]!;
      try {
        const frame = await onePicture(path);
        const black = () => blackFrame(ffmpeg, size.width, size.height);
        for (const { index: earlier, error } of waiting.splice(0)) yield { frame: black(), ...place(earlier), error };
        yield { frame, ...place(index) };
      } catch (error) {
        signal.throwIfAborted();
        if (options.onPictureError === 'stop' || !(error instanceof FaceDetError)) throw error;
        if (size.width > 0) yield { frame: blackFrame(ffmpeg, size.width, size.height), ...place(index), error };
        else if (waiting.push({ index, error }) === paths.length) throw error;
      }
    }
    if (waiting.length > 0) throw waiting[0]!.error;
  }

  /** One picture of a folder, upright and in the size of the first one. */
  async function onePicture(path: string): Promise<NativeFrame> {
    try {
      if (await needsStillDecoder(path)) {
        for await (const { frame } of filterFrames(ffmpeg, stillPicture(path), {
          name: printable(path),
          timeBase: { num: 1, den: 1000 },
          orientation: { rotation: 0, mirrored: false },
          deinterlace: false,
          size,
        }))
          return frame;
      }
      for await (const { frame } of upright(await open({ kind: 'file', name: printable(path), path, picture: true })))
        return frame;
      throw new FaceDetError(
        'VIDEO_BROKEN',
        `Expected a picture but ${printable(path)} can't be decoded; replace it, or pass onPictureError: 'skip'.`,
      );
    } finally {
      await shut();
    }
  }

  async function* stillPicture(path: string): AsyncGenerator<Decoded, void> {
    const { frame, metadata: described } = await createStillFrame(ffmpeg, path, source, options.limits.pixelLimit);
    still ??= described;
    yield { frame, seconds: 0, duration: 0 };
  }

  async function* file(container: Container, start: Opened): AsyncGenerator<Placed, void> {
    const clock = createClock({
      discontinuous: start.input.format.iformat?.hasFlags(constants.AVFMT_TS_DISCONT as never) ?? false,
    });
    // A pipe can't be opened again.
    const found = after && container.kind !== 'pipe' && (yield* behind(container, start, after, clock));
    if (found) return;
    let index = 0;
    for await (const { frame, seconds, duration } of upright(opened ?? (await open(container)))) {
      origin ??= seconds;
      const place = {
        frame,
        index: index++,
        timestamp: clock.stamp(seconds, duration || frameTime()),
        duration,
        clockOrigin: clock.origin,
      };
      if (after && place.index <= after.index) frame.free();
      else yield place;
    }
  }

  /**
   * Seeks to a key frame before the frame `after` and continues with the frame after it. Returns false without yielding
   * frames if the source can't seek or does not show that very frame again: then only reading from the start is exact.
   */
  async function* behind(
    container: Container,
    start: Opened,
    { index, timestamp }: { index: number; timestamp: number },
    clock: Clock,
  ): AsyncGenerator<Placed, boolean> {
    origin = await firstTime(start);
    await shut();
    // GIF pictures depend on all earlier ones, and near the start a seek saves nothing.
    if (origin === null || timestamp < 2 || start.metadata.container.includes('gif')) return false;
    const again = await open(container);
    if (!(await again.decoder.seek(origin + timestamp - 1))) {
      await shut();
      return false;
    }
    let key = false;
    let met = false;
    let next = index + 1;
    for await (const { frame, seconds, duration } of upright(again)) {
      const time = seconds === null ? Infinity : Math.round((seconds - origin) * 1e9) / 1e9;
      if (met) {
        yield {
          frame,
          index: next++,
          timestamp: clock.stamp(seconds, duration || frameTime()),
          duration,
          clockOrigin: clock.origin,
        };
        continue;
      }
      key ||= frame.hasFlags(constants.AV_FRAME_FLAG_KEY);
      met = key && Math.abs(time - timestamp) < 1e-6;
      frame.free();
      if (met) {
        clock.restart(timestamp);
        clock.stamp(seconds, 0);
      } else if (time > timestamp) break;
    }
    if (!met) await shut();
    return met;
  }

  async function firstTime(start: Opened): Promise<number | null> {
    for await (const { frame, seconds } of upright(start)) {
      frame.free();
      return seconds;
    }
    return null;
  }

  /** A live source: when it is lost it is reopened, and its timestamps include the time of the outage. */
  async function* live(container: Container, start: Opened): AsyncGenerator<Placed, void> {
    const clock = createClock({ discontinuous: true, now: () => performance.now() / 1000 });
    let current: Opened | undefined = start;
    let index = 0;
    let timestamp = 0;
    let seen = performance.now();
    let failures = 0;
    for (;;) {
      let lost: unknown;
      try {
        current ??= await open(container);
        for await (const { frame, seconds, duration } of upright(current)) {
          if (failures > 0) options.onReconnect({ state: 'restored', attempt: failures, delay: 0 });
          failures = 0;
          timestamp = clock.stamp(seconds, duration || frameTime());
          seen = performance.now();
          yield { frame, index: index++, timestamp, duration };
        }
      } catch (error) {
        lost = error;
      }
      signal.throwIfAborted();
      current = undefined;
      await shut();
      if (failures >= options.reconnects)
        throw new FaceDetError(
          'STREAM_LOST',
          `Expected more frames from ${source.name} but it was lost after ${index} frames and ${failures} attempts ` +
            'to reopen it failed; check the sender and the network.',
          { cause: lost },
        );
      await pause(++failures, lost);
      clock.restart(timestamp + Math.max(frameTime(), (performance.now() - seen) / 1000));
    }
  }

  /** Waits before an attempt: longer each time, with jitter that separates the readers of one source. */
  async function pause(attempt: number, lost: unknown): Promise<void> {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(attempt - 1, 10) * (1 + Math.random() / 4));
    options.onReconnect({ state: 'lost', attempt, delay, ...(lost instanceof Error ? { error: lost } : {}) });
    await sleep(delay * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  /** Opens the source for the first time; a stream is retried like a lost one. */
  async function connect(container: Container): Promise<Opened> {
    for (let failures = 0; ;) {
      try {
        const start = await open(container);
        if (failures > 0) options.onReconnect({ state: 'restored', attempt: failures, delay: 0 });
        return start;
      } catch (error) {
        signal.throwIfAborted();
        const permanent =
          error instanceof FaceDetError &&
          ['IMAGE_TOO_LARGE', 'VIDEO_NO_PICTURES', 'VIDEO_CODEC_UNSUPPORTED'].includes(error.code);
        if (container.kind !== 'stream' || permanent || failures >= options.firstConnects) throw error;
        await pause(++failures, error);
      }
    }
  }

  function frameTime(): number {
    return 1 / (metadata?.fps ?? 25);
  }

  async function* frames(): AsyncGenerator<Placed, void> {
    try {
      for await (const placed of places()) {
        metadata ??= describe(placed);
        yield placed;
      }
    } finally {
      await shut();
    }
  }

  async function* places(): AsyncGenerator<Placed, void> {
    if (source.kind === 'pictures') return yield* folder(source.paths);
    if (source.kind === 'file' && (await needsStillDecoder(source.path))) {
      if (after) return;
      for await (const { frame } of stillPicture(source.path)) yield { frame, index: 0, timestamp: 0, duration: 0 };
      return;
    }
    const start = await connect(source);
    if (start.metadata.live) yield* live(source, start);
    else yield* file(source, start);
  }

  // The first picture's properties are more reliable than the container's description.
  function describe({ frame }: Placed): VideoMetadata {
    const said = opened?.metadata ?? folderMetadata ?? still!;
    const { color } = said;
    const { num, den } = frame.sampleAspectRatio;
    return {
      ...said,
      ...(source.kind === 'pictures'
        ? {
            fps: options.pictureRate,
            frameCount: source.paths.length,
            duration: source.paths.length / options.pictureRate,
            timeBase: { num: 1, den: 90_000 },
          }
        : {}),
      startTime: origin ?? said.startTime,
      width: frame.width,
      height: frame.height,
      pixelFormat: ffmpeg.avGetPixFmtName(frame.format as never) ?? said.pixelFormat,
      sampleAspectRatio: num > 0 && den > 0 ? { num, den } : said.sampleAspectRatio,
      color: {
        range: color.range || frame.colorRange,
        space: color.space !== constants.AVCOL_SPC_UNSPECIFIED ? color.space : frame.colorSpace,
        primaries: color.primaries !== constants.AVCOL_PRI_UNSPECIFIED ? color.primaries : frame.colorPrimaries,
        transfer: color.transfer !== constants.AVCOL_TRC_UNSPECIFIED ? color.transfer : frame.colorTrc,
        chromaLocation: color.chromaLocation || frame.chromaLocation,
      },
    };
  }

  return { frames: frames(), metadata: () => metadata };
}
