import { isFaceDetError } from '@facedet/core';
import type { BitStreamFilterContext, Packet, Stream } from 'node-av/lib';
import { ffmpegMessage } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { openAdtsFilter } from './adts-filter.ts';
import { openAudioConverter, type AudioConverter } from './audio-conversion.ts';
import { containerRules, TEXT_SUBTITLES } from './containers.ts';
import type { LeftOut } from './left-out.ts';
import type { Position } from './side-clock.ts';
import { codecNameOf, kindOf, type SideStreamOptions, type SideStreamTarget } from './side-selection.ts';
import { tryStream } from './trial.ts';

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

type Counts = { -readonly [K in keyof SideStreamSummary]: SideStreamSummary[K] };

/** One stream that is copied or converted. */
export interface Route {
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

/** Where a route leads, and how it starts. */
export interface RouteOptions {
  readonly target: SideStreamTarget;
  readonly options: SideStreamOptions;
  /** The stream's first packets. */
  readonly first: readonly Packet[];
}

// Packets of a stream that the container is tested with.
const TRIED = 4;

/** Adds a stream to the output: a copy if the container supports it, otherwise a conversion if that is possible. */
export async function openRoute(ffmpeg: Ffmpeg, from: Stream, options: RouteOptions): Promise<Route | LeftOut> {
  const kind = kindOf(ffmpeg, from) ?? 'subtitles';
  const codec = codecNameOf(ffmpeg, from);
  const rules = containerRules(options.target.container);
  const reasons: string[] = [];
  if (rules.holds.test(codec)) {
    const copied = await openCopy(ffmpeg, from, options);
    if (typeof copied !== 'number') return copied;
    reasons.push(`the container rejects it: ${ffmpegMessage(ffmpeg, copied)}`);
  }
  if (kind === 'audio') {
    const converter = await openAudioConverter(ffmpeg, from, rules.sound).catch((error: unknown) => {
      if (!isFaceDetError(error)) throw error;
      reasons.push(error.message);
      return undefined;
    });
    if (converter) {
      const stream = addStream(ffmpeg, from, options);
      stream.codecpar.fromContext(converter.encoder);
      stream.codecpar.codecTag = 0;
      stream.timeBase = converter.encoder.timeBase;
      return { from, stream, position: { origin: 0 }, counts: countsOf(kind, codec, rules.sound), converter };
    }
  } else if (TEXT_SUBTITLES.test(codec) && codec !== rules.text) {
    const stream = addTextStream(ffmpeg, from, rules.text, options);
    return { from, stream, position: { origin: 0 }, counts: countsOf(kind, codec, rules.text), text: rules.text };
  } else if (reasons.length === 0) {
    reasons.push("the container does not support it, and bitmap subtitles can't be converted");
  }
  return { kind, codec, reason: reasons.join('; ').slice(0, 400) };
}

/** Frees what routes hold. */
export function closeRoutes(routes: Map<number, Route>): void {
  for (const { filter, converter } of routes.values()) {
    filter?.free();
    converter?.close();
  }
  routes.clear();
}

/** Returns a copying route, or FFmpeg's error code if the container rejects the stream. */
async function openCopy(ffmpeg: Ffmpeg, from: Stream, options: RouteOptions): Promise<Route | number> {
  const { first, target } = options;
  const kind = kindOf(ffmpeg, from) ?? 'subtitles';
  const codec = codecNameOf(ffmpeg, from);
  const filter = kind === 'audio' ? await openAdtsFilter(ffmpeg, from, first) : undefined;
  const codecpar = filter?.context.outputCodecParameters ?? from.codecpar;
  if (filter?.extradata) codecpar.extradata = filter.extradata;
  const result = await tryStream(ffmpeg, target.container, {
    codecpar,
    timeBase: from.timeBase,
    packets: filter ? [] : first.slice(0, TRIED),
  });
  if (result < 0) {
    filter?.context.free();
    return result;
  }
  const stream = addStream(ffmpeg, from, options);
  codecpar.copy(stream.codecpar);
  stream.codecpar.codecTag = 0;
  stream.timeBase = from.timeBase;
  return { from, stream, position: { origin: 0 }, counts: countsOf(kind, codec, codec), filter: filter?.context };
}

function addTextStream(ffmpeg: Ffmpeg, from: Stream, text: NonNullable<Route['text']>, options: RouteOptions): Stream {
  const { constants } = ffmpeg;
  const stream = addStream(ffmpeg, from, options);
  stream.codecpar.codecType = constants.AVMEDIA_TYPE_SUBTITLE;
  stream.codecpar.codecId = {
    mov_text: constants.AV_CODEC_ID_MOV_TEXT,
    subrip: constants.AV_CODEC_ID_SUBRIP,
    webvtt: constants.AV_CODEC_ID_WEBVTT,
  }[text];
  stream.timeBase = new ffmpeg.Rational(1, 1000);
  return stream;
}

function addStream(ffmpeg: Ffmpeg, from: Stream, { target, options }: RouteOptions): Stream {
  const stream = target.output.newStream(null);
  stream.disposition = from.disposition;
  const language = from.metadata?.get('language');
  if (options.metadata)
    copyTags(from.metadata?.getAll(), (tags) => (stream.metadata = ffmpeg.Dictionary.fromObject(tags)));
  else if (language) stream.metadata = ffmpeg.Dictionary.fromObject({ language });
  return stream;
}

/** Passes a source's tags to `set`, without those that the muxer writes itself and the rotation, which was applied. */
export function copyTags(tags: Record<string, string> | undefined, set: (tags: Record<string, string>) => void): void {
  const kept = Object.entries(tags ?? {}).filter(
    ([key]) =>
      !/^(major_brand|minor_version|compatible_brands|encoder|rotate|duration|number_of_|_statistics|bps)/i.test(key),
  );
  if (kept.length > 0) set(Object.fromEntries(kept));
}

function countsOf(kind: Counts['kind'], from: string, to: string): Counts {
  return { kind, from, to, packets: 0, repaired: 0, dropped: 0 };
}
