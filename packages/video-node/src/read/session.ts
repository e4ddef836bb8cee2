import type { FaceDetError } from '@facedet/core';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { readChapters } from './chapters.ts';
import { openDecoder, type Decoded, type PictureDecoder } from './decoder.ts';
import { filterFrames, type Upright } from './filters.ts';
import { checkPixels, openInput, type Input } from './input.ts';
import { otherStreams, readMetadata, streamOrientation, type VideoMetadata } from './metadata.ts';
import { createStillFrame } from './picture-frame.ts';
import type { ReaderOptions } from './reader-options.ts';
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

/** An open container. */
export interface Opened {
  readonly input: Input;
  readonly decoder: PictureDecoder;
  readonly metadata: VideoMetadata;
}

/** Opens the containers of a source, one at a time, and normalizes their pictures alike. */
export interface Session {
  /** The size that every picture is fitted into; set by the first one. */
  readonly size: { width: number; height: number };
  /** Time of the first picture on the container's clock, in seconds; null while unknown. */
  origin: number | null;
  open(container: Container): Promise<Opened>;
  /** The open container. */
  current(): Opened | undefined;
  /** Closes the open container, if there is one. */
  close(): Promise<void>;
  /** The pictures of an open container, upright and in `size`. */
  pictures(opened: Opened): AsyncGenerator<Upright, void>;
  /** The only picture of a file that FFmpeg's demuxers can't read. */
  stillPicture(path: string): AsyncGenerator<Decoded, void>;
  /** Metadata of the open container, else of the first one that was open or of the first still picture. */
  metadata(): VideoMetadata | undefined;
}

export function createSession(ffmpeg: Ffmpeg, source: ResolvedSource, options: ReaderOptions): Session {
  const { capture, limits, signal } = options;
  const size = { width: 0, height: 0 };
  let opened: Opened | undefined;
  // A folder's pictures are closed one by one, before their metadata is needed.
  let firstMetadata: VideoMetadata | undefined;
  let stillMetadata: VideoMetadata | undefined;

  async function open(container: Container): Promise<Opened> {
    const input = await openInput(ffmpeg, container, { capture, limits, signal });
    try {
      const live = source.kind === 'camera' || (source.kind === 'stream' && !(input.format.duration > 0n));
      const decoder = await openDecoder(ffmpeg, input, {
        name: container.name,
        threads: options.threads,
        hwaccel: options.hwaccel,
        pixelLimit: limits.pixelLimit,
        finite: !live && source.kind !== 'pictures',
        strict: source.kind === 'pictures',
      });
      return (opened = { input, decoder, metadata: await describeInput(ffmpeg, source, input, live) });
    } catch (error) {
      await input.close();
      throw error;
    }
  }

  return {
    size,
    origin: null,
    open,
    current: () => opened,
    async close() {
      const last = opened;
      firstMetadata ??= last?.metadata;
      opened = undefined;
      last?.decoder.close();
      await last?.input.close();
    },
    pictures: ({ input, decoder }) =>
      filterFrames(ffmpeg, withinLimit(decoder.pictures(), source.name, limits.pixelLimit), {
        name: source.name,
        timeBase: input.stream.timeBase,
        orientation: streamOrientation(ffmpeg, input.stream.codecpar),
        deinterlace: options.deinterlace,
        size,
      }),
    async *stillPicture(path) {
      const { frame, metadata } = await createStillFrame(ffmpeg, path, source, limits.pixelLimit);
      stillMetadata ??= metadata;
      yield { frame, seconds: 0, duration: 0 };
    },
    metadata: () => opened?.metadata ?? firstMetadata ?? stillMetadata,
  };
}

/**
 * The metadata of a container. A source that can't be opened again lists its other contents in it, which are reported
 * as left out.
 */
async function describeInput(
  ffmpeg: Ffmpeg,
  source: ResolvedSource,
  input: Input,
  live: boolean,
): Promise<VideoMetadata> {
  const { format, stream } = input;
  const path = source.kind === 'pictures' ? null : input.path;
  const kind = source.kind === 'pipe' ? 'file' : source.kind;
  const metadata = readMetadata(ffmpeg, format, stream, { source: source.name, path, kind, live });
  if (path !== null || (source.kind !== 'pipe' && source.kind !== 'stream')) return metadata;
  const others = otherStreams(ffmpeg, format, stream);
  const chapters = source.kind === 'pipe' ? await readChapters(ffmpeg, format) : [];
  if (chapters.length > 0) others.push({ kind: 'chapters', codec: 'none' });
  return others.length > 0 ? { ...metadata, otherStreams: others } : metadata;
}

/** Passes pictures on; throws if their size exceeds the limit in the middle of the source. */
async function* withinLimit(
  pictures: AsyncIterable<Decoded>,
  name: string,
  limit: number,
): AsyncGenerator<Decoded, void> {
  for await (const picture of pictures) {
    try {
      checkPixels(name, picture.frame, limit);
    } catch (error) {
      picture.frame.free();
      throw error;
    }
    yield picture;
  }
}
