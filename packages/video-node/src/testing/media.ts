import type { CodecContext, FormatContext, Packet, Stream } from 'node-av/lib';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';

/** A small media file to create. Encoders, pixel formats and muxers have FFmpeg's names. */
export interface MediaOptions {
  /** Pictures of FFmpeg's test pattern. */
  readonly video: {
    readonly encoder: string;
    /** Default yuv420p. */
    readonly pixelFormat?: string;
    /** Width and height in pixels. Default 96 × 64. */
    readonly size?: readonly [width: number, height: number];
    /** Default 20. */
    readonly frames?: number;
    /** Frames from one key frame to the next. Default 8. */
    readonly keyFrames?: number;
    /** A filter graph instead of the test pattern; its output has frames of `size` at 25 fps. */
    readonly graph?: string;
  };
  /** Adds a tone as long as the pictures, with this encoder. */
  readonly sound?: string;
  /** Adds two subtitles in this codec. */
  readonly subtitles?: SubtitleCodec;
  /** The muxer. Default: by the file's extension. */
  readonly format?: string;
  readonly muxerOptions?: Readonly<Record<string, string>>;
  /** Start time of the file, in seconds. Default 0. */
  readonly start?: number;
}

/** A subtitle codec: text, or the bitmaps of DVDs. */
export type SubtitleCodec = 'subrip' | 'ass' | 'mov_text' | 'webvtt' | 'dvd_subtitle';

interface Encoded {
  begin(stream: Stream): void;
  readonly unit: { readonly num: number; readonly den: number };
  readonly packets: readonly Packet[];
  free(): void;
}

const RATE = 25;
const SAMPLE_RATE = 48_000;

/**
 * Writes a media file with this package's FFmpeg and returns its path. Throws if the build lacks the encoder or if the
 * container does not support one of the streams.
 */
export async function writeMedia(path: string, options: MediaOptions): Promise<string> {
  const ffmpeg = await loadFfmpeg();
  const output = new ffmpeg.FormatContext();
  must(ffmpeg, output.allocOutputContext2(null, options.format ?? null, path), `the container of ${path}`);
  output.strictStdCompliance = -2;
  const parts: Encoded[] = [];
  let opened = false;
  try {
    const seconds = (options.video.frames ?? 20) / RATE;
    parts.push(await encodePictures(ffmpeg, output, options.video));
    if (options.sound) parts.push(await encodeSound(ffmpeg, output, options.sound, seconds));
    if (options.subtitles) parts.push(subtitlePackets(ffmpeg, options.subtitles));
    const streams = parts.map((part) => {
      const stream = output.newStream(null);
      part.begin(stream);
      stream.timeBase = new ffmpeg.Rational(part.unit.num, part.unit.den);
      return stream;
    });
    must(ffmpeg, await output.openOutput(), `opening ${path}`);
    opened = true;
    const dictionary = ffmpeg.Dictionary.fromObject({ ...options.muxerOptions });
    must(ffmpeg, await output.writeHeader(dictionary), `the header of ${path}`);
    await writePackets(ffmpeg, output, packetsInOrder(parts, streams), options.start ?? 0);
    must(ffmpeg, await output.writeTrailer(), `the end of ${path}`);
  } finally {
    for (const part of parts) part.free();
    if (opened) await output.closeOutput();
    output.freeContext();
  }
  return path;
}

interface PlacedPacket extends Pick<Encoded, 'unit'> {
  readonly packet: Packet;
  readonly stream: Stream;
}

/** The packets of all parts by decoding time. */
function packetsInOrder(parts: readonly Encoded[], streams: readonly Stream[]): PlacedPacket[] {
  const all = parts.flatMap(({ packets, unit }, i) =>
    packets.map((packet) => ({
      packet,
      unit,
      stream: streams[i]!,
      seconds: (Number(packet.dts) * unit.num) / unit.den,
    })),
  );
  return all.sort((a, b) => a.seconds - b.seconds);
}

