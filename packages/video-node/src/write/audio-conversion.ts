import { FaceDetError } from '@facedet/core';
import type { CodecContext, CodecParameters, FilterContext, FilterGraph, Frame, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check } from '../ffmpeg/errors.ts';
import type { Fraction } from '../read/metadata.ts';

/** Converts an audio stream to AAC or Opus. */
export interface AudioConverter {
  readonly encoder: CodecContext;
  /** Time base of the packets. */
  readonly timeBase: Fraction;
  /**
   * Converts a packet that starts at `seconds`; null flushes at the end. `onPacket` is awaited, and its packets are
   * only valid until it settles. A packet that can't be decoded is skipped.
   */
  push(packet: Packet | null, seconds: number, onPacket: (packet: Packet) => Promise<void>): Promise<void>;
  close(): void;
}

// Bits per second, for each channel.
const BIT_RATE = { aac: 96_000, opus: 64_000 } as const;
const AAC_RATES = new Set([
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
]);
// A larger difference between times, in seconds, is a gap in the source and not rounding.
const GAP = 0.03;
const MICROSECONDS = 1_000_000;

interface Graph {
  readonly key: string;
  readonly graph: FilterGraph;
  readonly source: FilterContext;
  readonly sink: FilterContext;
}

/** Opens a converter for an audio stream. Throws `AUDIO_UNSUPPORTED` if this build of FFmpeg lacks a codec. */
export async function openAudioConverter(
  ffmpeg: Ffmpeg,
  from: Stream,
  target: 'aac' | 'opus',
): Promise<AudioConverter> {
  const { constants, Codec, CodecContext, Frame, Packet, Rational } = ffmpeg;
  const name = ffmpeg.avGetCodecName(from.codecpar.codecId) ?? 'unknown';
  const refused = `Audio in ${name} can't be converted to ${target}`;
  const decoderCodec = Codec.findDecoder(from.codecpar.codecId);
  const encoderCodec = Codec.findEncoderByName((target === 'opus' ? 'libopus' : 'aac') as never);
  if (!decoderCodec || !encoderCodec)
    throw new FaceDetError(
      'AUDIO_UNSUPPORTED',
      `${refused}: Expected a decoder and an encoder but received a build of FFmpeg without them; ` +
        'choose another container.',
    );
  const { sampleRate, channels } = soundOf(from.codecpar);
  if (!sampleRate || !channels)
    throw new FaceDetError(
      'AUDIO_UNSUPPORTED',
      `${refused}: Expected a sample rate and channels but received none; choose another container.`,
    );
  const decoder = new CodecContext();
  decoder.allocContext3(decoderCodec);
  const encoder = new CodecContext();
  encoder.allocContext3(encoderCodec);
  let graph: Graph | undefined;
  const rate = target === 'opus' ? 48_000 : AAC_RATES.has(sampleRate) ? sampleRate : 48_000;
  // 5.1 is the only layout of six or more channels that both encoders order alike.
  const layout = ffmpeg.avChannelLayoutDefault(channels <= 2 ? channels : channels >= 6 ? 6 : 2);
  const sampleFormat = target === 'opus' ? constants.AV_SAMPLE_FMT_FLT : constants.AV_SAMPLE_FMT_FLTP;
  const packet = new Packet();
  const close = () => {
    graph?.graph.free();
    graph = undefined;
    packet.free();
    decoder.freeContext();
    encoder.freeContext();
  };
  try {
    check(ffmpeg, decoder.parametersToContext(from.codecpar), 'AUDIO_UNSUPPORTED', refused);
    decoder.pktTimebase = new Rational(1, MICROSECONDS);
    check(ffmpeg, await decoder.open2(decoderCodec, null), 'AUDIO_UNSUPPORTED', refused);
    encoder.sampleRate = rate;
    encoder.sampleFormat = sampleFormat;
    encoder.channelLayout = layout;
    encoder.bitRate = BigInt(BIT_RATE[target] * layout.nbChannels);
    encoder.timeBase = new Rational(1, rate);
    encoder.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER);
    check(ffmpeg, await encoder.open2(encoderCodec, null), 'AUDIO_UNSUPPORTED', refused);
    packet.alloc();
  } catch (error) {
    close();
    throw error;
  }
  const frameSize = encoder.frameSize || 1024;
  let next: number | undefined; // end of the audio decoded so far, in microseconds

  async function build(frame: Frame): Promise<Graph> {
    const { format, sampleRate: inRate } = frame;
    const inLayout = frame.channelLayout.mask
      ? frame.channelLayout
      : ffmpeg.avChannelLayoutDefault(frame.channels || frame.channelLayout.nbChannels);
    const result = new ffmpeg.FilterGraph();
    result.alloc();
    result.nbThreads = 1;
    const [buffer, buffersink] = [ffmpeg.Filter.getByName('abuffer')!, ffmpeg.Filter.getByName('abuffersink')!];
    const args =
      `time_base=1/${MICROSECONDS}:sample_rate=${inRate}:sample_fmt=${ffmpeg.avGetSampleFmtName(format as never)}:` +
      `channel_layout=${ffmpeg.avChannelLayoutDescribe(inLayout)}`;
    const [source, sink] = [result.createFilter(buffer, 'in', args), result.createFilter(buffersink, 'out', null)];
    if (!source || !sink) {
      result.free();
      throw new FaceDetError(
        'AUDIO_UNSUPPORTED',
        `${refused}: Expected audio that FFmpeg can resample but received ${args}; choose another container.`,
      );
    }
    const outputs = ffmpeg.FilterInOut.createList([{ name: 'in', filterCtx: source, padIdx: 0 }]);
    const inputs = ffmpeg.FilterInOut.createList([{ name: 'out', filterCtx: sink, padIdx: 0 }]);
    const filters =
      `aresample=${rate},aformat=sample_fmts=${ffmpeg.avGetSampleFmtName(sampleFormat)}:sample_rates=${rate}:` +
      `channel_layouts=${ffmpeg.avChannelLayoutDescribe(layout)},asetnsamples=n=${frameSize}:p=0`;
    check(ffmpeg, result.parsePtr(filters, inputs, outputs), 'AUDIO_UNSUPPORTED', refused);
    check(ffmpeg, await result.config(), 'AUDIO_UNSUPPORTED', refused);
    return { key: keyOf(frame), graph: result, source, sink };
  }

  async function encode(frame: Frame | null, onPacket: (packet: Packet) => Promise<void>): Promise<void> {
    check(ffmpeg, await encoder.sendFrame(frame), 'ENCODING_FAILED', refused);
    for (;;) {
      const result = await encoder.receivePacket(packet);
      if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
      check(ffmpeg, result, 'ENCODING_FAILED', refused);
      try {
        await onPacket(packet);
      } finally {
        packet.unref();
      }
    }
  }

  async function drain(onPacket: (packet: Packet) => Promise<void>): Promise<void> {
    const frame = new Frame();
    frame.alloc();
    try {
      for (;;) {
        const result = await graph!.sink.buffersinkGetFrame(frame);
        if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
        check(ffmpeg, result, 'ENCODING_FAILED', refused);
        await encode(frame, onPacket);
        frame.unref();
      }
    } finally {
      frame.free();
    }
  }

  async function endGraph(onPacket: (packet: Packet) => Promise<void>): Promise<void> {
    if (!graph) return;
    await graph.source.buffersrcAddFrame(null);
    await drain(onPacket);
    graph.graph.free();
    graph = undefined;
  }

  async function filter(frame: Frame, onPacket: (packet: Packet) => Promise<void>): Promise<void> {
    if (graph && graph.key !== keyOf(frame)) await endGraph(onPacket);
    graph ??= await build(frame);
    const said = frame.pts === constants.AV_NOPTS_VALUE ? next : Number(frame.pts);
    const time =
      next !== undefined && (said === undefined || Math.abs(said - next) < GAP * MICROSECONDS || said < next)
        ? next
        : (said ?? 0);
    frame.pts = BigInt(Math.round(time));
    next = time + (frame.nbSamples / frame.sampleRate) * MICROSECONDS;
    check(ffmpeg, await graph.source.buffersrcAddFrame(frame), 'ENCODING_FAILED', refused);
    await drain(onPacket);
  }

  return {
    encoder,
    timeBase: { num: 1, den: rate },
    async push(sent, seconds, onPacket) {
      if (sent) {
        sent.pts = sent.dts = BigInt(Math.round(seconds * MICROSECONDS));
        sent.duration = 0n;
      }
      // A broken packet becomes silence, as in players.
      if ((await decoder.sendPacket(sent)) < 0 && sent) return;
      for (;;) {
        const frame = new Frame();
        frame.alloc();
        try {
          if ((await decoder.receiveFrame(frame)) < 0) break;
          await filter(frame, onPacket);
        } finally {
          frame.free();
        }
      }
      if (sent) return;
      await endGraph(onPacket);
      await encode(null, onPacket);
    },
    close,
  };

  function keyOf(frame: Frame): string {
    return [frame.format, frame.sampleRate, frame.channelLayout.nbChannels, frame.channelLayout.mask].join();
  }
}

function soundOf(codecpar: CodecParameters): { sampleRate: number; channels: number } {
  return { sampleRate: codecpar.sampleRate, channels: codecpar.channels || codecpar.channelLayout.nbChannels };
}
