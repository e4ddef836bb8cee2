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
  /** The file being read: for a spooled pipe its temporary file; null if the source can't be opened again. */
  readonly path: string | null;
  /** Interrupts reads in progress and closes the container. */
  close(): Promise<void>;
}

/** What is requested from a camera; other sources ignore it. */
export interface CaptureOptions {
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
}

/** Limits on the resources that a source may use. */
export interface InputLimits {
  /** Maximum pixels of a picture. */
  readonly pixelLimit: number;
  /** URL schemes that a stream may use besides its own. */
  readonly protocols: readonly string[];
  /** Maximum bytes of a pipe that are kept in a temporary file. */
  readonly spoolLimit: number;
  /** Time limit for finding the streams, in seconds. The default depends on the kind of source. */
  readonly analysisSeconds?: number;
}

/** Default limits. */
export const DEFAULT_LIMITS: InputLimits = { pixelLimit: 8192 * 4320, protocols: [], spoolLimit: 4 * 1024 ** 3 };

/** How a container is opened. */
export interface InputOptions {
  readonly capture?: CaptureOptions;
  readonly limits?: InputLimits;
  readonly signal?: AbortSignal;
}

// A stream that sends nothing for this long is lost.
const SILENCE_US = 10_000_000;

/** Time limits for the analysis of a container, in seconds. A pipe has none, as it may be slow. */
const ANALYSIS_SECONDS: Partial<Record<Container['kind'], number>> = { file: 15, stream: 60 };

/** Finds the streams. Throws `VIDEO_UNREADABLE` at the time limit: on some damaged files FFmpeg's search never ends. */
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
    `Expected a video but FFmpeg found no streams in ${source.name} within ${seconds} s; the source is ` +
      'damaged or too slow: convert it or use another one.',
  );
}

/**
 * Opens a container and finds its video stream. Throws `VIDEO_UNREADABLE` if it is not a video, `VIDEO_NO_PICTURES` for
 * audio only, `VIDEO_TRUNCATED` for an MP4 without its index, `STREAM_UNREACHABLE` for streams and `CAMERA_UNAVAILABLE`
 * for cameras that do not open, `NOT_FOUND`, and `NO_ACCESS`.
 */
