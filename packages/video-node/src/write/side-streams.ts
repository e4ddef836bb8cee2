import { FaceDetError, isFaceDetError } from '@facedet/core';
import { printable } from '@facedet/files';
import type { BitStreamFilterContext, FormatContext, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { failure, ffmpegMessage } from '../ffmpeg/errors.ts';
import { openInput, type Input } from '../read/input.ts';
import { hasAlpha, type Fraction, type VideoMetadata } from '../read/metadata.ts';
import { openAudioConverter, type AudioConverter } from './audio-conversion.ts';
import { moveChapters, readChapters, type Chapter } from '../read/chapters.ts';
import { containerRules, TEXT_SUBTITLES } from './containers.ts';
import { createSideClock, type Position } from './side-clock.ts';
import { convertSubtitle } from './subtitle-conversion.ts';
import { tryStream } from './trial.ts';

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

/** A part of the source that is not in the output. */
export interface LeftOut {
  readonly kind:
    'audio' | 'subtitles' | 'video' | 'cover' | 'attachment' | 'data' | 'timecode' | 'chapters' | 'alpha' | 'hdr';
  /** FFmpeg's name of the codec; for `hdr`, the kind of metadata: `mastering display`, `HDR10+`, … */
  readonly codec: string;
  /** The reason, as part of a sentence: `WebM has no bitmap subtitles`. */
  readonly reason: string;
}

/** An audio or subtitle stream in the output. */
export interface SideStreamSummary {
  readonly kind: 'audio' | 'subtitles';
  /** FFmpeg's name of the codec in the source and in the output: the same if the stream was copied. */
  readonly from: string;
  readonly to: string;
  /** Packets written, those among them whose time was repaired, and packets left out. */
  readonly packets: number;
  readonly repaired: number;
  readonly dropped: number;
}

/** Copies audio and subtitles from the source to the output. */
export interface SideStreams {
  readonly leftOut: LeftOut[];
  readonly summary: readonly SideStreamSummary[];
  /** Chapters for the output, in its seconds. */
  readonly chapters: readonly Chapter[];
  /** Seconds of audio before the first picture, by which the pictures are delayed in the output. */
  readonly lead: number;
  /**
   * The pictures' clock jumped: after output time `at`, source time `origin` is second 0 of the output (in seconds).
   */
  jump(at: number, origin: number): void;
  /** Writes the packets that start before a time of the output, in seconds. */
  copyUntil(seconds: number): Promise<void>;
  close(): Promise<void>;
}

type Counts = { -readonly [K in keyof SideStreamSummary]: SideStreamSummary[K] };

const OPAQUE = 'pictures are written without transparency, so content under transparent parts is visible';

/** Lists the streams other than video of a source that can't be opened a second time. */
export function unreadableStreams(
  { audioStreams, subtitleStreams, otherStreams = [], live }: VideoMetadata,
  { audio = true, subtitles = true }: { audio?: boolean; subtitles?: boolean },
): LeftOut[] {
  const reason = live
    ? 'only the pictures of a live source are written'
    : 'a pipe can only be read once, for its pictures; pass a file to keep it';
  return [
    ...(audio ? audioStreams.map(({ codec }) => ({ kind: 'audio' as const, codec, reason })) : []),
    ...(subtitles ? subtitleStreams.map(({ codec }) => ({ kind: 'subtitles' as const, codec, reason })) : []),
    ...otherStreams.map(({ kind, codec }) => ({ kind, codec, reason: kind === 'alpha' ? OPAQUE : reason })),
  ];
}

/** One stream that is copied or converted. */
interface Route {
  readonly from: Stream;
  readonly stream: Stream;
  readonly position: Position;
  readonly counts: Counts;
  readonly filter?: BitStreamFilterContext | undefined;
  readonly converter?: AudioConverter | undefined;
  readonly text?: 'mov_text' | 'subrip' | 'webvtt' | undefined;
  lastDts?: bigint;
  /** Source time of the last packet, in seconds. */
  last?: number | undefined;
  /** Whether the clock jumped back: audio that was already written is left out until the clock catches up. */
  behind?: boolean;
}

// Range of audio before the first picture that is kept, in seconds: less is codec delay, more is another recording.
const LEAD = { least: 0.05, most: 10 };
// The delay in seconds that encoders (AAC, MP3, Opus) insert before the first sample is not hidden audio.
const PRIMING = 0.1;
// Limits of the packets read ahead to test the container: enough for parameters that only packets contain.
const TRIED = { perStream: 4, total: 600, bytes: 16_000_000 };

/**
 * Opens the source a second time for its audio and subtitles and adds their streams to an output whose header is not
 * yet written. Streams that the container supports are copied, other audio and text is converted, and the rest is left
 * out and reported: a stream never ends a run. With `metadata`, the source's tags are copied too. The output's video
 * stream gets the source's timecode and spherical video data.
 */
export async function openSideStreams(
  ffmpeg: Ffmpeg,
  path: string,
  target: SideStreamTarget,
  options: SideStreamOptions,
): Promise<SideStreams> {
  const { output, container, pictures } = target;
  const { constants, Packet, avGetCodecName, avRescaleQ } = ffmpeg;
  const input: Input = await openInput(ffmpeg, { kind: 'file', name: printable(path), path });
  const { format } = input;
  const leftOut: LeftOut[] = [];
  const routes = new Map<number, Route>();
  const held: Packet[] = [];
  const discontinuous = format.iformat?.hasFlags(constants.AVFMT_TS_DISCONT as never) ?? false;
  const edited = (format.iformat?.name ?? '').includes('mov');
  const clock = createSideClock(options.startTime, discontinuous);
  let next: Packet | null = null;
  let chapters: Chapter[];
  const spare = new Packet();
  spare.alloc();

  async function close(): Promise<void> {
    for (const { filter, converter } of routes.values()) {
      filter?.free();
      converter?.close();
    }
    routes.clear();
    for (const packet of held.splice(0)) packet.free();
    next?.free();
    next = null;
    spare.free();
    await input.close();
  }

  const secondsOf = (packet: Packet, { num, den }: Fraction): number | null => {
    const time = packet.dts !== constants.AV_NOPTS_VALUE ? packet.dts : packet.pts;
    return time === constants.AV_NOPTS_VALUE ? null : (Number(time) * num) / den;
  };
  const lengthOf = (packet: Packet, { num, den }: Fraction): number => (Number(packet.duration) * num) / den;

  try {
    if (options.metadata)
      copyTags(format.metadata?.getAll(), (tags) => (output.metadata = ffmpeg.Dictionary.fromObject(tags)));
    const wanted = choose();
    await readAhead(wanted);
    for (const from of wanted) await addRoute(from);
    chapters = await readChapters(ffmpeg, format);
  } catch (error) {
    await close();
    throw error;
  }
  if (chapters.length > 0 && !options.metadata) {
    leftOut.push({ kind: 'chapters', codec: 'none', reason: 'they are metadata' });
    chapters = [];
  }
  for (let i = held.length - 1; i >= 0; i--) if (!routes.has(held[i]!.streamIndex)) held.splice(i, 1)[0]!.free();
  const lead = leadOf();
  // Whether an edit list cut off audio. Codec delay does not count: it is decoded but not played.
  const trimmed = held.some(
    (packet) => (secondsOf(packet, routes.get(packet.streamIndex)!.from.timeBase) ?? 0) < -PRIMING,
  );

  /** Selects the audio and subtitle streams to write, and reports the other streams. */
  function choose(): Stream[] {
    const wanted: Stream[] = [];
    const timecode =
      format.metadata?.get('timecode') ?? format.streams.map(({ metadata }) => metadata?.get('timecode')).find(Boolean);
    for (const from of format.streams) {
      const { codecpar } = from;
      const codec = avGetCodecName(codecpar.codecId) ?? 'unknown';
      const type = codecpar.codecType;
      from.discard = constants.AVDISCARD_ALL;
      if (from.index === input.stream.index) {
        for (const kind of [constants.AV_PKT_DATA_SPHERICAL, constants.AV_PKT_DATA_STEREO3D]) {
          const data = codecpar.getCodedSideData(kind);
          if (data) pictures.codecpar.addCodedSideData(kind, data);
        }
        if (hasAlpha(ffmpeg, from)) leftOut.push({ kind: 'alpha', codec, reason: OPAQUE });
        continue;
      }
      if (type === constants.AVMEDIA_TYPE_AUDIO || type === constants.AVMEDIA_TYPE_SUBTITLE) {
        if (type === constants.AVMEDIA_TYPE_AUDIO ? !options.audio : !options.subtitles) continue;
        from.discard = constants.AVDISCARD_DEFAULT;
        wanted.push(from);
      } else if (from.hasDisposition(constants.AV_DISPOSITION_ATTACHED_PIC))
        leftOut.push({ kind: 'cover', codec, reason: 'a cover may show faces' });
      else if (type === constants.AVMEDIA_TYPE_VIDEO)
        leftOut.push({
          kind: 'video',
          codec,
          reason: 'only one video stream is written, and a copy of another would show its faces',
        });
      else if (type === constants.AVMEDIA_TYPE_ATTACHMENT)
        leftOut.push({ kind: 'attachment', codec, reason: 'attached files are not written' });
      else if (codecpar.codecTag === TMCD) {
        if (!options.metadata || !timecode || container === 'webm')
          leftOut.push({
            kind: 'timecode',
            codec: 'tmcd',
            reason: options.metadata ? 'the container has no timecode' : 'it is metadata',
          });
      } else if (codecpar.codecTag !== TEXT_TRACK)
        leftOut.push({ kind: 'data', codec, reason: 'data may identify places and people' });
    }
    // Muxers write this tag as a timecode track or tag.
    if (options.metadata && timecode) pictures.metadata = ffmpeg.Dictionary.fromObject({ timecode });
    return wanted;
  }

  /** Reads the first packets of each audio stream. */
  async function readAhead(wanted: readonly Stream[]): Promise<void> {
    const missing = new Map(
      wanted
        .filter(({ codecpar }) => codecpar.codecType === constants.AVMEDIA_TYPE_AUDIO)
        .map(({ index }) => [index, TRIED.perStream]),
    );
    const indices = new Set(wanted.map(({ index }) => index));
    let bytes = 0;
    for (let count = 0; missing.size > 0 && count < TRIED.total && bytes < TRIED.bytes; count++) {
      if ((await format.readFrame(spare)) < 0) break;
      if (indices.has(spare.streamIndex)) {
        held.push(spare.clone()!);
        bytes += spare.size;
        const left = (missing.get(spare.streamIndex) ?? 1) - 1;
        if (left > 0) missing.set(spare.streamIndex, left);
        else missing.delete(spare.streamIndex);
      }
      spare.unref();
    }
  }

  async function addRoute(from: Stream): Promise<void> {
    const kind = from.codecpar.codecType === constants.AVMEDIA_TYPE_AUDIO ? 'audio' : 'subtitles';
    const codec = avGetCodecName(from.codecpar.codecId) ?? 'unknown';
    const rules = containerRules(container);
    const reasons: string[] = [];
    if (rules.holds.test(codec)) {
      const first = held.filter(({ streamIndex }) => streamIndex === from.index);
      const filter = kind === 'audio' ? await adtsFilter(from, codec, first) : undefined;
      const codecpar = filter?.context.outputCodecParameters ?? from.codecpar;
      if (filter?.extradata) codecpar.extradata = filter.extradata;
      const refused = await tryStream(ffmpeg, container, {
        codecpar,
        timeBase: from.timeBase,
        packets: filter ? [] : first.slice(0, TRIED.perStream),
      });
      if (refused >= 0) {
        const stream = newStream(from);
        codecpar.copy(stream.codecpar);
        stream.codecpar.codecTag = 0;
        stream.timeBase = from.timeBase;
        routes.set(from.index, {
          from,
          stream,
          position: { origin: 0 },
          counts: countsOf(kind, codec, codec),
          filter: filter?.context,
        });
        return;
      }
      filter?.context.free();
      reasons.push(`the container rejects it: ${ffmpegMessage(ffmpeg, refused)}`);
    }
    if (kind === 'audio') {
      const converter = await openAudioConverter(ffmpeg, from, rules.sound).catch((error: unknown) => {
        if (!isFaceDetError(error)) throw error;
        reasons.push(error.message);
        return undefined;
      });
      if (converter) {
        const stream = newStream(from);
        stream.codecpar.fromContext(converter.encoder);
        stream.codecpar.codecTag = 0;
        stream.timeBase = converter.encoder.timeBase;
        routes.set(from.index, {
          from,
          stream,
          position: { origin: 0 },
          counts: countsOf(kind, codec, rules.sound),
          converter,
        });
        return;
      }
    } else if (TEXT_SUBTITLES.test(codec) && codec !== rules.text) {
      const stream = newStream(from);
      stream.codecpar.codecType = constants.AVMEDIA_TYPE_SUBTITLE;
      stream.codecpar.codecId = {
        mov_text: constants.AV_CODEC_ID_MOV_TEXT,
        subrip: constants.AV_CODEC_ID_SUBRIP,
        webvtt: constants.AV_CODEC_ID_WEBVTT,
      }[rules.text];
      stream.timeBase = new ffmpeg.Rational(1, 1000);
      routes.set(from.index, {
        from,
        stream,
        position: { origin: 0 },
        counts: countsOf(kind, codec, rules.text),
        text: rules.text,
      });
      return;
    } else if (reasons.length === 0)
      reasons.push("the container does not support it, and bitmap subtitles can't be converted");
    leftOut.push({ kind, codec, reason: reasons.join('; ').slice(0, 400) });
  }

  function newStream(from: Stream): Stream {
    const stream = output.newStream(null);
    stream.disposition = from.disposition;
    const language = from.metadata?.get('language');
    if (options.metadata)
      copyTags(from.metadata?.getAll(), (tags) => (stream.metadata = ffmpeg.Dictionary.fromObject(tags)));
    else if (language) stream.metadata = ffmpeg.Dictionary.fromObject({ language });
    return stream;
  }

  /** AAC in MPEG-TS has a header before each packet (ADTS); other containers store one (AudioSpecificConfig). */
  async function adtsFilter(from: Stream, codec: string, first: readonly Packet[]) {
    const data = first[0]?.data;
    if (codec !== 'aac' || !data || data.length < 7 || data[0] !== 0xff || (data[1]! & 0xf6) !== 0xf0) return undefined;
    const filter = ffmpeg.BitStreamFilter.getByName('aac_adtstoasc');
    if (!filter) return undefined;
    const open = () => {
      const context = new ffmpeg.BitStreamFilterContext();
      if (context.alloc(filter) < 0) return undefined;
      from.codecpar.copy(context.inputCodecParameters!);
      context.inputTimeBase = from.timeBase;
      if (context.init() >= 0) return context;
      context.free();
      return undefined;
    };
    // The filter derives the configuration from the first packet; the muxer needs it before the first packet.
    const probe = open();
    if (!probe) return undefined;
    const packet = first[0]!.clone()!;
    let extradata: Buffer | undefined;
    if ((await probe.sendPacket(packet)) >= 0 && (await probe.receivePacket(packet)) >= 0) {
      const made = packet.getSideData(constants.AV_PKT_DATA_NEW_EXTRADATA);
      if (made) extradata = Buffer.from(made);
    }
    packet.free();
    probe.free();
    const context = open();
    return context && { context, extradata };
  }

  function leadOf(): number {
    if (discontinuous) return 0;
    let lead = 0;
    for (const packet of held) {
      const { from, counts } = routes.get(packet.streamIndex)!;
      const seconds = secondsOf(packet, from.timeBase);
      if (counts.kind === 'audio' && seconds !== null)
        lead = Math.max(lead, options.startTime - (edited ? Math.max(seconds, 0) : seconds));
    }
    return lead >= LEAD.least && lead <= LEAD.most ? lead : 0;
  }

  /**
   * Whether a packet is outside of what players play: audio that an edit list removes, or before the first picture.
   */
  function isHidden(packet: Packet, { from, counts }: Route, seconds: number | null, out: number): boolean {
    if (counts.kind !== 'audio' || seconds === null) return false;
    const length = lengthOf(packet, from.timeBase);
    if (edited && seconds >= 0 && packet.flags & constants.AV_PKT_FLAG_DISCARD) return true;
    if (edited && trimmed) return seconds + length <= 0.001;
    const before = discontinuous ? 0 : -lead - PRIMING;
    return out + length <= before;
  }

  /** The next packet of a written stream; null at the end. The video's reader reports a truncated source. */
  async function advance(): Promise<Packet | null> {
    const first = held.shift();
    if (first) return first;
    if (routes.size === 0) return null;
    for (;;) {
      if ((await format.readFrame(spare)) < 0) return null;
      const packet = routes.has(spare.streamIndex) ? spare.clone() : null;
      spare.unref();
      if (packet) return packet;
    }
  }

  async function write(route: Route, packet: Packet, timeBase: Fraction, seconds: number): Promise<void> {
    const { stream, counts, position } = route;
    const lag =
      packet.pts !== constants.AV_NOPTS_VALUE && packet.dts !== constants.AV_NOPTS_VALUE ? packet.pts - packet.dts : 0n;
    const length = lengthOf(packet, timeBase);
    const { num, den } = stream.timeBase;
    let dts = BigInt(Math.round(((seconds + lead) * den) / num));
    // Matroska's ticks may be longer than packets (TrueHD): equal times are correct there, and unique ones would drift.
    const isStrict = counts.kind === 'audio' && container !== 'matroska' && container !== 'webm';
    if (route.lastDts !== undefined && dts <= route.lastDts && (isStrict || dts < route.lastDts)) {
      // A packet that overlaps by more than half of its length was written already.
      if (route.behind && length > 0 && position.end !== undefined && position.end - seconds > length / 2 + 0.02) {
        counts.dropped++;
        return;
      }
      const next = route.lastDts + (isStrict ? 1n : 0n);
      // Packets shorter than a tick of the source (TrueHD in Matroska) may share a time.
      const tick = Math.ceil((route.from.timeBase.num * den) / (route.from.timeBase.den * num));
      if (next - dts > BigInt(tick)) counts.repaired++;
      dts = next;
    } else route.behind = false;
    packet.dts = dts;
    packet.pts = dts + avRescaleQ(lag, timeBase, stream.timeBase);
    packet.duration = avRescaleQ(packet.duration, timeBase, stream.timeBase);
    packet.streamIndex = stream.index;
    packet.pos = -1n;
    const result = await output.writeFrame(packet);
    if (result >= 0) {
      route.lastDts = dts;
      counts.packets++;
      return;
    }
    // A full disk ends the run; a packet that the muxer rejects does not.
    const fatal = output.pb?.error ?? 0;
    if (fatal < 0 || FATAL.has(result))
      throw failure(
        ffmpeg,
        fatal < 0 ? fatal : result,
        'WRITE_FAILED',
        `${output.url ?? 'The output'} can't be written`,
      );
    counts.dropped++;
  }

  async function send(route: Route, packet: Packet, seconds: number): Promise<void> {
    const { from, converter, filter, text, counts } = route;
    if (converter) {
      await convert(route, () =>
        converter.push(packet, seconds, (made) =>
          write(route, made, converter.timeBase, (Number(made.pts) * converter.timeBase.num) / converter.timeBase.den),
        ),
      );
    } else if (text) {
      const data = convertSubtitle(packet.data ?? Buffer.alloc(0), counts.from, text);
      if (!data) return;
      const made = new Packet();
      made.alloc();
      try {
        made.data = data;
        const length = avRescaleQ(packet.duration, from.timeBase, { num: 1, den: 1000 });
        Object.assign(made, { pts: 0n, dts: 0n, duration: length, flags: constants.AV_PKT_FLAG_KEY });
        await write(route, made, { num: 1, den: 1000 }, seconds);
      } finally {
        made.free();
      }
    } else if (filter) {
      if ((await filter.sendPacket(packet)) < 0) {
        counts.dropped++;
        return;
      }
      while ((await filter.receivePacket(packet)) >= 0) {
        packet.freeSideData();
        await write(route, packet, from.timeBase, seconds);
        packet.unref();
      }
    } else await write(route, packet, from.timeBase, seconds);
  }

  /** Audio that can't be converted is left out; disk errors are thrown. */
  async function convert({ counts }: Route, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      if (!(error instanceof FaceDetError) || (error.code !== 'ENCODING_FAILED' && error.code !== 'AUDIO_UNSUPPORTED'))
        throw error;
      counts.dropped++;
    });
  }

  let flushed = false;
  return {
    leftOut,
    chapters: moveChapters(chapters, options.startTime - lead),
    summary: [...routes.values()].map(({ counts }) => counts),
    lead,
    jump: clock.jump,
    async copyUntil(until) {
      for (;;) {
        next ??= await advance();
        if (!next) break;
        const route = routes.get(next.streamIndex)!;
        const seconds = secondsOf(next, route.from.timeBase);
        let out = clock.place(route.position, seconds, until, route.counts.kind === 'subtitles');
        if (out === undefined || out > until) return;
        if (route.counts.kind === 'audio' && seconds !== null && route.last !== undefined) {
          if (seconds < route.last) route.behind = true;
          // Some containers give several packets the same time.
          else if (seconds === route.last) out = Math.max(out, route.position.end ?? out);
        }
        if (seconds === null) route.counts.repaired++;
        route.last = seconds ?? route.last;
        const length = lengthOf(next, route.from.timeBase);
        const packet = next;
        next = null;
        try {
          if (!isHidden(packet, route, seconds, out)) await send(route, packet, out);
          route.position.end =
            route.counts.kind === 'audio' ? Math.max(out + length, route.position.end ?? -Infinity) : out;
        } finally {
          packet.free();
        }
      }
      if (flushed) return;
      flushed = true;
      for (const route of routes.values()) {
        const { converter } = route;
        if (converter)
          await convert(route, () =>
            converter.push(null, 0, (made) =>
              write(
                route,
                made,
                converter.timeBase,
                (Number(made.pts) * converter.timeBase.num) / converter.timeBase.den,
              ),
            ),
          );
      }
    },
    close,
  };

  function countsOf(kind: Counts['kind'], from: string, to: string): Counts {
    return { kind, from, to, packets: 0, repaired: 0, dropped: 0 };
  }
}

const TMCD = Buffer.from('tmcd').readUInt32LE();
// QuickTime stores chapter titles in a text track.
const TEXT_TRACK = Buffer.from('text').readUInt32LE();
// ENOSPC, EIO, EFBIG, EROFS, EDQUOT: errors that affect every packet.
const FATAL = new Set([-28, -5, -27, -30, -122]);

// Leaves out tags that the muxer writes itself, and the rotation, which was applied to the pictures.
function copyTags(tags: Record<string, string> | undefined, set: (tags: Record<string, string>) => void): void {
  const kept = Object.entries(tags ?? {}).filter(
    ([key]) =>
      !/^(major_brand|minor_version|compatible_brands|encoder|rotate|duration|number_of_|_statistics|bps)/i.test(key),
  );
  if (kept.length > 0) set(Object.fromEntries(kept));
}
