import type { YuvPlanes } from '@facedet/draw';
import type { Frame as NativeFrame } from 'node-av/lib';
import { setColorTags } from '../ffmpeg/colors.ts';
import { takeDynamicHdr } from '../ffmpeg/hdr-metadata.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { ColorTags, VideoMetadata } from '../read/metadata.ts';
import type { EditContext } from './edit-context.ts';
import { createEncodeQueue } from './encode-queue.ts';
import { hdrLosses } from './hdr-losses.ts';
import type { OutputParts } from './output-parts.ts';
import type { PictureFormat } from './output-plan.ts';
import { createPictureConverter } from './picture-converter.ts';
import type { ToneMapper } from './tone-map.ts';
import { planesOf } from './yuv-planes.ts';

/** Changes the planes of a picture before it is encoded. */
export type Edit = (planes: YuvPlanes) => void | Promise<void>;

/** The times of a frame, in seconds. */
export interface FrameTimes {
  readonly timestamp: number;
  readonly duration: number | undefined;
  /** The time on the source's clock that is second 0 of the output. */
  readonly clockOrigin: number | undefined;
}

/** Converts, edits and encodes pictures. It serves one call at a time. */
export interface PictureWriter {
  /** Frames in the file, including those of a resumed run. */
  readonly frames: number;
  /** Throws the error of an earlier picture. */
  rethrow(): void;
  /** Writes a picture, which it frees. Waits while the encoder is behind. */
  write(source: NativeFrame, times: FrameTimes, edit: Edit | undefined): Promise<void>;
  /** Ends the file and closes all parts; `rest` as for the muxer's `end`. */
  end(rest: boolean): Promise<void>;
}

/** Options of `createPictureWriter`. */
export interface PictureWriterOptions {
  readonly parts: OutputParts;
  readonly format: PictureFormat;
  readonly like: VideoMetadata;
  /** Color tags of the output. */
  readonly color: ColorTags;
  readonly toneMapper: ToneMapper | undefined;
  readonly editing: EditContext;
  /** Converts errors of the encoder and the muxer. */
  readonly describe: (error: unknown) => unknown;
}

// Maximum number of pictures that wait for the encoder.
const QUEUE = 3;

/** Creates a picture writer for open parts. */
export function createPictureWriter(ffmpeg: Ffmpeg, options: PictureWriterOptions): PictureWriter {
  const { format, like, color, toneMapper, editing, describe } = options;
  const { encoder, muxer, resumed } = options.parts;
  const { bitDepth, sourceColor, fps } = format;
  const inputDepth = toneMapper ? 10 : bitDepth;
  const converter = createPictureConverter(ffmpeg, { ...format, bitDepth: inputDepth, color: sourceColor });
  const hdrLoss = hdrLosses(muxer.leftOut, bitDepth === 8 && !toneMapper ? like.hdr : undefined);
  const queue = createEncodeQueue(QUEUE, describe);
  const timeBase = new ffmpeg.Rational(format.timeBase.num, format.timeBase.den);
  const ticksOf = (seconds: number) => Math.round((seconds * format.timeBase.den) / format.timeBase.num);
  let frames = resumed;
  let last = -1n;

  /** Converts a picture to the output's format and runs its edit. */
  async function prepare(source: NativeFrame, edit: Edit | undefined): Promise<NativeFrame> {
    const dynamic = takeDynamicHdr(ffmpeg, source);
    if (!toneMapper) hdrLoss(dynamic);
    const converted = await converter.convert(source, edit !== undefined && !toneMapper);
    const picture = toneMapper ? await toneMapper.map(converted) : converted;
    try {
      setColorTags(picture, color);
      if (edit) await editing.run(() => edit(planesOf(ffmpeg, picture)));
      return picture;
    } catch (error) {
      picture.free();
      throw error;
    }
  }

  function setTimes(picture: NativeFrame, { timestamp, duration }: FrameTimes): void {
    const ticks = BigInt(ticksOf(timestamp));
    last = ticks > last ? ticks : last + 1n;
    picture.pts = last;
    picture.timeBase = timeBase;
    picture.duration = BigInt(Math.max(1, ticksOf(duration || 1 / fps)));
  }

  return {
    get frames() {
      return frames;
    },
    rethrow: queue.rethrow,
    async write(source, times, edit) {
      if (queue.hasFailed) source.free();
      queue.rethrow();
      const picture = await prepare(source, edit);
      setTimes(picture, times);
      resetType(ffmpeg, picture);
      frames++;
      if (times.clockOrigin !== undefined) muxer.moveOrigin(times.timestamp, times.clockOrigin);
      muxer.expect(picture.pts, picture.duration);
      queue.add(async () => {
        try {
          await encoder.encode(picture, (packet) => muxer.write(packet));
        } finally {
          picture.free();
        }
      });
      await queue.waitForSpace();
      queue.rethrow();
    },
    async end(rest) {
      try {
        queue.add(() => encoder.encode(null, (packet) => muxer.write(packet)));
        await queue.drained();
        queue.rethrow();
        await muxer.end(rest).catch((error: unknown) => {
          throw describe(error);
        });
      } finally {
        encoder.close();
        converter.close();
        toneMapper?.close();
        await muxer.close();
      }
    },
  };
}

/** Removes the decoder's picture type: the encoder chooses its own. */
function resetType({ constants }: Ffmpeg, picture: NativeFrame): void {
  picture.pictType = constants.AV_PICTURE_TYPE_NONE;
  picture.clearFlags(constants.AV_FRAME_FLAG_KEY, constants.AV_FRAME_FLAG_INTERLACED);
}
