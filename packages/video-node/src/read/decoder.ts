import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import type {
  CodecContext,
  FormatContext,
  Frame as NativeFrame,
  HardwareDeviceContext,
  Packet,
  Stream,
} from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import { openHardware } from '../ffmpeg/hardware.ts';
import { checkComplete } from './completeness.ts';
import type { Input } from './input.ts';
import type { Fraction } from './metadata.ts';

/** A decoded picture in the container's orientation. The receiver frees it. */
export interface Decoded {
  readonly frame: NativeFrame;
  /** Time on the container's clock, in seconds; null if the container states none. */
  readonly seconds: number | null;
  /** Seconds that it is shown; 0 if unknown. */
  readonly duration: number;
}

/** How pictures are decoded. */
export interface DecodeOptions {
  /** What messages call the source. */
  readonly name: string;
  /** Threads of the decoder. */
  readonly threads: number;
  readonly hwaccel: 'auto' | 'none';
  /** Maximum pixels of a picture; larger ones are not decoded. */
  readonly pixelLimit: number;
  /** Whether the source states an end that it must reach. */
  readonly finite: boolean;
  /** Whether a damaged picture is an error; otherwise the decoder conceals the damage. */
  readonly strict?: boolean;
}

/** The decoder of one container. */
export interface PictureDecoder {
  /** The pictures in display order, from the container's current position. */
  pictures(): AsyncGenerator<Decoded, void>;
  /** Seeks to a key frame at or before a time on the container's clock; false if the container can't seek. */
  seek(seconds: number): Promise<boolean>;
  close(): void;
}

// Broken pictures in a row after which decoding stops; fewer are skipped, as players do.
const BROKEN_LIMIT = 100;

/**
 * Opens the decoder of a container's pictures. Throws `VIDEO_CODEC_UNSUPPORTED`. Its pictures end with
 * `VIDEO_TRUNCATED` if a finite source ends before its stated length, and with `VIDEO_BROKEN` if reading fails.
 */
export async function openDecoder(ffmpeg: Ffmpeg, input: Input, options: DecodeOptions): Promise<PictureDecoder> {
  const { format, stream } = input;
  const { num, den } = stream.timeBase;
  const { context, hardware } = await openContext(ffmpeg, stream, options);
  let closed = false;
  return {
    pictures: () => decodePictures(ffmpeg, input, context, options),
    async seek(seconds) {
      const target = BigInt(Math.floor((seconds * den) / num));
      const result = await format.seekFrame(stream.index, target, ffmpeg.constants.AVSEEK_FLAG_BACKWARD);
      if (result < 0) return false;
      context.flushBuffers();
      return true;
    },
    close() {
      if (closed) return;
      closed = true;
      context.freeContext();
      hardware?.free();
    },
  };
}

/** FFmpeg's decoder of a stream, and the GPU that it uses. The caller frees both. */
async function openContext(ffmpeg: Ffmpeg, stream: Stream, { name, ...options }: DecodeOptions) {
  const { constants, Codec, CodecContext } = ffmpeg;
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (!codec)
    throw new FaceDetError(
      'VIDEO_CODEC_UNSUPPORTED',
      `Expected a codec that this build of FFmpeg can decode but ${name} has ` +
        `${ffmpeg.avGetCodecName(stream.codecpar.codecId) ?? 'an unknown one'}; convert it to H.264, VP9 or AV1.`,
    );
  const context = new CodecContext();
  context.allocContext3(codec);
  let hardware: HardwareDeviceContext | undefined;
  try {
    check(
      ffmpeg,
      context.parametersToContext(stream.codecpar),
      'VIDEO_CODEC_UNSUPPORTED',
      `Expected a video that the decoder supports but it rejects the parameters of ${name}`,
    );
    context.pktTimebase = stream.timeBase;
    context.threadCount = options.threads;
    context.setOption('max_pixels', options.pixelLimit);
    // The TIFF decoder would reject unknown tags.
    if (options.strict && stream.codecpar.codecId !== constants.AV_CODEC_ID_TIFF)
      context.setOption('err_detect', 'explode');
    if (options.hwaccel === 'auto') hardware = openHardware(ffmpeg, codec, context);
    check(
      ffmpeg,
      await context.open2(codec, null),
      'VIDEO_CODEC_UNSUPPORTED',
      `Expected a video that the decoder supports but it does not open for ${name}`,
    );
    return { context, hardware };
  } catch (error) {
    context.freeContext();
    hardware?.free();
    throw error;
  }
}

