import { extname, resolve } from 'node:path';
import { FaceDetError } from '@facedet/core';
import { firstBytes, parseUrl, PICTURE_EXTENSIONS } from '@facedet/files';
import { proxyFor } from '@facedet/http';
import type { FormatContext, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { failure, ffmpegMessage } from '../ffmpeg/errors.ts';
import { allowedFormats, allowedProtocols } from './allowed-formats.ts';
import { openPipe, type Pipe } from './pipe.ts';
import type { Container } from './source.ts';

/** A container opened for reading, and its stream of pictures. */
export interface Input {
  readonly format: FormatContext;
  readonly stream: Stream;
  /** The file that is read: for a pipe the temporary one that keeps it; null where it can't be opened again. */
  readonly path: string | null;
  /** Interrupts what is being read and closes the container. */
  close(): Promise<void>;
}

/** Asked of a camera; unnoticed by other sources. */
export interface CaptureOptions {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
}

/** What a source may ask of the process. */
export interface InputLimits {
  /** Pixels of a picture at most. */
  readonly pixelLimit: number;
  /** URL schemes that a stream may use beside its own. */
  readonly protocols: readonly string[];
  /** Bytes of a pipe that are kept in a temporary file at most. */
  readonly spoolLimit: number;
  /** Seconds that finding the streams may take. By default it depends on the kind of source. */
  readonly analysisSeconds?: number;
}

/** Limits where nothing else is asked for. */
export const DEFAULT_LIMITS: InputLimits = { pixelLimit: 8192 * 4320, protocols: [], spoolLimit: 4 * 1024 ** 3 };

// A stream that says nothing for so long is lost.
const SILENCE_US = 10_000_000;

/** Seconds that the analysis of a container may take. A pipe may be slow. */
const ANALYSIS_SECONDS: Partial<Record<Container['kind'], number>> = { file: 15, stream: 60 };

/** Finds the streams. With some damage FFmpeg searches for ever: throws `VIDEO_UNREADABLE` then. */
async function analyze(format: FormatContext, source: Container, limits: InputLimits): Promise<number> {
  const seconds = limits.analysisSeconds ?? ANALYSIS_SECONDS[source.kind];
  let isLate = false;
  const stop = () => {
    isLate = true;
    format.interrupt();
  };
  const timer = seconds === undefined ? undefined : setTimeout(stop, 1000 * seconds);
  try {
    const found = await format.findStreamInfo(null);
    if (!isLate) return found;
  } finally {
    clearTimeout(timer);
  }
  throw new FaceDetError(
    'VIDEO_UNREADABLE',
    `Expected a video but the streams of ${source.name} are not found within ${seconds} s; it is broken: ` +
      'convert it, or name another.',
  );
}

/**
 * Opens a container and finds its pictures. Throws `VIDEO_UNREADABLE` for what is no video, `VIDEO_NO_PICTURES` for
 * sound alone, `VIDEO_TRUNCATED` for an MP4 without its index, `STREAM_UNREACHABLE` and `CAMERA_UNAVAILABLE` by kind,
 * `NOT_FOUND`, `NO_ACCESS`.
 */
export async function openInput(
  ffmpeg: Ffmpeg,
  source: Container,
  capture: CaptureOptions = {},
  limits: InputLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<Input> {
  const { constants, FormatContext, InputFormat, Dictionary } = ffmpeg;
  signal?.throwIfAborted();
  const pipe = source.kind === 'pipe' ? await openPipe(ffmpeg, source, limits.spoolLimit, signal) : undefined;
  const format = new FormatContext();
  format.allocContext();
  const interrupt = () => format.interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let opened = false;
  try {
    const { url, name, options } = await address(ffmpeg, source, capture, pipe);
    const demuxer = name ? InputFormat.findInputFormat(name) : null;
    options.format_whitelist = allowedFormats(source);
    options.protocol_whitelist = allowedProtocols(source, limits.protocols);
    if (pipe?.io) format.pb = pipe.io;
    if (name && !demuxer)
      throw new FaceDetError(
        'CAMERA_UNSUPPORTED',
        `${source.name}: this build of FFmpeg has no input ${name}. Give a stream's URL instead.`,
      );
    const dictionary = Dictionary.fromObject(options);
    const result = await format.openInput(url, demuxer, dictionary);
    dictionary.free();
    signal?.throwIfAborted();
    if (result < 0) throw await openingFailure(ffmpeg, source, result);
    opened = true;
    // Analysis decodes the first picture without a limit: what states too many pixels is refused before, and a still
    // picture, which states them only to its decoder, is not analyzed.
    for (const { codecpar } of format.streams) checkPixels(source.name, codecpar, limits.pixelLimit);
    const found = format.iformat?.name?.endsWith('_pipe') ? 0 : await analyze(format, source, limits);
    signal?.throwIfAborted();
    if (found < 0)
      throw failure(ffmpeg, found, 'VIDEO_UNREADABLE', `${source.name}: expected a video, its streams can't be read`);
    const stream = pictures(ffmpeg, format, source);
    checkPixels(source.name, stream.codecpar, limits.pixelLimit);
    for (const other of format.streams) {
      // Sound is read only where its end tells whether the file is whole; an MP4's pictures have a length of their own.
      if (other.index !== stream.index && (source.kind !== 'file' || (format.iformat?.name ?? '').includes('mov')))
        other.discard = constants.AVDISCARD_ALL;
    }
    let closed: Promise<void> | undefined;
    const close = () => {
      signal?.removeEventListener('abort', interrupt);
      return (closed ??= format.closeInput().finally(() => pipe?.close()));
    };
    return { format, stream, path: source.kind === 'file' ? source.path : (pipe?.path ?? null), close };
  } catch (error) {
    signal?.removeEventListener('abort', interrupt);
    if (opened) await format.closeInput();
    else format.freeContext();
    await pipe?.close();
    throw error;
  }
}

/** Throws `IMAGE_TOO_LARGE` for a picture of more than `limit` pixels. */
export function checkPixels(name: string, { width, height }: { width: number; height: number }, limit: number): void {
  if (width * height <= limit) return;
  throw new FaceDetError(
    'IMAGE_TOO_LARGE',
    `Expected pictures of at most ${limit.toLocaleString('en')} pixels but ${name} has ${width} × ${height}; ` +
      'scale it down, or raise pixelLimit where you trust it.',
  );
}

interface Address {
  readonly url: string;
  readonly name?: string;
  readonly options: Record<string, string>;
}

async function address(
  { InputFormat }: Ffmpeg,
  source: Container,
  { width, height, fps }: CaptureOptions,
  pipe?: Pipe,
): Promise<Address> {
  if (source.kind === 'lavfi') return { url: source.graph, name: 'lavfi', options: {} };
  if (source.kind === 'pipe') return { url: pipe!.path === null ? '' : `file:${pipe!.path}`, options: {} };
  if (source.kind === 'file') {
    // With its protocol named, a path of whatever characters is never taken for an address.
    const url = `file:${resolve(source.path)}`;
    const name = await formatByContent(InputFormat, source, url);
    if (
      name &&
      !allowedFormats(source)
        .split(',')
        .some((allowed) => name.split(',').includes(allowed))
    )
      throw refused(source.name);
    return { url, ...(name ? { name: name.split(',')[0]! } : {}), options: {} };
  }
  if (source.kind === 'camera') {
    const options: Record<string, string> = {};
    if (width && height) options.video_size = `${width}x${height}`;
    if (fps) options.framerate = String(fps);
    else if (source.format === 'avfoundation') options.framerate = '30';
    return { url: source.device, name: source.format, options };
  }
  const { url } = source;
  if (/^rtsps?:/i.test(url)) return { url, options: { rtsp_transport: 'tcp', timeout: String(SILENCE_US) } };
  if (/^https?:/i.test(url))
    return {
      url,
      options: {
        reconnect: '1',
        reconnect_delay_max: '4',
        rw_timeout: String(SILENCE_US),
        http_proxy: proxyOption(source.name, url),
      },
    };
  return { url, options: { rw_timeout: String(SILENCE_US) } };
}

// Stereo JPEGs have names of their own.
const IMAGE2_EXTENSIONS = new Set([...PICTURE_EXTENSIONS, '.jps', '.mpo']);

/**
 * Where content alone has to choose the demuxer: a name like a%d.jpg or a{b}.jpg is a pattern of many files to FFmpeg,
 * and a picture's extension counts more for it than what a JPEG of over 2 KB begins with: both mean image2, which is
 * not allowed.
 */
async function formatByContent(
  InputFormat: Ffmpeg['InputFormat'],
  { path }: { readonly path: string },
  url: string,
): Promise<string | undefined> {
  const isPattern = /[%*?{[]/.test(url);
  if (!isPattern && !IMAGE2_EXTENSIONS.has(extname(path).toLowerCase())) return undefined;
  const name = InputFormat.probe(await firstBytes(path, 65_536))?.name;
  return name && (isPattern || name.endsWith('_pipe')) ? name : undefined;
}

/**
 * FFmpeg's `http_proxy`: the proxy that downloads use too. Always given, as FFmpeg itself reads only `http_proxy`, and
 * that for https too; an empty one is none.
 */
function proxyOption(name: string, url: string): string {
  const proxy = proxyFor(parseUrl(url));
  if (proxy === undefined) return '';
  if (proxy.protocol === 'http:') return proxy.href;
  throw new FaceDetError(
    'STREAM_UNREACHABLE',
    `Expected an http:// proxy for ${name} but the environment names an https:// one, which FFmpeg can't use; ` +
      'set another for it, or name its host in NO_PROXY.',
  );
}

function pictures({ constants, avGetCodecName }: Ffmpeg, format: FormatContext, source: Container): Stream {
  const index = format.findBestStream(constants.AVMEDIA_TYPE_VIDEO, -1, -1);
  const stream = index >= 0 ? format.streams[index] : undefined;
  const kinds =
    format.streams.map(({ codecpar }) => avGetCodecName(codecpar.codecId) ?? 'unknown').join(', ') || 'none';
  // Tiles of one picture: any of them alone would hide the rest from the detector.
  if (
    format.streams.some(
      (one) =>
        one.hasDisposition(constants.AV_DISPOSITION_DEPENDENT) &&
        one.codecpar.codecType === constants.AVMEDIA_TYPE_VIDEO,
    )
  ) {
    throw new FaceDetError(
      'VIDEO_UNREADABLE',
      `Expected a video but ${source.name} holds a picture made of tiles, which is read from files only; save ` +
        'it and name the file.',
    );
  }
  // A cover is a picture, not a film; FFmpeg reads a text of any kind as the screen of a terminal.
  if (!stream || stream.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC))
    throw new FaceDetError('VIDEO_NO_PICTURES', `${source.name}: expected a stream of pictures, found only: ${kinds}.`);
  if (stream.codecpar.codecId === constants.AV_CODEC_ID_ANSI)
    throw new FaceDetError('VIDEO_UNREADABLE', `${source.name}: expected a video, found a text.`);
  return stream;
}

async function openingFailure(ffmpeg: Ffmpeg, source: Container, code: number): Promise<FaceDetError> {
  const reason = ffmpegMessage(ffmpeg, code);
  const cause = ffmpeg.FFmpegError.fromCode(code) ?? undefined;
  if (source.kind === 'stream')
    return new FaceDetError(
      'STREAM_UNREACHABLE',
      `${source.name}: the stream does not open: ${reason}. Check the address and that it is being sent.`,
      { cause },
    );
  if (source.kind === 'camera')
    return new FaceDetError(
      'CAMERA_UNAVAILABLE',
      `${source.name} (${source.device}) does not open: ${reason}. Check that it is connected and not in use.`,
      { cause },
    );
  if (source.kind === 'lavfi')
    return new FaceDetError('INVALID_ARGUMENT', `${source.name}: FFmpeg knows no such test source: ${reason}.`, {
      cause,
    });
  if (source.kind === 'file' && (await isMp4(source.path)))
    return new FaceDetError(
      'VIDEO_TRUNCATED',
      `${source.name}: expected a whole MP4, its index (moov) is missing or broken: the file was cut off or ` +
        'is still being written.',
      { cause },
    );
  return failure(
    ffmpeg,
    code,
    'VIDEO_UNREADABLE',
    `${source.name}: expected a video, the file is none that FFmpeg knows, or is broken`,
  );
}

function refused(name: string): FaceDetError {
  return new FaceDetError(
    'VIDEO_UNREADABLE',
    `Expected a video but ${name} holds a playlist, a script or another format that is not read; name the ` +
      'video itself.',
  );
}

async function isMp4(path: string): Promise<boolean> {
  return (await firstBytes(path, 12).catch(() => Buffer.alloc(0))).toString('latin1', 4, 8) === 'ftyp';
}
