import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame } from 'node-av/lib';
import { frameHdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import { createVideoFrame, type VideoFrame } from './frame.ts';
import type { VideoMetadata } from './metadata.ts';
import { checkLimits, checkPictureRate, resolveOptions, type OpenVideoOptions } from './open-options.ts';
import { createRasterizer, type Rasterizer } from './rasterize.ts';
import { ahead } from './read-ahead.ts';
import { createReader, type Reader } from './reader.ts';
import { createReloader, fileIdOf, pictureReload, type Reloader } from './reload.ts';
import type { Placed } from './session.ts';
import { resolveSource, type VideoSource } from './source.ts';

/** A source that is being read: its first frame is decoded. */
export interface Playback {
  readonly ffmpeg: Ffmpeg;
  /** The source's name in messages. */
  readonly name: string;
  readonly metadata: VideoMetadata;
  readonly statistics: { dropped: number; reconnects: number };
  readonly reader: Reader;
  /** Reads pictures again that left memory; undefined if the source can't be read again. */
  readonly reloader: Reloader | undefined;
  readonly rasterizer: Rasterizer;
  /** The first picture, until it is taken. */
  readonly waiting: Placed[];
  /** Aborted when reading ends early. */
  readonly signal: AbortSignal;
  /** Ends reading. */
  leave(): void;
  /** Frees what the frames share; frames that are still open keep their pictures. */
  release(): void;
}

// Maximum memory of frames decoded ahead, in bytes: 20 of 1080p, one of 8K.
const AHEAD_BYTES = 64e6;
// Pictures decoded ahead while they are read again.
const RELOAD_AHEAD = 2;

/** Opens a source and decodes its first frame. Throws as `openVideo`. */
export async function startPlayback(source: VideoSource, options: OpenVideoOptions): Promise<Playback> {
  const pictureRate = checkPictureRate(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const limits = checkLimits(options);
  const resolved = await resolveSource(source, options.protocols);
  const { name } = resolved;
  const ffmpeg = await loadFfmpeg();
  const leaving = new AbortController();
  const abort = () => leaving.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const statistics = { dropped: 0, reconnects: 0 };
  const rasterizer = createRasterizer(ffmpeg);
  const readerOptions = resolveOptions(options, {
    pictureRate,
    limits,
    signal: leaving.signal,
    onReconnect(change) {
      if (change.state === 'restored') statistics.reconnects++;
      options.onReconnect?.(change);
    },
  });
  const fileId = resolved.kind === 'file' ? await fileIdOf(resolved.path).catch(() => undefined) : undefined;
  const reader = createReader(ffmpeg, resolved, readerOptions);
  let reloader: Reloader | undefined;
  const release = () => {
    signal?.removeEventListener('abort', abort);
    rasterizer.close();
    reloader?.end();
  };
  const { first, metadata } = await readFirst(ffmpeg, reader, name, options.after).catch((error: unknown) => {
    release();
    throw error;
  });
  // Pipes, cameras and streams can't be read again, and a folder may have other files by then.
  if (resolved.kind === 'file' && fileId !== undefined && metadata.codec !== 'still') {
    const open = (after: OpenVideoOptions['after']) =>
      ahead(createReader(ffmpeg, resolved, { ...readerOptions, after }).frames, {
        size: RELOAD_AHEAD,
        bytes: { limit: AHEAD_BYTES / 2, of: ({ frame }) => bytesOf(ffmpeg, frame) },
        discard: ({ frame }) => frame.free(),
      });
    reloader = createReloader({ name, path: resolved.path, fileId, open });
  }
  return {
    ffmpeg,
    name,
    metadata,
    statistics,
    reader,
    reloader,
    rasterizer,
    waiting: [first],
    signal: leaving.signal,
    leave: () => leaving.abort(new FaceDetError('DISPOSED', `${name} was closed.`)),
    release,
  };
}

async function readFirst(
  ffmpeg: Ffmpeg,
  reader: Reader,
  name: string,
  after: OpenVideoOptions['after'],
): Promise<{ first: Placed; metadata: VideoMetadata }> {
  const first = await reader.frames.next();
  const metadata = reader.metadata();
  if (first.done || !metadata)
    throw new FaceDetError(
      'VIDEO_FINISHED',
      `Expected a frame after index ${after?.index ?? -1} but ${name} has no more; leave out after to read it from ` +
        'the start.',
    );
  // Many files have HDR metadata only in their pictures.
  const hdr = { ...frameHdrMetadata(ffmpeg, first.value.frame), ...metadata.hdr };
  return { first: first.value, metadata: Object.keys(hdr).length > 0 ? { ...metadata, hdr } : metadata };
}

/** The frames of a source, decoded ahead of their consumer. */
export function framesAhead(playback: Playback, options: OpenVideoOptions): AsyncGenerator<VideoFrame, void> {
  return ahead(createFrames(playback, options), {
    size: Math.max(1, options.decodeAhead ?? 4),
    bytes: { limit: AHEAD_BYTES, of: (frame) => frame.byteLength },
    dropOldest: options.dropLate ?? playback.metadata.live,
    discard(frame) {
      if (!playback.signal.aborted) playback.statistics.dropped++;
      frame.close();
    },
    onLeave: playback.leave,
  });
}

async function* createFrames(playback: Playback, options: OpenVideoOptions): AsyncGenerator<VideoFrame, void> {
  const { ffmpeg, metadata, reader, reloader, rasterizer, waiting, signal } = playback;
  const paced = options.paced ?? (options.dropLate === true && !metadata.live);
  const started = performance.now();
  let start: number | undefined;
  let previous = options.after;
  try {
    for (;;) {
      const next = waiting.shift() ?? (await reader.frames.next()).value;
      if (!next) return;
      const { frame, error, ...place } = next;
      const { width, height } = frame;
      if (paced) await until(started, (start ??= place.timestamp), place.timestamp, signal);
      if (signal.aborted) {
        frame.free();
        return;
      }
      const source = reloader && pictureReload(reloader, { ...place, width, height, previous }, signal);
      previous = { index: place.index, timestamp: place.timestamp };
      const parts = {
        ...place,
        error,
        source,
        byteLength: bytesOf(ffmpeg, frame),
        isDamaged: isDamaged(ffmpeg, frame),
      };
      yield createVideoFrame(frame, rasterizer, parts);
    }
  } finally {
    await reader.frames.return();
  }
}

function bytesOf(ffmpeg: Ffmpeg, { format, width, height }: NativeFrame): number {
  return Math.max(0, ffmpeg.avImageGetBufferSize(format as never, width, height, 1));
}

/** Whether the decoder concealed errors; filters pass its flags on. */
function isDamaged({ constants }: Ffmpeg, frame: NativeFrame): boolean {
  return frame.decodeErrorFlags !== 0 || frame.hasFlags(constants.AV_FRAME_FLAG_CORRUPT);
}

/** Waits until the time since `started` (ms) equals the time between two timestamps (s), or the signal aborts. */
async function until(started: number, first: number, timestamp: number, signal: AbortSignal): Promise<void> {
  const wait = started + (timestamp - first) * 1000 - performance.now();
  if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => {});
}
