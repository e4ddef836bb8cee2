import type { PixelBuffer } from '@facedet/core';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** FFmpeg's quantizer scale, 1 to 31: 3 is about quality 85 of other encoders. */
const SCALE = 3;

/**
 * Encodes a small picture, packed RGB, as a JPEG: 4:4:4, full range. Throws `OUT_OF_MEMORY` and `WRITE_FAILED`.
 */
export async function encodeJpeg(ffmpeg: Ffmpeg, { data, width, height }: PixelBuffer): Promise<Buffer> {
  const { constants, Codec, CodecContext, Frame, Packet, Rational, SoftwareScaleContext } = ffmpeg;
  const failed = `A picture of ${width} × ${height} can't be encoded as JPEG`;
  const [rgb, yuv, packet] = [new Frame(), new Frame(), new Packet()];
  const context = new CodecContext();
  const scaler = new SoftwareScaleContext();
  try {
    for (const [frame, format] of [
      [rgb, constants.AV_PIX_FMT_RGB24],
      [yuv, constants.AV_PIX_FMT_YUVJ444P],
    ] as const) {
      frame.alloc();
      Object.assign(frame, { width, height, format });
      check(ffmpeg, frame.getBuffer(0), 'OUT_OF_MEMORY', failed);
    }
    yuv.colorRange = constants.AVCOL_RANGE_JPEG;
    const [plane, stride] = [rgb.data![0]!, rgb.linesize[0]!];
    for (let y = 0; y < height; y++) plane.set(data.subarray(3 * width * y, 3 * width * (y + 1)), y * stride);
    scaler.allocContext();
    check(ffmpeg, await scaler.scaleFrame(yuv, rgb), 'WRITE_FAILED', failed);

    const codec = Codec.findEncoder(constants.AV_CODEC_ID_MJPEG)!;
    context.allocContext3(codec);
    Object.assign(context, {
      width,
      height,
      pixelFormat: constants.AV_PIX_FMT_YUVJ444P,
      colorRange: constants.AVCOL_RANGE_JPEG,
    });
    context.timeBase = new Rational(1, 25);
    context.setFlags(constants.AV_CODEC_FLAG_QSCALE);
    context.globalQuality = SCALE * constants.FF_QP2LAMBDA;
    check(ffmpeg, await context.open2(codec, null), 'WRITE_FAILED', failed);
    yuv.pts = 0n;
    yuv.quality = context.globalQuality;
    check(ffmpeg, await context.sendFrame(yuv), 'WRITE_FAILED', failed);
    check(ffmpeg, await context.sendFrame(null), 'WRITE_FAILED', failed);
    packet.alloc();
    check(ffmpeg, await context.receivePacket(packet), 'WRITE_FAILED', failed);
    return Buffer.from(packet.data!);
  } finally {
    for (const part of [rgb, yuv, packet]) part.free();
    scaler.freeContext();
    context.freeContext();
  }
}