export async function openInput(
  ffmpeg: Ffmpeg,
  source: Container,
  { capture = {}, limits = DEFAULT_LIMITS, signal }: InputOptions = {},
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
        `Expected a camera that FFmpeg can open but this build has no input ${name} for ${source.name}; use a ` +
          "stream's URL instead.",
      );
    const dictionary = Dictionary.fromObject(options);
    const result = await format.openInput(url, demuxer, dictionary);
    dictionary.free();
    signal?.throwIfAborted();
    if (result < 0) throw await openingFailure(ffmpeg, source, result);
    opened = true;
    // Analysis decodes the first picture without a limit. So a stream that states too many pixels is refused before it,
    // and a still picture, whose size only its decoder knows, is not analyzed.
    for (const { codecpar } of format.streams) checkPixels(source.name, codecpar, limits.pixelLimit);
    const found = format.iformat?.name?.endsWith('_pipe') ? 0 : await analyze(format, source, limits);
    signal?.throwIfAborted();
    if (found < 0)
      throw failure(
        ffmpeg,
        found,
        'VIDEO_UNREADABLE',
        `Expected a video but the streams of ${source.name} can't be read`,
      );
    const stream = pictures(ffmpeg, format, source);
    checkPixels(source.name, stream.codecpar, limits.pixelLimit);
    for (const other of format.streams) {
      // Audio is read only where its end shows whether the file is complete: an MP4 states the length of its pictures.
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
    // With an explicit protocol, FFmpeg never parses a path as a URL, whatever characters it has.
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
 * The demuxer by content, for files whose names would select image2, which is not allowed: FFmpeg takes a name like
 * a%d.jpg or a{b}.jpg for a pattern of many files, and ranks a picture's extension above the first bytes of a JPEG of
 * over 2 KB.
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
 * FFmpeg's `http_proxy`: the proxy that downloads use too, or an empty string to use none. Always set, as FFmpeg by
 * itself reads only the environment's `http_proxy`, for https too.
 */
function proxyOption(name: string, url: string): string {
  const proxy = proxyFor(parseUrl(url));
  if (proxy === undefined) return '';
  if (proxy.protocol === 'http:') return proxy.href;
  throw new FaceDetError(
    'STREAM_UNREACHABLE',
    `Expected an http:// proxy for ${name} but the environment sets an https:// one, which FFmpeg can't use; ` +
      'set another one, or add the host to NO_PROXY.',
  );
}

function pictures({ constants, avGetCodecName }: Ffmpeg, format: FormatContext, source: Container): Stream {
  const index = format.findBestStream(constants.AVMEDIA_TYPE_VIDEO, -1, -1);
  const stream = index >= 0 ? format.streams[index] : undefined;
  const kinds =
    format.streams.map(({ codecpar }) => avGetCodecName(codecpar.codecId) ?? 'unknown').join(', ') || 'none';
  // Tiles of one picture: the detector would see only one of them.
  if (
    format.streams.some(
      (one) =>
        one.hasDisposition(constants.AV_DISPOSITION_DEPENDENT) &&
        one.codecpar.codecType === constants.AVMEDIA_TYPE_VIDEO,
    )
  ) {
    throw new FaceDetError(
      'VIDEO_UNREADABLE',
      `Expected a video but ${source.name} is a picture made of tiles, which is read only from files; save it to a ` +
        'file first.',
    );
  }
  // Cover art is not a video, and FFmpeg reads plain text as the screen of a terminal.
  if (!stream || stream.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC))
    throw new FaceDetError(
      'VIDEO_NO_PICTURES',
      `Expected a video stream in ${source.name} but received only ${kinds}; use a file with video.`,
    );
  if (stream.codecpar.codecId === constants.AV_CODEC_ID_ANSI)
    throw new FaceDetError('VIDEO_UNREADABLE', `Expected a video but ${source.name} is a text file; use a video file.`);
  return stream;
}

async function openingFailure(ffmpeg: Ffmpeg, source: Container, code: number): Promise<FaceDetError> {
  const reason = ffmpegMessage(ffmpeg, code);
  const cause = ffmpeg.FFmpegError.fromCode(code) ?? undefined;
  if (source.kind === 'stream')
    return new FaceDetError(
      'STREAM_UNREACHABLE',
      `Expected a stream at ${source.name} but it does not open (${reason}); check the URL and that the sender runs.`,
      { cause },
    );
  if (source.kind === 'camera')
    return new FaceDetError(
      'CAMERA_UNAVAILABLE',
      `Expected ${source.name} (${source.device}) to open but it does not (${reason}); check that it is connected ` +
        'and not in use.',
      { cause },
    );
  if (source.kind === 'lavfi')
    return new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a valid FFmpeg filter graph but received ${source.name} (${reason}); check its filters and options.`,
      { cause },
    );
  if (source.kind === 'file' && (await isMp4(source.path)))
    return new FaceDetError(
      'VIDEO_TRUNCATED',
      `Expected a complete MP4 but the index (moov) of ${source.name} is missing or broken; the file was cut off or ` +
        'is still being written.',
      { cause },
    );
  return failure(
    ffmpeg,
    code,
    'VIDEO_UNREADABLE',
    `Expected a video but ${source.name} is broken or has a format that FFmpeg does not know`,
  );
}

function refused(name: string): FaceDetError {
  return new FaceDetError(
    'VIDEO_UNREADABLE',
    `Expected a video but ${name} is a playlist, a script or another format that is not allowed; use the video ` +
      'file itself.',
  );
}

async function isMp4(path: string): Promise<boolean> {
  return (await firstBytes(path, 12).catch(() => Buffer.alloc(0))).toString('latin1', 4, 8) === 'ftyp';
}
