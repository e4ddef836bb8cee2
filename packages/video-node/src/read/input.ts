import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import type { FormatContext, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { failure, ffmpegMessage } from '../ffmpeg/errors.ts';
import type { ResolvedSource } from './source.ts';

/** A container opened for reading, and its stream of pictures. */
export interface Input {
  readonly format: FormatContext;
  readonly stream: Stream;
  /** Interrupts what is being read and closes the container. */
  close(): Promise<void>;
}

/** One container: what a `ResolvedSource` names, a folder of pictures being one for each. */
export type Container = Exclude<ResolvedSource, { kind: 'pictures' }>;

/** Asked of a camera; unnoticed by other sources. */
export interface CaptureOptions {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
}

// A stream that says nothing for so long is lost.
const SILENCE_US = 10_000_000;

/**
 * Opens a container and finds its pictures. Throws `VIDEO_UNREADABLE` for what is no video, `VIDEO_NO_PICTURES` for sound alone,
 * `VIDEO_TRUNCATED` for an MP4 without its index, `STREAM_UNREACHABLE` and `CAMERA_UNAVAILABLE` by kind, `NOT_FOUND`, `NO_ACCESS`.
 */
export async function openInput(ffmpeg: Ffmpeg, source: Container, capture: CaptureOptions = {}, signal?: AbortSignal): Promise<Input> {
  const { constants, FormatContext, InputFormat, Dictionary } = ffmpeg;
  signal?.throwIfAborted();
  const format = new FormatContext();
  format.allocContext();
  const interrupt = () => format.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let opened = false;
  try {
    const { url, name, options } = address(source, capture);
    const demuxer = name ? InputFormat.findInputFormat(name) : null;
    if (name && !demuxer) throw new FaceDetError('CAMERA_UNSUPPORTED', `${source.name}: this build of FFmpeg has no input ${name}. Give a stream's URL instead.`);
    const dictionary = Dictionary.fromObject(options);
    const result = await format.openInput(url, demuxer, dictionary);
    dictionary.free();
    signal?.throwIfAborted();
    if (result < 0) throw await openingFailure(ffmpeg, source, result);
    opened = true;
    const found = await format.findStreamInfo(null);
    signal?.throwIfAborted();
    if (found < 0) throw failure(ffmpeg, found, 'VIDEO_UNREADABLE', `${source.name}: expected a video, its streams can't be read`);
    const stream = pictures(ffmpeg, format, source);
    for (const other of format.streams) {
      // Sound is read only where its end tells whether the file is whole; an MP4's pictures have a length of their own.
      if (other.index !== stream.index && (source.kind !== 'file' || (format.iformat?.name ?? '').includes('mov'))) other.discard = constants.AVDISCARD_ALL;
    }
    let closed: Promise<void> | undefined;
    const close = () => {
      signal?.removeEventListener('abort', interrupt);
      return (closed ??= format.closeInput());
    };
    return { format, stream, close };
  } catch (error) {
    signal?.removeEventListener('abort', interrupt);
    if (opened) await format.closeInput();
    else format.freeContext();
    throw error;
  }
}

function address(source: Container, { width, height, fps }: CaptureOptions): { url: string; name?: string; options: Record<string, string> } {
  if (source.kind === 'lavfi') return { url: source.graph, name: 'lavfi', options: {} };
  // With its protocol named, a path of whatever characters is never taken for an address.
  if (source.kind === 'file') return { url: `file:${resolve(source.path)}`, options: {} };
  if (source.kind === 'camera') {
    const options: Record<string, string> = {};
    if (width && height) options.video_size = `${width}x${height}`;
    if (fps) options.framerate = String(fps);
    else if (source.format === 'avfoundation') options.framerate = '30';
    return { url: source.device, name: source.format, options };
  }
  const { url } = source;
  if (/^rtsps?:/i.test(url)) return { url, options: { rtsp_transport: 'tcp', timeout: String(SILENCE_US) } };
  if (/^https?:/i.test(url)) return { url, options: { reconnect: '1', reconnect_on_network_error: '1', reconnect_delay_max: '4', rw_timeout: String(SILENCE_US) } };
  return { url, options: { rw_timeout: String(SILENCE_US) } };
}

function pictures({ constants, avGetCodecName }: Ffmpeg, format: FormatContext, source: Container): Stream {
  const index = format.findBestStream(constants.AVMEDIA_TYPE_VIDEO, -1, -1);
  const stream = index >= 0 ? format.streams[index] : undefined;
  const kinds = format.streams.map(({ codecpar }) => avGetCodecName(codecpar.codecId) ?? 'unknown').join(', ') || 'none';
  // A cover is a picture, not a film; FFmpeg reads a text of any kind as the screen of a terminal.
  if (!stream || stream.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC)) throw new FaceDetError('VIDEO_NO_PICTURES', `${source.name}: expected a stream of pictures, found only: ${kinds}.`);
  if (stream.codecpar.codecId === constants.AV_CODEC_ID_ANSI) throw new FaceDetError('VIDEO_UNREADABLE', `${source.name}: expected a video, found a text.`);
  return stream;
}

async function openingFailure(ffmpeg: Ffmpeg, source: Container, code: number): Promise<FaceDetError> {
  const reason = ffmpegMessage(ffmpeg, code);
  const cause = ffmpeg.FFmpegError.fromCode(code) ?? undefined;
  if (source.kind === 'stream') return new FaceDetError('STREAM_UNREACHABLE', `${source.name}: the stream does not open: ${reason}. Check the address and that it is being sent.`, { cause });
  if (source.kind === 'camera') return new FaceDetError('CAMERA_UNAVAILABLE', `${source.name} (${source.device}) does not open: ${reason}. Check that it is connected and not in use.`, { cause });
  if (source.kind === 'lavfi') return new FaceDetError('INVALID_ARGUMENT', `${source.name}: FFmpeg knows no such test source: ${reason}.`, { cause });
  if (await isMp4(source.path)) return new FaceDetError('VIDEO_TRUNCATED', `${source.name}: expected a whole MP4, its index (moov) is missing or broken: the file was cut off or is still being written.`, { cause });
  return failure(ffmpeg, code, 'VIDEO_UNREADABLE', `${source.name}: expected a video, the file is none that FFmpeg knows, or is broken`);
}

async function isMp4(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(12), 0, 12, 0);
    return bytesRead === 12 && buffer.toString('latin1', 4, 8) === 'ftyp';
  } finally {
    await file.close();
  }
}
