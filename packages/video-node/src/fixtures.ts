import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PixelBuffer } from '@facedet/core';
import type { CodecContext } from 'node-av/lib';
import { colorTagsOf, setColorTags } from './ffmpeg/colors.ts';
import { loadFfmpeg, type Ffmpeg } from './ffmpeg/load.ts';
import type { ColorTags } from './read/metadata.ts';
import { openVideo, type OpenVideoOptions } from './read/open-video.ts';
import type { VideoSource } from './read/source.ts';
import { createVideoWriter, type VideoWriterOptions } from './write/writer.ts';

/** Real videos, for tests that need them. */
export const shared = fileURLToPath(new URL('../../../../shared/', import.meta.url));
export const hasShared = existsSync(join(shared, 'video'));
if (!hasShared) process.stderr.write(`Tests with real videos are skipped: ${shared}video does not exist.\n`);

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'facedet-video-'));
}

/** A picture that encodes its number in the brightness of its left half and a blue bar that moves in the right half. */
export function numberedPicture(index: number, width: number, height: number): PixelBuffer {
  const data = new Uint8Array(width * height * 3);
  const bar = width / 2 + ((index * 4) % (width / 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      data[at] = x < width / 2 ? 40 + 2 * (index % 90) : (x * 255) / width;
      data[at + 1] = data[at]!;
      data[at + 2] = x >= bar && x < bar + 4 ? 250 : data[at]!;
    }
  }
  return { data, width, height, format: 'rgb' };
}

/** Writes numbered pictures with these timestamps and returns the path. */
export async function writeNumbered(
  path: string,
  times: readonly number[],
  { width = 96, height = 64, ...options }: Partial<VideoWriterOptions> & { width?: number; height?: number } = {},
): Promise<string> {
  const writer = await createVideoWriter(path, { like: { width, height, fps: 25 }, crf: 8, ...options });
  for (const [index, timestamp] of times.entries())
    await writer.write({ ...numberedPicture(index, width, height), timestamp });
  await writer.finish();
  return path;
}

/** Timestamps of `count` frames at 25 fps. */
export function evenTimes(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i / 25);
}

/** Reads a video: frame times, and the brightness of the upper left corner, from which `numbersOf` gets the numbers. */
export async function show(
  source: VideoSource,
  options: OpenVideoOptions = {},
): Promise<{ indices: number[]; times: number[]; levels: number[]; error: (Error & { code?: string }) | undefined }> {
  const video = await openVideo(source, options);
  const [indices, times, levels] = [[], [], []] as [number[], number[], number[]];
  let error: (Error & { code?: string }) | undefined;
  try {
    for await (const frame of video) {
      indices.push(frame.index);
      times.push(frame.timestamp);
      const { data } = await frame.rasterize(8, 8, { region: { x: 4, y: 4, width: 16, height: 16 } });
      levels.push(Math.round(data[3 * (8 * 4 + 4)]!));
      frame.close();
    }
  } catch (reason) {
    error = reason as Error;
  }
  await video.close();
  return { indices, times, levels, error };
}

/** The numbers of the pictures that `show` read, modulo 90. */
export function numbersOf(levels: readonly number[]): number[] {
  return levels.map((level) => Math.round((level - 40) / 2));
}

/** A display matrix as containers store it. */
export function displayMatrix(a: number, b: number, c: number, d: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(36));
  [a, b, 0, c, d, 0, 0, 0, 16_384].forEach((value, i) => bytes.setInt32(4 * i, value * 65_536 || 0, true));
  return new Uint8Array(bytes.buffer);
}

interface GraphFileOptions {
  graph?: string;
  encoder: string;
  pixelFormat: string;
  frames: number;
  interlaced?: boolean;
  size?: readonly [number, number];
  matrix?: Uint8Array;
  color?: Partial<ColorTags>;
}

/** Writes a file from a filter graph: what this package itself never writes (interlaced, other containers). */
export async function writeByGraph(path: string, options: GraphFileOptions): Promise<string> {
  const { frames, matrix, color } = options;
  const ffmpeg = await loadFfmpeg();
  const { constants } = ffmpeg;
  const output = new ffmpeg.FormatContext();
  output.allocOutputContext2(null, null, path);
  const context = await openGraphEncoder(ffmpeg, options);
  const stream = output.newStream(null);
  stream.timeBase = context.timeBase;
  stream.codecpar.fromContext(context);
  if (matrix) stream.codecpar.addCodedSideData(constants.AV_PKT_DATA_DISPLAYMATRIX, Buffer.from(matrix));
  await output.openOutput();
  await output.writeHeader(null);
  const packet = new ffmpeg.Packet();
  packet.alloc();
  const drain = async () => {
    while ((await context.receivePacket(packet)) >= 0) {
      packet.streamIndex = 0;
      packet.duration = 1n;
      packet.rescaleTs(context.timeBase, stream.timeBase);
      await output.writeFrame(packet);
      packet.unref();
    }
  };
  const video = await openVideo({ lavfi: graphOf(options) }, { deinterlace: false });
  for await (const frame of video) {
    const picture = frame.native().clone()!;
    picture.pts = BigInt(frame.index);
    if (color) setColorTags(picture, { ...colorTagsOf(picture), ...color });
    await context.sendFrame(picture);
    picture.free();
    await drain();
    frame.close();
    if (frame.index + 1 >= frames) break;
  }
  await context.sendFrame(null);
  await drain();
  await output.writeTrailer();
  await output.closeOutput();
  output.freeContext();
  context.freeContext();
  packet.free();
  return path;
}

function graphOf({ graph, pixelFormat, interlaced, size: [width, height] = GRAPH_SIZE }: GraphFileOptions): string {
  const pattern = graph ?? `testsrc2=size=${width}x${height}:rate=25`;
  return `${pattern},format=${pixelFormat}${interlaced ? ',setfield=tff' : ''}`;
}

const GRAPH_SIZE = [128, 96] as const;

async function openGraphEncoder(
  ffmpeg: Ffmpeg,
  { encoder, pixelFormat, interlaced, size: [width, height] = GRAPH_SIZE, color }: GraphFileOptions,
): Promise<CodecContext> {
  const { constants } = ffmpeg;
  const context = new ffmpeg.CodecContext();
  const codec = ffmpeg.Codec.findEncoderByName(encoder as never)!;
  context.allocContext3(codec);
  context.width = width;
  context.height = height;
  context.pixelFormat = ffmpeg.avGetPixFmtFromName(pixelFormat);
  context.timeBase = new ffmpeg.Rational(1, 25);
  context.framerate = new ffmpeg.Rational(25, 1);
  if (interlaced) context.setFlags(constants.AV_CODEC_FLAG_INTERLACED_DCT);
  if (color?.range !== undefined) context.colorRange = color.range as never;
  if (color?.space !== undefined) context.colorSpace = color.space as never;
  if (color?.primaries !== undefined) context.colorPrimaries = color.primaries as never;
  if (color?.transfer !== undefined) context.colorTrc = color.transfer as never;
  const opened = await context.open2(codec, null);
  if (opened < 0) throw new Error(`${encoder}: ${ffmpeg.FFmpegError.strerror(opened)}`);
  return context;
}