async function* decodePictures(
  ffmpeg: Ffmpeg,
  input: Input,
  context: CodecContext,
  options: DecodeOptions,
): AsyncGenerator<Decoded, void> {
  const { constants, Packet } = ffmpeg;
  const { format, stream } = input;
  const { timeBase } = stream;
  const { name } = options;
  const packet = new Packet();
  packet.alloc();
  let halfRead: Packet | null = null;
  let count = 0;
  let end = 0; // end time of the packets read so far, in seconds
  let stopped: FaceDetError | undefined;
  const feed = createFeed(ffmpeg, context, name);
  const received = () => receivePictures(ffmpeg, context, timeBase, name);
  try {
    for (;;) {
      const read = await readPacket(ffmpeg, format, packet);
      if (read < 0) {
        if (read !== constants.AVERROR_EOF)
          stopped = failure(
            ffmpeg,
            read,
            'VIDEO_BROKEN',
            `Expected a readable video but reading ${name} fails after ${end.toFixed(2)} s (${count} frames)`,
          );
        break;
      }
      end = Math.max(end, endOf(ffmpeg, format, packet));
      if (packet.streamIndex === stream.index) {
        if (halfRead) {
          await feed(halfRead, end);
          halfRead.free();
          halfRead = null;
          for await (const picture of received()) yield (count++, picture);
        }
        // A corrupt packet at the end of a file is the part of a picture before the cut; within a stream it may still
        // decode.
        if (packet.flags & constants.AV_PKT_FLAG_CORRUPT) halfRead = packet.clone();
        else await feed(packet, end);
        packet.unref();
        for await (const picture of received()) yield (count++, picture);
      } else packet.unref();
    }
    await feed(null, end);
    for await (const picture of received()) yield (count++, picture);
  } finally {
    packet.free();
    halfRead?.free();
  }
  if (stopped) throw stopped;
  checkComplete(ffmpeg, input, options, { count, end, cut: halfRead !== null });
}

/** Reads the next packet; waits while a source has none yet. Returns FFmpeg's result. */
async function readPacket({ constants }: Ffmpeg, format: FormatContext, packet: Packet): Promise<number> {
  for (;;) {
    const read = await format.readFrame(packet);
    if (read !== constants.AVERROR_EAGAIN) return read;
    await sleep(2);
  }
}

/** Sends packets to a decoder; throws after too many broken ones in a row. */
function createFeed(
  ffmpeg: Ffmpeg,
  context: CodecContext,
  name: string,
): (packet: Packet | null, end: number) => Promise<void> {
  let broken = 0;
  return async (packet, end) => {
    const sent = await context.sendPacket(packet);
    broken = sent < 0 && sent !== ffmpeg.constants.AVERROR_EOF ? broken + 1 : 0;
    if (broken >= BROKEN_LIMIT)
      throw failure(
        ffmpeg,
        sent,
        'VIDEO_BROKEN',
        `Expected decodable pictures in ${name} but ${broken} in a row are broken, the last at ${end.toFixed(2)} s`,
      );
  };
}

/** The pictures that a decoder has finished. */
async function* receivePictures(
  ffmpeg: Ffmpeg,
  context: CodecContext,
  { num, den }: Fraction,
  name: string,
): AsyncGenerator<Decoded, void> {
  const { constants, Frame } = ffmpeg;
  for (;;) {
    let frame = new Frame();
    frame.alloc();
    const result = await context.receiveFrame(frame);
    if (result < 0) {
      frame.free();
      return;
    }
    if (frame.isHwFrame()) frame = await download(ffmpeg, frame, name);
    const pts = frame.bestEffortTimestamp !== constants.AV_NOPTS_VALUE ? frame.bestEffortTimestamp : frame.pts;
    frame.pts = pts;
    yield {
      frame,
      seconds: pts === constants.AV_NOPTS_VALUE ? null : (Number(pts) * num) / den,
      duration: (Number(frame.duration) * num) / den,
    };
  }
}

/** Copies a picture from the GPU to memory and frees it there. */
async function download(ffmpeg: Ffmpeg, frame: NativeFrame, name: string): Promise<NativeFrame> {
  const software = new ffmpeg.Frame();
  software.alloc();
  const result = await frame.hwframeTransferData(software, 0);
  if (result >= 0) software.copyProps(frame);
  frame.free();
  if (result < 0) {
    software.free();
    throw failure(
      ffmpeg,
      result,
      'VIDEO_BROKEN',
      `Expected pictures from the GPU but one of ${name} can't be copied to memory; try hwaccel: 'none'`,
    );
  }
  return software;
}

/** End time of a packet on the container's clock, in seconds; 0 if it has no time. */
function endOf({ constants }: Ffmpeg, format: FormatContext, packet: Packet): number {
  const time = packet.pts !== constants.AV_NOPTS_VALUE ? packet.pts : packet.dts;
  const base = format.streams[packet.streamIndex]?.timeBase;
  return time === constants.AV_NOPTS_VALUE || !base ? 0 : (Number(time + packet.duration) * base.num) / base.den;
}
