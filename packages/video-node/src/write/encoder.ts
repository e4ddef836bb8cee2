import { FaceDetError } from '@facedet/core';
import type { CodecContext, Frame as NativeFrame, Packet } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import { createDecodeTimes } from './decode-times.ts';
import { av1HdrParameters, hevcHdrParameters, type HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import type { ColorTags, Fraction } from '../read/metadata.ts';

/** The supported output codecs. */
export type VideoCodec = 'h264' | 'hevc' | 'vp9' | 'av1';

/** Options of `openEncoder`. */
export interface EncoderOptions {
  readonly codec: VideoCodec;
  /** Bits per sample; `h264` supports 8 only. */
  readonly bitDepth: 8 | 10;
  readonly width: number;
  readonly height: number;
  readonly timeBase: Fraction;
  /** Nominal frames per second (fps), from which the key frame interval and the look-ahead are computed. */
  readonly fps: number;
  readonly sampleAspectRatio: Fraction;
  readonly color: ColorTags;
  /** Written into the stream if the codec supports it (HEVC, AV1). */
  readonly hdr?: HdrMetadata | undefined;
  readonly crf?: number | undefined;
  readonly preset?: string | undefined;
  readonly threads: number;
  /** Whether pictures may be stored out of display order (B-frames). */
  readonly reorder: boolean;
}

/** An open encoder. */
export interface VideoEncoder {
  readonly context: CodecContext;
  /** Encodes a picture; null flushes. `onPacket` is awaited, and its packets are only valid until it settles. */
  encode(frame: NativeFrame | null, onPacket: (packet: Packet) => Promise<void>): Promise<void>;
  close(): void;
}

const ENCODERS = { h264: 'libx264', hevc: 'libx265', vp9: 'libvpx-vp9', av1: 'libsvtav1' } as const;
const CRF = { h264: 23, hevc: 25, vp9: 33, av1: 35 } as const;
const PRESETS = { h264: 'veryfast', hevc: 'superfast', vp9: '5', av1: '10' } as const;
// Look-ahead of x264's presets, in pictures.
const LOOK_AHEAD: Record<string, number> = {
  superfast: 0,
  ultrafast: 0,
  veryfast: 10,
  faster: 20,
  fast: 30,
  medium: 40,
  slow: 50,
  slower: 60,
  veryslow: 60,
  placebo: 60,
};
// Look-ahead of x265's presets. It must exceed the number of consecutive B-frames.
const LOOK_AHEAD_HEVC: Record<string, number> = {
  ultrafast: 5,
  superfast: 10,
  veryfast: 15,
  faster: 15,
  fast: 15,
  medium: 20,
  slow: 25,
  slower: 40,
  veryslow: 40,
  placebo: 60,
};
const MOST_B_FRAMES_HEVC = 8;
// Maximum number of pictures that x265 stores before one with an earlier time: two levels of B-frames.
const REORDER_HEVC = 2;
// Frames that x265 encodes in parallel; each one delays the output by a frame.
const FRAME_THREADS_HEVC = 4;
// Maximum look-ahead in seconds: pictures inside the encoder are lost if the process is killed.
const HELD_BACK = 0.8;

/**
 * Opens libx264, libx265, libvpx-vp9 or SVT-AV1 for 4:2:0 pictures. Throws `ENCODER_UNAVAILABLE` and
 * `INVALID_ARGUMENT`.
 */
export async function openEncoder(ffmpeg: Ffmpeg, options: EncoderOptions): Promise<VideoEncoder> {
  const { constants, Codec, CodecContext, Dictionary, Packet, Rational } = ffmpeg;
  const name = ENCODERS[options.codec];
  if (!name)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected one of ${Object.keys(ENCODERS).join(', ')} for codec but received ${String(options.codec)}; ` +
        'choose one of these.',
    );
  const codec = Codec.findEncoderByName(name as never);
  if (!codec)
    throw new FaceDetError('ENCODER_UNAVAILABLE', `This build of FFmpeg has no ${name}; choose another codec.`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = options.width;
  context.height = options.height;
  context.pixelFormat = options.bitDepth === 10 ? constants.AV_PIX_FMT_YUV420P10LE : constants.AV_PIX_FMT_YUV420P;
  context.timeBase = new Rational(options.timeBase.num, options.timeBase.den);
  context.framerate = rate(ffmpeg, options.fps);
  context.sampleAspectRatio = new Rational(options.sampleAspectRatio.num, options.sampleAspectRatio.den);
  context.gopSize = Math.min(250, Math.max(1, Math.round(10 * options.fps)));
  context.threadCount = options.threads;
  context.colorRange = options.color.range as never;
  context.colorSpace = options.color.space as never;
  context.colorPrimaries = options.color.primaries as never;
  context.colorTrc = options.color.transfer as never;
  context.chromaLocation = options.color.chromaLocation as never;
  if (!options.reorder) context.maxBFrames = 0;
  context.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER);
  // Errors only: SVT-AV1 writes its settings to standard error by default.
  if (options.codec === 'av1') process.env.SVT_LOG ??= '1';
  const dictionary = Dictionary.fromObject(tuning(options));
  const opened = await context.open2(codec, dictionary);
  dictionary.free();
  if (opened < 0) {
    context.freeContext();
    throw failure(
      ffmpeg,
      opened,
      'INVALID_ARGUMENT',
      `${name} refuses ${options.width} × ${options.height} pixels with preset ` +
        `${options.preset ?? PRESETS[options.codec]} and CRF ${options.crf ?? CRF[options.codec]}`,
    );
  }
  const packet = new Packet();
  packet.alloc();
  const times = options.codec === 'hevc' ? createDecodeTimes(options.reorder ? REORDER_HEVC : 0) : undefined;
  let closed = false;
  return {
    context,
    async encode(frame, onPacket) {
      if (frame) times?.shown(frame.pts, frame.duration);
      check(ffmpeg, await context.sendFrame(frame), 'ENCODING_FAILED', `${name} refuses a picture`);
      for (;;) {
        const result = await context.receivePacket(packet);
        if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
        check(ffmpeg, result, 'ENCODING_FAILED', `${name} fails`);
        if (times) packet.dts = times.next();
        try {
          await onPacket(packet);
        } finally {
          packet.unref();
        }
      }
    },
    close() {
      if (closed) return;
      closed = true;
      packet.free();
      context.freeContext();
    },
  };
}

function tuning(options: EncoderOptions): Record<string, string> {
  const { codec, crf = CRF[codec], preset = PRESETS[codec], fps, hdr } = options;
  const ahead = Math.max(5, Math.floor(HELD_BACK * fps));
  if (codec === 'h264')
    return {
      preset,
      crf: String(crf),
      'rc-lookahead': String(Math.min(LOOK_AHEAD[preset] ?? 40, ahead)),
      // Pictures queued between x264's threads cost memory (6 MiB each at 1080p) and save no time next to decoding and
      // detection.
      'x264-params': 'sync-lookahead=0',
      a53cc: '0',
    };
  if (codec === 'hevc')
    return { preset, crf: String(crf), 'x265-params': hevcParameters(options, preset, ahead), a53cc: '0' };
  if (codec === 'vp9')
    return {
      crf: String(crf),
      b: '0',
      deadline: 'good',
      'cpu-used': preset,
      'row-mt': '1',
      'lag-in-frames': String(Math.min(25, ahead)),
    };
  // Low delay: pictures are stored in display order, and few of them are inside the encoder.
  const params = ['pred-struct=1', 'lookahead=0', ...(hdr ? av1HdrParameters(hdr) : [])];
  return { crf: String(crf), preset, 'svtav1-params': params.join(':') };
}

/** Closed groups of pictures: what a resumed run appends must start with a picture that refers to no earlier one. */
function hevcParameters({ threads, reorder, hdr }: EncoderOptions, preset: string, ahead: number): string {
  const lookAhead = Math.min(LOOK_AHEAD_HEVC[preset] ?? 40, Math.max(ahead, MOST_B_FRAMES_HEVC + 1));
  return [
    'log-level=error',
    'open-gop=0',
    'repeat-headers=0',
    `rc-lookahead=${lookAhead}`,
    `pools=${threads}`,
    `frame-threads=${Math.min(threads, FRAME_THREADS_HEVC)}`,
    ...(reorder ? ['b-pyramid=1'] : ['bframes=0']),
    ...(hdr ? hevcHdrParameters(hdr) : []),
  ].join(':');
}

function rate({ Rational }: Ffmpeg, fps: number) {
  const ntsc = Math.round(fps * 1.001);
  if (Math.abs(fps - Math.round(fps)) < 1e-6) return new Rational(Math.round(fps), 1);
  if (Math.abs(fps - ntsc / 1.001) < 1e-3) return new Rational(ntsc * 1000, 1001);
  return new Rational(Math.round(fps * 1000), 1000);
}
