import { FaceDetError } from '@facedet/core';
import type { CodecContext, CodecParameters, Stream } from 'node-av/lib';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** A decoder and an encoder of audio. */
export interface AudioCodecs {
  readonly decoder: CodecContext;
  readonly encoder: CodecContext;
  /** The beginning of error messages. */
  readonly refused: string;
  close(): void;
}

/** The clock of decoded audio: ticks per second. */
export const MICROSECONDS = 1_000_000;

// Bits per second, for each channel.
const BIT_RATE = { aac: 96_000, opus: 64_000 } as const;
const AAC_RATES = new Set([
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
]);

/**
 * Opens the decoder of an audio stream and an encoder for the same audio. Throws `AUDIO_UNSUPPORTED` if this build of
 * FFmpeg lacks a codec.
 */
export async function openAudioCodecs(ffmpeg: Ffmpeg, from: Stream, target: 'aac' | 'opus'): Promise<AudioCodecs> {
  const { constants, Codec, CodecContext, Rational } = ffmpeg;
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
  const close = () => {
    decoder.freeContext();
    encoder.freeContext();
  };
  const rate = target === 'opus' ? 48_000 : AAC_RATES.has(sampleRate) ? sampleRate : 48_000;
  // 5.1 is the only layout of six or more channels that both encoders order alike.
  const layout = ffmpeg.avChannelLayoutDefault(channels <= 2 ? channels : channels >= 6 ? 6 : 2);
  try {
    check(ffmpeg, decoder.parametersToContext(from.codecpar), 'AUDIO_UNSUPPORTED', refused);
    decoder.pktTimebase = new Rational(1, MICROSECONDS);
    check(ffmpeg, await decoder.open2(decoderCodec, null), 'AUDIO_UNSUPPORTED', refused);
    encoder.sampleRate = rate;
    encoder.sampleFormat = target === 'opus' ? constants.AV_SAMPLE_FMT_FLT : constants.AV_SAMPLE_FMT_FLTP;
    encoder.channelLayout = layout;
    encoder.bitRate = BigInt(BIT_RATE[target] * layout.nbChannels);
    encoder.timeBase = new Rational(1, rate);
    encoder.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER);
    check(ffmpeg, await encoder.open2(encoderCodec, null), 'AUDIO_UNSUPPORTED', refused);
  } catch (error) {
    close();
    throw error;
  }
  return { decoder, encoder, refused, close };
}

function soundOf(codecpar: CodecParameters): { sampleRate: number; channels: number } {
  return { sampleRate: codecpar.sampleRate, channels: codecpar.channels || codecpar.channelLayout.nbChannels };
}
