import type { FormatContext, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check } from '../ffmpeg/errors.ts';
import { openInput, type Input } from '../read/input.ts';
import { resolveSource } from '../read/source.ts';

/** What is copied from the source into the output, unchanged. */
export interface SideStreamOptions {
  readonly audio: boolean;
  readonly subtitles: boolean;
  /** Titles, dates, places and names of the source. */
  readonly metadata: boolean;
  /** Seconds on the source's clock that are second 0 of the output. */
  readonly startTime: number;
}

/** A stream that the container can't hold as it is. */
export interface LeftOut {
  readonly kind: 'audio' | 'subtitles';
  readonly codec: string;
}

/** Sound and subtitles on their way from the source to the output. */
export interface SideStreams {
  readonly leftOut: readonly LeftOut[];
  /** Writes what begins before a time of the output, in seconds. */
  copyUntil(seconds: number): Promise<void>;
  close(): Promise<void>;
}

const HOLDS: Record<string, RegExp> = {
  mp4: /^(aac|mp3|mp2|ac3|eac3|opus|flac|alac|dts|truehd|mov_text|dvd_subtitle)$/,
  mov: /^(aac|mp3|mp2|ac3|eac3|alac|mov_text|pcm_.*)$/,
  webm: /^(opus|vorbis|webvtt)$/,
  matroska: /^(?!mov_text)/,
};

/**
 * Opens the source once more for its sound and subtitles and adds their streams to an output whose header is not yet written; the
 * packets are copied as they are. With `metadata` the source's tags come along too.
 */
export async function openSideStreams(ffmpeg: Ffmpeg, path: string, output: FormatContext, container: string, options: SideStreamOptions): Promise<SideStreams> {
  const { constants, Packet, avGetCodecName, avRescaleQ } = ffmpeg;
  const source = await resolveSource(path);
  if (source.kind === 'pictures' || source.kind === 'camera') return { leftOut: [], async copyUntil() {}, async close() {} };
  const input: Input = await openInput(ffmpeg, source);
  const { format } = input;
  const leftOut: LeftOut[] = [];
  const copies = new Map<number, { stream: Stream; from: Stream; origin: bigint }>();
  if (options.metadata) copyTags(format.metadata?.getAll(), (tags) => (output.metadata = ffmpeg.Dictionary.fromObject(tags)));
  for (const from of format.streams) {
    from.discard = constants.AVDISCARD_ALL;
    const kind = from.codecpar.codecType === constants.AVMEDIA_TYPE_AUDIO ? 'audio' : from.codecpar.codecType === constants.AVMEDIA_TYPE_SUBTITLE ? 'subtitles' : undefined;
    if (!kind || !options[kind]) continue;
    const codec = avGetCodecName(from.codecpar.codecId) ?? 'unknown';
    if (!HOLDS[container]?.test(codec)) {
      leftOut.push({ kind, codec });
      continue;
    }
    const stream = output.newStream(null);
    from.codecpar.copy(stream.codecpar);
    stream.codecpar.codecTag = 0;
    stream.timeBase = from.timeBase;
    stream.disposition = from.disposition;
    const language = from.metadata?.get('language');
    if (options.metadata) copyTags(from.metadata?.getAll(), (tags) => (stream.metadata = ffmpeg.Dictionary.fromObject(tags)));
    else if (language) stream.metadata = ffmpeg.Dictionary.fromObject({ language });
    from.discard = constants.AVDISCARD_DEFAULT;
    copies.set(from.index, { stream, from, origin: BigInt(Math.round((options.startTime * from.timeBase.den) / from.timeBase.num)) });
  }

  let next: Packet | null = copies.size > 0 ? new Packet() : null;
  next?.alloc();
  let waiting = false;

  /** The next packet that is copied; null at the end. Where the source breaks off, the pictures' reader tells. */
  async function advance(): Promise<void> {
    while (next) {
      if ((await format.readFrame(next)) < 0) {
        next.free();
        next = null;
      } else if (copies.has(next.streamIndex)) return;
      else next.unref();
    }
  }

  return {
    leftOut,
    async copyUntil(seconds) {
      for (;;) {
        if (!waiting) await advance();
        waiting = next !== null;
        if (!next) return;
        const { stream, from, origin } = copies.get(next.streamIndex)!;
        const time = next.dts !== constants.AV_NOPTS_VALUE ? next.dts : next.pts;
        if (time !== constants.AV_NOPTS_VALUE && (Number(time - origin) * from.timeBase.num) / from.timeBase.den > seconds) return;
        waiting = false;
        const shift = (value: bigint) => (value === constants.AV_NOPTS_VALUE ? value : avRescaleQ(value - origin, from.timeBase, stream.timeBase));
        next.pts = shift(next.pts);
        next.dts = shift(next.dts);
        next.duration = avRescaleQ(next.duration, from.timeBase, stream.timeBase);
        next.streamIndex = stream.index;
        next.pos = -1n;
        check(ffmpeg, await output.writeFrame(next), 'WRITE_FAILED', 'Sound or subtitles can\'t be written');
        next.unref();
      }
    },
    async close() {
      next?.free();
      next = null;
      await input.close();
    },
  };
}

// What the muxer makes itself would contradict it; the turn has been carried out.
function copyTags(tags: Record<string, string> | undefined, set: (tags: Record<string, string>) => void): void {
  const kept = Object.entries(tags ?? {}).filter(([key]) => !/^(major_brand|minor_version|compatible_brands|encoder|rotate|duration|number_of_|_statistics|bps)/i.test(key));
  if (kept.length > 0) set(Object.fromEntries(kept));
}