async function writePackets(
  ffmpeg: Ffmpeg,
  output: FormatContext,
  packets: readonly PlacedPacket[],
  start: number,
): Promise<void> {
  for (const { packet, unit, stream } of packets) {
    const shift = BigInt(Math.round((start * unit.den) / unit.num));
    packet.pts += shift;
    packet.dts += shift;
    packet.streamIndex = stream.index;
    packet.rescaleTs(unit, stream.timeBase);
    must(ffmpeg, await output.interleavedWriteFrame(packet), 'a packet');
  }
}

async function encodePictures(ffmpeg: Ffmpeg, output: FormatContext, video: MediaOptions['video']): Promise<Encoded> {
  const {
    encoder,
    pixelFormat = 'yuv420p',
    size: [width, height] = [96, 64],
    frames = 20,
    keyFrames = 8,
    graph,
  } = video;
  const pattern = graph ?? `testsrc2=size=${width}x${height}:rate=${RATE}`;
  const filters = `${pattern},trim=end_frame=${frames},format=${pixelFormat},buffersink`;
  const context = contextOf(ffmpeg, output, encoder);
  Object.assign(context, { width, height, pixelFormat: ffmpeg.avGetPixFmtFromName(pixelFormat), gopSize: keyFrames });
  context.timeBase = new ffmpeg.Rational(1, RATE);
  context.framerate = new ffmpeg.Rational(RATE, 1);
  return encode(ffmpeg, context, { name: encoder, filters, settings: FAST[encoder] });
}

/** Options that make encoders fast. */
const FAST: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  libx264: { preset: 'veryfast' },
  libx265: { preset: 'ultrafast', 'x265-params': 'log-level=none:pools=none:frame-threads=1' },
  libvpx: { deadline: 'realtime', 'cpu-used': '8' },
  'libvpx-vp9': { deadline: 'realtime', 'cpu-used': '8' },
  libsvtav1: { preset: '10' },
};

async function encodeSound(ffmpeg: Ffmpeg, output: FormatContext, encoder: string, seconds: number): Promise<Encoded> {
  const context = contextOf(ffmpeg, output, encoder);
  const codec = findEncoder(ffmpeg, encoder);
  const rate =
    codec.supportedSamplerates?.includes(SAMPLE_RATE) === false ? codec.supportedSamplerates[0]! : SAMPLE_RATE;
  context.sampleRate = rate;
  context.sampleFormat = codec.sampleFormats?.[0] ?? ffmpeg.constants.AV_SAMPLE_FMT_S16;
  context.channelLayout = ffmpeg.constants.AV_CHANNEL_LAYOUT_STEREO;
  context.timeBase = new ffmpeg.Rational(1, rate);
  context.bitRate = 96_000n;
  const sampleFormat = ffmpeg.avGetSampleFmtName(context.sampleFormat);
  const format = `aformat=sample_fmts=${sampleFormat}:sample_rates=${rate}:channel_layouts=stereo`;
  const tone = (size: number) => `sine=r=${rate}:d=${seconds},${format},asetnsamples=n=${size}:p=0,abuffersink`;
  return encode(ffmpeg, context, { name: encoder, filters: tone });
}

function findEncoder(ffmpeg: Ffmpeg, name: string) {
  const codec = ffmpeg.Codec.findEncoderByName(name as never);
  if (!codec) throw new Error(`Expected the encoder ${name} but this build of FFmpeg lacks it; choose another one.`);
  return codec;
}

function contextOf(ffmpeg: Ffmpeg, output: FormatContext, encoder: string): CodecContext {
  // Without this, SVT-AV1 writes its settings to standard error.
  process.env.SVT_LOG ??= '1';
  const context = new ffmpeg.CodecContext();
  context.allocContext3(findEncoder(ffmpeg, encoder));
  context.threadCount = 1;
  const { AVFMT_GLOBALHEADER, AV_CODEC_FLAG_GLOBAL_HEADER } = ffmpeg.constants;
  if (output.oformat?.hasFlags(AVFMT_GLOBALHEADER as never)) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
  return context;
}

