import { FaceDetError } from '@facedet/core';
import type { CodecContext, Frame as NativeFrame, Packet } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import type { ColorTags, Fraction } from '../read/metadata.ts';

/** The codecs that are written. */
export type VideoCodec = 'h264' | 'vp9' | 'av1';

/** What an encoder is opened with. */
export interface EncoderOptions {
  readonly codec: VideoCodec;
  readonly width: number;
  readonly height: number;
  readonly timeBase: Fraction;
  /** Nominal frames a second: key frames and look-ahead are counted by it. */
  readonly fps: number;
  readonly sampleAspectRatio: Fraction;
  readonly color: ColorTags;
  readonly crf?: number | undefined;
  readonly preset?: string | undefined;
  readonly threads: number;
  /** Whether pictures may be stored out of order (B-frames). */
  readonly reorder: boolean;
}

/** An open encoder. Packets come with the index of the picture they hold. */
export interface VideoEncoder {
  readonly context: CodecContext;
  /** Encodes a picture; null flushes. The packets belong to the callee's `onPacket`, which is awaited. */
  encode(frame: NativeFrame | null, onPacket: (packet: Packet) => Promise<void>): Promise<void>;
  close(): void;
}

const ENCODERS = { h264: 'libx264', vp9: 'libvpx-vp9', av1: 'libsvtav1' } as const;
const CRF = { h264: 23, vp9: 33, av1: 35 } as const;
const PRESETS = { h264: 'veryfast', vp9: '5', av1: '10' } as const;
// Pictures that x264's presets look ahead, where that is more than none.
const LOOK_AHEAD: Record<string, number> = { superfast: 0, ultrafast: 0, veryfast: 10, faster: 20, fast: 30, medium: 40, slow: 50, slower: 60, veryslow: 60, placebo: 60 };
// What an encoder holds back is lost by a kill: at most this many seconds.
const HELD_BACK = 0.8;

/** Opens libx264, libvpx-vp9 or SVT-AV1 for 8-bit 4:2:0 pictures. Throws `ENCODER_UNAVAILABLE` and `INVALID_ARGUMENT`. */
export async function openEncoder(ffmpeg: Ffmpeg, options: EncoderOptions): Promise<VideoEncoder> {
  const { constants, Codec, CodecContext, Dictionary, Packet, Rational } = ffmpeg;
  const name = ENCODERS[options.codec];
  if (!name) throw new FaceDetError('INVALID_ARGUMENT', `Expected one of ${Object.keys(ENCODERS).join(', ')} as codec, received ${String(options.codec)}.`);
  const codec = Codec.findEncoderByName(name as never);
  if (!codec) throw new FaceDetError('ENCODER_UNAVAILABLE', `This build of FFmpeg has no ${name}; choose another codec.`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = options.width;
  context.height = options.height;
  context.pixelFormat = constants.AV_PIX_FMT_YUV420P;
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
  // SVT-AV1 writes its settings to standard error, unless it is told to tell of errors only.
  if (options.codec === 'av1') process.env.SVT_LOG ??= '1';
  const dictionary = Dictionary.fromObject(tuning(options));
  const opened = await context.open2(codec, dictionary);
  dictionary.free();
  if (opened < 0) {
    context.freeContext();
    throw failure(ffmpeg, opened, 'INVALID_ARGUMENT', `${name} refuses ${options.width} × ${options.height} pixels with preset ${options.preset ?? PRESETS[options.codec]} and CRF ${options.crf ?? CRF[options.codec]}`);
  }
  const packet = new Packet();
  packet.alloc();
  let closed = false;
  return {
    context,
    async encode(frame, onPacket) {
      check(ffmpeg, await context.sendFrame(frame), 'ENCODING_FAILED', `${name} refuses a picture`);
      for (;;) {
        const result = await context.receivePacket(packet);
        if (result === constants.AVERROR_EAGAIN || result === constants.AVERROR_EOF) return;
        check(ffmpeg, result, 'ENCODING_FAILED', `${name} fails`);
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

function tuning({ codec, crf = CRF[codec], preset = PRESETS[codec], fps }: EncoderOptions): Record<string, string> {
  const ahead = Math.max(5, Math.floor(HELD_BACK * fps));
  if (codec === 'h264') return { preset, crf: String(crf), 'rc-lookahead': String(Math.min(LOOK_AHEAD[preset] ?? 40, ahead)), a53cc: '0' };
  if (codec === 'vp9') return { crf: String(crf), b: '0', deadline: 'good', 'cpu-used': preset, 'row-mt': '1', 'lag-in-frames': String(Math.min(25, ahead)) };
  // Low delay: pictures are stored in the order they are shown, and none is held back for long.
  return { crf: String(crf), preset, 'svtav1-params': 'pred-struct=1:lookahead=0' };
}

function rate({ Rational }: Ffmpeg, fps: number) {
  const ntsc = Math.round(fps * 1.001);
  if (Math.abs(fps - Math.round(fps)) < 1e-6) return new Rational(Math.round(fps), 1);
  if (Math.abs(fps - ntsc / 1.001) < 1e-3) return new Rational(ntsc * 1000, 1001);
  return new Rational(Math.round(fps * 1000), 1000);
}
