import { rm } from 'node:fs/promises';
import { openOutput, type OutputFile } from '@facedet/files';
import type { HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { ColorTags, VideoMetadata } from '../read/metadata.ts';
import { openEncoder, type VideoEncoder } from './encoder.ts';
import { createMuxer, readFormer, type Muxer, type MuxerOptions } from './muxer.ts';
import type { PictureFormat } from './output-plan.ts';
import type { VideoWriterOptions } from './writer-options.ts';
import { isIsoContainer } from './containers.ts';

/** The open parts of an output. */
export interface OutputParts {
  readonly encoder: VideoEncoder;
  readonly file: OutputFile;
  readonly muxer: Muxer;
  /** Frames that were copied from the file of an interrupted run. */
  readonly resumed: number;
}

/** What is opened. */
export interface OutputPartsOptions {
  readonly path: string;
  readonly partialPath: string;
  /** The file of an interrupted run. */
  readonly former: string | undefined;
  readonly like: VideoMetadata;
  readonly format: PictureFormat;
  /** Color tags of the output. */
  readonly color: ColorTags;
  readonly hdr: HdrMetadata | undefined;
  readonly threads: number;
  readonly options: VideoWriterOptions;
}

/** Opens encoder, partial file and muxer, and copies the frames of an interrupted run. On failure, all are closed. */
export async function openOutputParts(ffmpeg: Ffmpeg, output: OutputPartsOptions): Promise<OutputParts> {
  const { path, partialPath, former, like, format, color, hdr, threads, options } = output;
  const { container, timeBase } = format;
  const { codec, bitDepth, width, height, fps } = format;
  const encoder = await openEncoder(ffmpeg, {
    codec,
    bitDepth,
    width,
    height,
    timeBase,
    fps,
    sampleAspectRatio: like.sampleAspectRatio,
    color,
    hdr,
    crf: options.crf,
    preset: options.preset,
    threads,
    reorder: isIsoContainer(container),
  });
  // FFmpeg writes to the file that is exclusively created here.
  const file = openPartial(path, encoder.close);
  const muxer = await createMuxer(ffmpeg, {
    path: partialPath,
    container,
    encoder: encoder.context,
    timeBase,
    hdr,
    sides: sidesOf(like, options),
  }).catch((error: unknown) => {
    encoder.close();
    file.discard();
    throw error;
  });
  try {
    const resumed = former ? await resume() : 0;
    return { encoder, file, muxer, resumed };
  } catch (error) {
    encoder.close();
    await muxer.close();
    file.discard();
    throw error;
  }

  async function resume(): Promise<number> {
    const frames = await readFormer(ffmpeg, former!, { path, container, encoder: encoder.context }, (packet) =>
      muxer.write(packet),
    );
    await muxer.cut();
    await rm(former!, { force: true });
    return frames;
  }
}

/** The source of audio and subtitles; undefined if it can't be opened again. */
function sidesOf({ path, startTime }: VideoMetadata, options: VideoWriterOptions): MuxerOptions['sides'] {
  if (path === null) return undefined;
  return {
    path,
    audio: options.audio ?? true,
    subtitles: options.subtitles ?? true,
    metadata: options.keepMetadata ?? true,
    startTime,
  };
}

/** Creates the partial file; on failure, closes the encoder. */
function openPartial(path: string, close: () => void): OutputFile {
  try {
    return openOutput(path, { media: true, isLocked: true });
  } catch (error) {
    close();
    throw error;
  }
}
