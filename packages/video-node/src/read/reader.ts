import type { Frame as NativeFrame } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { VideoMetadata } from './metadata.ts';
import { readFile } from './read-file.ts';
import { readFolder } from './read-folder.ts';
import { connect, readLive } from './read-live.ts';
import type { ReaderOptions } from './reader-options.ts';
import { createSession, type Placed } from './session.ts';
import type { ResolvedSource } from './source.ts';
import { needsStillDecoder } from './still-image.ts';

/** Reads a source from its first frame, or from the frame after `after`. */
export interface Reader {
  readonly frames: AsyncGenerator<Placed, void>;
  /** The source's metadata; undefined before the first frame. */
  metadata(): VideoMetadata | undefined;
}

export function createReader(ffmpeg: Ffmpeg, source: ResolvedSource, options: ReaderOptions): Reader {
  const { after } = options;
  const session = createSession(ffmpeg, source, options);
  let metadata: VideoMetadata | undefined;
  const frameTime = () => 1 / (metadata?.fps ?? 25);

  async function* frames(): AsyncGenerator<Placed, void> {
    try {
      for await (const placed of places()) {
        metadata ??= describe(placed.frame);
        yield placed;
      }
    } finally {
      await session.close();
    }
  }

  async function* places(): AsyncGenerator<Placed, void> {
    if (source.kind === 'pictures') return yield* readFolder(ffmpeg, session, source.paths, options);
    if (source.kind === 'file' && (await needsStillDecoder(source.path))) {
      if (after) return;
      for await (const { frame } of session.stillPicture(source.path))
        yield { frame, index: 0, timestamp: 0, duration: 0 };
      return;
    }
    const start = await connect(session, source, options);
    if (start.metadata.live) yield* readLive(session, source, { ...options, start, frameTime });
    else yield* readFile(ffmpeg, session, source, { start, after, frameTime });
  }

  function describe(frame: NativeFrame): VideoMetadata {
    const stated = session.metadata()!;
    return {
      ...stated,
      ...(source.kind === 'pictures' && folderTiming(source.paths.length, options.pictureRate)),
      startTime: session.origin ?? stated.startTime,
      ...pictureProperties(ffmpeg, frame, stated),
    };
  }

  return { frames: frames(), metadata: () => metadata };
}

function folderTiming(pictures: number, rate: number) {
  return { fps: rate, frameCount: pictures, duration: pictures / rate, timeBase: { num: 1, den: 90_000 } };
}

/** The first picture's properties, which are more reliable than the container's description. */
function pictureProperties(ffmpeg: Ffmpeg, frame: NativeFrame, { color, ...stated }: VideoMetadata) {
  const { constants } = ffmpeg;
  const { num, den } = frame.sampleAspectRatio;
  return {
    width: frame.width,
    height: frame.height,
    pixelFormat: ffmpeg.avGetPixFmtName(frame.format as never) ?? stated.pixelFormat,
    sampleAspectRatio: num > 0 && den > 0 ? { num, den } : stated.sampleAspectRatio,
    color: {
      range: color.range || frame.colorRange,
      space: color.space !== constants.AVCOL_SPC_UNSPECIFIED ? color.space : frame.colorSpace,
      primaries: color.primaries !== constants.AVCOL_PRI_UNSPECIFIED ? color.primaries : frame.colorPrimaries,
      transfer: color.transfer !== constants.AVCOL_TRC_UNSPECIFIED ? color.transfer : frame.colorTrc,
      chromaLocation: color.chromaLocation || frame.chromaLocation,
    },
  };
}
