import type { FormatContext, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Input } from '../read/input.ts';
import { hasAlpha } from '../read/metadata.ts';
import { OPAQUE, type LeftOut } from './left-out.ts';

/** The parts of the source that are written in addition to the pictures. */
export interface SideStreamOptions {
  readonly audio: boolean;
  readonly subtitles: boolean;
  /** Titles, dates, places and names of the source. */
  readonly metadata: boolean;
  /** The time on the source's clock that is second 0 of the output, in seconds. */
  readonly startTime: number;
}

/** The output that side streams are added to. */
export interface SideStreamTarget {
  readonly output: FormatContext;
  /** FFmpeg's name of the container. */
  readonly container: string;
  /** The output's video stream. */
  readonly pictures: Stream;
}

// Tags of the codecs that hold a timecode and, in QuickTime, chapter titles.
const TIMECODE = Buffer.from('tmcd').readUInt32LE();
const CHAPTER_TITLES = Buffer.from('text').readUInt32LE();

/**
 * Selects the audio and subtitle streams to write, and adds the other streams to `leftOut`. The output's video stream
 * gets the source's timecode and spherical video data.
 */
export function selectStreams(
  ffmpeg: Ffmpeg,
  { format, stream }: Input,
  target: SideStreamTarget,
  { options, leftOut }: { options: SideStreamOptions; leftOut: LeftOut[] },
): Stream[] {
  const { constants } = ffmpeg;
  const selected: Stream[] = [];
  const timecode =
    format.metadata?.get('timecode') ?? format.streams.map(({ metadata }) => metadata?.get('timecode')).find(Boolean);
  // WebM has no timecode.
  const takesTimecode = Boolean(options.metadata && timecode && target.container !== 'webm');
  for (const from of format.streams) {
    const kind = kindOf(ffmpeg, from);
    from.discard = constants.AVDISCARD_ALL;
    if (from.index === stream.index) {
      copySphericalVideo(ffmpeg, from, target.pictures);
      if (hasAlpha(ffmpeg, from)) leftOut.push({ kind: 'alpha', codec: codecNameOf(ffmpeg, from), reason: OPAQUE });
    } else if (!kind) {
      const omitted = omittedStream(ffmpeg, from, { metadata: options.metadata, takesTimecode });
      if (omitted) leftOut.push(omitted);
    } else if (options[kind]) {
      from.discard = constants.AVDISCARD_DEFAULT;
      selected.push(from);
    }
  }
  // Muxers write this tag as a timecode track or tag.
  if (options.metadata && timecode) target.pictures.metadata = ffmpeg.Dictionary.fromObject({ timecode });
  return selected;
}

/** FFmpeg's name of a stream's codec. */
export function codecNameOf({ avGetCodecName }: Ffmpeg, { codecpar }: Stream): string {
  return avGetCodecName(codecpar.codecId) ?? 'unknown';
}

/** Whether a stream is audio or subtitles; undefined for others. */
export function kindOf({ constants }: Ffmpeg, { codecpar }: Stream): 'audio' | 'subtitles' | undefined {
  if (codecpar.codecType === constants.AVMEDIA_TYPE_AUDIO) return 'audio';
  return codecpar.codecType === constants.AVMEDIA_TYPE_SUBTITLE ? 'subtitles' : undefined;
}

function copySphericalVideo({ constants }: Ffmpeg, from: Stream, to: Stream): void {
  for (const kind of [constants.AV_PKT_DATA_SPHERICAL, constants.AV_PKT_DATA_STEREO3D]) {
    const data = from.codecpar.getCodedSideData(kind);
    if (data) to.codecpar.addCodedSideData(kind, data);
  }
}

/** Why a stream other than audio and subtitles is not written; undefined if its content is written in another way. */
function omittedStream(
  ffmpeg: Ffmpeg,
  from: Stream,
  { metadata, takesTimecode }: { metadata: boolean; takesTimecode: boolean },
): LeftOut | undefined {
  const { constants } = ffmpeg;
  const { codecType, codecTag } = from.codecpar;
  const codec = codecNameOf(ffmpeg, from);
  if (from.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC))
    return { kind: 'cover', codec, reason: 'a cover may show faces' };
  if (codecType === constants.AVMEDIA_TYPE_VIDEO)
    return {
      kind: 'video',
      codec,
      reason: 'only one video stream is written, and a copy of another would show its faces',
    };
  if (codecType === constants.AVMEDIA_TYPE_ATTACHMENT)
    return { kind: 'attachment', codec, reason: 'attached files are not written' };
  if (codecTag === TIMECODE) {
    const reason = metadata ? 'the container has no timecode' : 'it is metadata';
    return takesTimecode ? undefined : { kind: 'timecode', codec: 'tmcd', reason };
  }
  if (codecTag === CHAPTER_TITLES) return undefined;
  return { kind: 'data', codec, reason: 'data may identify places and people' };
}
