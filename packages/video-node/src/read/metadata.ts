import type { CodecParameters, FormatContext, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { parseHdrMetadata, type HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import { orientationOf, turnsSideways, type Orientation } from '../ffmpeg/orientation.ts';

/** A fraction, such as a time base of `num / den` seconds per tick. */
export interface Fraction {
  readonly num: number;
  readonly den: number;
}

/** FFmpeg's numbers for the meaning of the samples; they pass unchanged from source to output. */
export interface ColorTags {
  readonly range: number;
  readonly space: number;
  readonly primaries: number;
  readonly transfer: number;
  readonly chromaLocation: number;
}

/** A stream besides the video stream. */
export interface SideStream {
  /** Index among the streams of the container. */
  readonly index: number;
  /** FFmpeg's name of the codec: `aac`, `opus`, `mov_text`, … */
  readonly codec: string;
  /** The container's language tag, if there is one. */
  readonly language?: string;
}

/** Anything besides the video's pictures, audio and subtitles: a further stream, its alpha channel or its chapters. */
export interface OtherStream {
  readonly kind: 'video' | 'cover' | 'attachment' | 'data' | 'chapters' | 'alpha';
  /** FFmpeg's name of the codec; `none` for chapters. */
  readonly codec: string;
}

/** What is known of a video once its first frame is decoded. */
export interface VideoMetadata {
  /** The source's name in messages. */
  readonly source: string;
  /**
   * The file that can be opened again for audio and subtitles; null for pipes that are read directly, pictures and live
   * sources.
   */
  readonly path: string | null;
  readonly kind: 'file' | 'pictures' | 'camera' | 'stream' | 'lavfi';
  /** Pixels of the upright picture: rotation metadata is applied. */
  readonly width: number;
  readonly height: number;
  /** Nominal frames per second (fps); null if the container states none. Use `timestamp` for times, not this. */
  readonly fps: number | null;
  /** Frames in the container; null if it does not state them. */
  readonly frameCount: number | null;
  /** Seconds; null if unknown (cameras, streams, files that are still being written). */
  readonly duration: number | null;
  /** FFmpeg's name of the codec and of the pixel format. */
  readonly codec: string;
  readonly pixelFormat: string;
  /** FFmpeg's names of the container (`mov,mp4,m4a,…`). */
  readonly container: string;
  /** Clockwise rotation that was applied, and whether the picture was mirrored. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
  readonly timeBase: Fraction;
  /** Time of the first frame on the container's clock, in seconds. */
  readonly startTime: number;
  readonly sampleAspectRatio: Fraction;
  readonly color: ColorTags;
  /** HDR metadata (mastering display and brightness), if the video has any. */
  readonly hdr?: HdrMetadata;
  readonly audioStreams: readonly SideStream[];
  readonly subtitleStreams: readonly SideStream[];
  /** Other contents of a container that can't be opened again; they are missing in the output. */
  readonly otherStreams?: readonly OtherStream[];
  /** Whether the source has no known end and late frames are useless: cameras and streams. */
  readonly live: boolean;
}

/** Reads the container's description of its video stream. */
export function readMetadata(
  ffmpeg: Ffmpeg,
  format: FormatContext,
  stream: Stream,
  source: Pick<VideoMetadata, 'source' | 'path' | 'kind' | 'live'>,
): VideoMetadata {
  const { codecpar } = stream;
  const orientation = streamOrientation(ffmpeg, codecpar);
  const sideways = turnsSideways(orientation);
  const duration = streamDuration(ffmpeg, format, stream);
  const aspect = codecpar.sampleAspectRatio;
  const { AV_PKT_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_CONTENT_LIGHT_LEVEL } = ffmpeg.constants;
  const hdr = parseHdrMetadata(
    codecpar.getCodedSideData(AV_PKT_DATA_MASTERING_DISPLAY_METADATA),
    codecpar.getCodedSideData(AV_PKT_DATA_CONTENT_LIGHT_LEVEL),
  );
  const sar = aspect.num > 0 && aspect.den > 0 ? { num: aspect.num, den: aspect.den } : { num: 1, den: 1 };
  return {
    ...source,
    width: sideways ? codecpar.height : codecpar.width,
    height: sideways ? codecpar.width : codecpar.height,
    fps: nominalRate(stream),
    frameCount: stream.nbFrames > 0n ? Number(stream.nbFrames) : null,
    duration: source.live ? null : duration,
    codec: ffmpeg.avGetCodecName(codecpar.codecId) ?? 'unknown',
    pixelFormat: ffmpeg.avGetPixFmtName(codecpar.format as never) ?? 'unknown',
    container: format.iformat?.name ?? 'unknown',
    rotation: orientation.rotation,
    mirrored: orientation.mirrored,
    timeBase: { num: stream.timeBase.num, den: stream.timeBase.den },
    startTime:
      stream.startTime !== ffmpeg.constants.AV_NOPTS_VALUE
        ? (Number(stream.startTime) * stream.timeBase.num) / stream.timeBase.den
        : 0,
    sampleAspectRatio: sideways ? { num: sar.den, den: sar.num } : sar,
    color: {
      range: codecpar.colorRange,
      space: codecpar.colorSpace,
      primaries: codecpar.colorPrimaries,
      transfer: codecpar.colorTrc,
      chromaLocation: codecpar.chromaLocation,
    },
    ...(hdr && { hdr }),
    audioStreams: sideStreams(ffmpeg, format, ffmpeg.constants.AVMEDIA_TYPE_AUDIO),
    subtitleStreams: sideStreams(ffmpeg, format, ffmpeg.constants.AVMEDIA_TYPE_SUBTITLE),
  };
}

/** The orientation that the container states for its pictures. */
export function streamOrientation({ constants }: Ffmpeg, codecpar: CodecParameters): Orientation {
  return orientationOf(codecpar.getCodedSideData(constants.AV_PKT_DATA_DISPLAYMATRIX));
}

/** Duration of the video stream in seconds, else of the whole file; null if neither is known. */
export function streamDuration({ constants }: Ffmpeg, format: FormatContext, stream: Stream): number | null {
  if (stream.duration !== constants.AV_NOPTS_VALUE && stream.duration > 0n)
    return (Number(stream.duration) * stream.timeBase.num) / stream.timeBase.den;
  return format.duration !== constants.AV_NOPTS_VALUE && format.duration > 0n ? Number(format.duration) / 1e6 : null;
}

// Containers with millisecond timestamps report a rate of 1000 if they have no other.
function nominalRate(stream: Stream): number | null {
  for (const { num, den } of [stream.avgFrameRate, stream.rFrameRate]) {
    if (num > 0 && den > 0 && num / den < 500) return num / den;
  }
  return null;
}

function sideStreams(ffmpeg: Ffmpeg, format: FormatContext, type: number): SideStream[] {
  return format.streams
    .filter(({ codecpar }) => codecpar.codecType === type)
    .map(({ index, codecpar, metadata }) => {
      const language = metadata?.get('language');
      return { index, codec: ffmpeg.avGetCodecName(codecpar.codecId) ?? 'unknown', ...(language ? { language } : {}) };
    });
}

/** The contents of a container besides its pictures, audio and subtitles. */
export function otherStreams(ffmpeg: Ffmpeg, format: FormatContext, pictures: Stream): OtherStream[] {
  const { AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_SUBTITLE, AVMEDIA_TYPE_ATTACHMENT } = ffmpeg.constants;
  return format.streams.flatMap((stream): OtherStream[] => {
    const type = stream.codecpar.codecType;
    const codec = ffmpeg.avGetCodecName(stream.codecpar.codecId) ?? 'unknown';
    if (stream.index === pictures.index) return hasAlpha(ffmpeg, stream) ? [{ kind: 'alpha', codec }] : [];
    if (type === AVMEDIA_TYPE_AUDIO || type === AVMEDIA_TYPE_SUBTITLE) return [];
    if (stream.hasDisposition(ffmpeg.constants.AV_DISPOSITION_ATTACHED_PIC)) return [{ kind: 'cover', codec }];
    if (type === AVMEDIA_TYPE_VIDEO) return [{ kind: 'video', codec }];
    return [{ kind: type === AVMEDIA_TYPE_ATTACHMENT ? 'attachment' : 'data', codec }];
  });
}

/** Whether the pictures have transparency, as far as the container states it. */
export function hasAlpha(ffmpeg: Ffmpeg, { codecpar, metadata }: Stream): boolean {
  const name = ffmpeg.avGetPixFmtName(codecpar.format as never) ?? '';
  return /^(yuva|gbrap|ya\d|rgba|bgra|argb|abgr)/.test(name) || metadata?.get('alpha_mode') === '1';
}