interface EncodeOptions {
  /** The encoder's name. */
  readonly name: string;
  /** The filter graph; it may depend on the encoder's samples per frame. */
  readonly filters: string | ((frameSize: number) => string);
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Encodes the whole output of a filter graph. */
async function encode(
  ffmpeg: Ffmpeg,
  context: CodecContext,
  { name, filters, settings = {} }: EncodeOptions,
): Promise<Encoded> {
  const { constants } = ffmpeg;
  // Allows experimental encoders such as TrueHD's.
  const dictionary = ffmpeg.Dictionary.fromObject({ strict: '-2', ...settings });
  must(ffmpeg, await context.open2(findEncoder(ffmpeg, name), dictionary), name);
  const graph = new ffmpeg.FilterGraph();
  graph.alloc();
  const packets: Packet[] = [];
  const packet = new ffmpeg.Packet();
  packet.alloc();
  const frame = new ffmpeg.Frame();
  frame.alloc();
  try {
    const text = typeof filters === 'string' ? filters : filters(context.frameSize || 1024);
    must(ffmpeg, graph.parse2(text.replace(/(a?buffersink)$/, '$1@out')), text);
    must(ffmpeg, await graph.config(), text);
    const sink = graph.getFilter(/abuffersink$/.test(text) ? 'abuffersink@out' : 'buffersink@out')!;
    for (let more = true; more;) {
      more = (await sink.buffersinkGetFrame(frame)) >= 0;
      must(ffmpeg, await context.sendFrame(more ? frame : null), name);
      frame.unref();
      while ((await context.receivePacket(packet)) >= 0) {
        packets.push(packet.clone()!);
        packet.unref();
      }
    }
  } finally {
    frame.free();
    packet.free();
    graph.free();
  }
  const unit = { num: context.timeBase.num, den: context.timeBase.den };
  for (const one of packets)
    if (one.duration === 0n && context.codecType === constants.AVMEDIA_TYPE_VIDEO) one.duration = 1n;
  return {
    begin: (stream) => void stream.codecpar.fromContext(context),
    unit,
    packets,
    free() {
      for (const one of packets) one.free();
      context.freeContext();
    },
  };
}

const ASS_HEADER = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;

function subtitlePackets(ffmpeg: Ffmpeg, codec: SubtitleCodec): Encoded {
  const { constants } = ffmpeg;
  const ids = {
    subrip: constants.AV_CODEC_ID_SUBRIP,
    ass: constants.AV_CODEC_ID_ASS,
    mov_text: constants.AV_CODEC_ID_MOV_TEXT,
    webvtt: constants.AV_CODEC_ID_WEBVTT,
    dvd_subtitle: constants.AV_CODEC_ID_DVD_SUBTITLE,
  };
  const payload = (text: string, order: number) => {
    if (codec === 'ass') return Buffer.from(`${order},0,Default,,0,0,0,,${text}`);
    // Never decoded: only its length matters.
    if (codec === 'dvd_subtitle') return Buffer.from([0, 8, 0, 4, 0, 0, 0, 4]);
    if (codec !== 'mov_text') return Buffer.from(text);
    return Buffer.concat([Buffer.from([0, Buffer.byteLength(text)]), Buffer.from(text)]);
  };
  const packets = (['Good morning', 'Good night'] as const).map((text, i) => {
    const packet = new ffmpeg.Packet();
    packet.alloc();
    packet.data = payload(text, i);
    packet.pts = packet.dts = BigInt(100 + 300 * i);
    packet.duration = 200n;
    packet.isKeyframe = true;
    return packet;
  });
  return {
    begin({ codecpar }) {
      codecpar.codecType = constants.AVMEDIA_TYPE_SUBTITLE;
      codecpar.codecId = ids[codec];
      if (codec === 'ass') codecpar.extradata = Buffer.from(ASS_HEADER);
    },
    unit: { num: 1, den: 1000 },
    packets,
    free: () => packets.forEach((packet) => packet.free()),
  };
}

function must(ffmpeg: Ffmpeg, code: number, what: string): void {
  if (code < 0) throw new Error(`${what}: ${ffmpeg.FFmpegError.strerror(code)}`);
}
