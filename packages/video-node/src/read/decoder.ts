import { setTimeout as sleep } from 'node:timers/promises';
import { FaceDetError } from '@facedet/core';
import type { Frame as NativeFrame, Packet } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check, failure } from '../ffmpeg/errors.ts';
import { openHardware } from '../ffmpeg/hardware.ts';
import type { Input } from './input.ts';
import { streamDuration } from './metadata.ts';

/** A decoded picture as it stands in the container: not yet turned upright. Who receives it frees it. */
export interface Decoded {
  readonly frame: NativeFrame;
  /** Seconds on the container's clock; null where the container has none. */
  readonly seconds: number | null;
  /** Seconds that it is shown; 0 where that is not known. */
  readonly duration: number;
}

/** How pictures are decoded. */
export interface DecodeOptions {
  /** What messages call the source. */
  readonly name: string;
  /** Threads of the decoder. */
  readonly threads: number;
  readonly hwaccel: 'auto' | 'none';
  /** Pixels of a picture at most; larger ones are not decoded. */
  readonly pixelLimit: number;
  /** Whether the source has a stated end that it must reach. */
  readonly finite: boolean;
  /** Whether a picture with errors is refused, instead of its damaged part being guessed. */
  readonly strict?: boolean;
}

/** The decoder of one container. */
export interface PictureDecoder {
  /** The pictures in the order they are shown, from where the container stands. */
  pictures(): AsyncGenerator<Decoded, void>;
  /** Moves to a key frame at or before a time of the container's clock, if the container can. */
  seek(seconds: number): Promise<boolean>;
  close(): void;
}

// Broken pictures in a row after which a file is given up; a single one is left out, as players do.
const BROKEN_LIMIT = 100;

/**
 * Opens the decoder of a container's pictures. Throws `VIDEO_CODEC_UNSUPPORTED`; its pictures end with
 * `VIDEO_TRUNCATED` where a finite source ends before its stated length and with `VIDEO_BROKEN` where it can't be read
 * on.
 */
export async function openDecoder(ffmpeg: Ffmpeg, input: Input, options: DecodeOptions): Promise<PictureDecoder> {
  const { constants, Codec, CodecContext, Packet, Frame } = ffmpeg;
  const { format, stream } = input;
  const { name } = options;
  const { num, den } = stream.timeBase;
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (!codec)
    throw new FaceDetError(
      'VIDEO_CODEC_UNSUPPORTED',
      `${name}: this build of FFmpeg has no decoder for ` +
        `${ffmpeg.avGetCodecName(stream.codecpar.codecId) ?? 'its codec'}. Convert it to H.264, VP9 or AV1.`,
    );
  const context = new CodecContext();
  context.allocContext3(codec);
  let hardware: ReturnType<typeof openHardware>;
  try {
    check(
      ffmpeg,
      context.parametersToContext(stream.codecpar),
      'VIDEO_CODEC_UNSUPPORTED',
      `${name}: the decoder refuses its parameters`,
    );
    context.pktTimebase = stream.timeBase;
    context.threadCount = options.threads;
    context.setOption('max_pixels', options.pixelLimit);
    // That of TIFF would refuse tags that it does not know.
    if (options.strict && stream.codecpar.codecId !== constants.AV_CODEC_ID_TIFF)
      context.setOption('err_detect', 'explode');
    if (options.hwaccel === 'auto') hardware = openHardware(ffmpeg, codec, context);
    check(ffmpeg, await context.open2(codec, null), 'VIDEO_CODEC_UNSUPPORTED', `${name}: the decoder does not open`);
  } catch (error) {
    context.freeContext();
    hardware?.free();
    throw error;
  }

  async function* pictures(): AsyncGenerator<Decoded, void> {
    const packet = new Packet();
    packet.alloc();
    let halfRead: Packet | null = null;
    let broken = 0;
    let count = 0;
    let end = 0; // seconds that the packets read so far reach to
    let stopped: FaceDetError | undefined;
    const feed = async (next: Packet | null) => {
      const sent = await context.sendPacket(next);
      broken = sent < 0 && sent !== constants.AVERROR_EOF ? broken + 1 : 0;
      if (broken >= BROKEN_LIMIT)
        throw failure(
          ffmpeg,
          sent,
          'VIDEO_BROKEN',
          `${name}: ${broken} pictures in a row can't be decoded, the last at ${end.toFixed(2)} s`,
        );
    };
    try {
      for (;;) {
        const read = await format.readFrame(packet);
        if (read === constants.AVERROR_EAGAIN) {
          await sleep(2);
          continue;
        }
        if (read < 0) {
          if (read !== constants.AVERROR_EOF)
            stopped = failure(
              ffmpeg,
              read,
              'VIDEO_BROKEN',
              `${name}: it can't be read on after ${end.toFixed(2)} s (${count} frames)`,
            );
          break;
        }
        end = Math.max(end, endOf(packet));
        if (packet.streamIndex === stream.index) {
          if (halfRead) {
            await feed(halfRead);
            halfRead.free();
            halfRead = null;
            for await (const picture of received()) yield (count++, picture);
          }
          // The last packet of a file that was cut off is half a picture; in the middle of a stream it may still serve.
          if (packet.flags & constants.AV_PKT_FLAG_CORRUPT) halfRead = packet.clone();
          else await feed(packet);
          packet.unref();
          for await (const picture of received()) yield (count++, picture);
        } else packet.unref();
      }
      await feed(null);
      for await (const picture of received()) yield (count++, picture);
    } finally {
      packet.free();
      halfRead?.free();
    }
    const cut = halfRead !== null;
    if (stopped) throw stopped;
    if (count === 0)
      throw new FaceDetError(
        'VIDEO_BROKEN',
        `${name}: expected frames, none of its pictures can be decoded within ` +
          `${options.pixelLimit.toLocaleString('en')} pixels.`,
      );
    const missing = options.finite ? missingSeconds(end) : 0;
    if (cut || missing > 0)
      throw new FaceDetError(
        'VIDEO_TRUNCATED',
        `${name}: it ends after ${count} ` +
          `frames${missing > 0 ? `, ${missing.toFixed(2)} s before its stated length` : ' in the middle of one'}: the file was cut off.`,
      );
  }

  async function* received(): AsyncGenerator<Decoded, void> {
    for (;;) {
      let frame = new Frame();
      frame.alloc();
      const result = await context.receiveFrame(frame);
      if (result < 0) {
        frame.free();
        return;
      }
      if (frame.isHwFrame()) frame = await download(frame);
      const pts = frame.bestEffortTimestamp !== constants.AV_NOPTS_VALUE ? frame.bestEffortTimestamp : frame.pts;
      frame.pts = pts;
      yield {
        frame,
        seconds: pts === constants.AV_NOPTS_VALUE ? null : (Number(pts) * num) / den,
        duration: (Number(frame.duration) * num) / den,
      };
    }
  }

  async function download(frame: NativeFrame): Promise<NativeFrame> {
    const software = new Frame();
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
        `${name}: a picture can't be fetched from the graphics card; try hwaccel: 'none'`,
      );
    }
    return software;
  }

  function endOf(packet: Packet): number {
    const time = packet.pts !== constants.AV_NOPTS_VALUE ? packet.pts : packet.dts;
    const base = format.streams[packet.streamIndex]?.timeBase;
    return time === constants.AV_NOPTS_VALUE || !base ? 0 : (Number(time + packet.duration) * base.num) / base.den;
  }

  // Only containers that state a length exactly; the others' is a guess from their size.
  function missingSeconds(end: number): number {
    const container = format.iformat?.name ?? '';
    if (!/\b(mov|matroska|avi|flv)\b/.test(container)) return 0;
    const length = streamDuration(ffmpeg, format, stream);
    if (length === null) return 0;
    const ownStart = stream.startTime !== constants.AV_NOPTS_VALUE ? (Number(stream.startTime) * num) / den : 0;
    // An MP4 states how long its pictures are shown, the others when everything is over.
    const begin = container.includes('mov') ? ownStart : Math.min(ownStart, 0);
    // Half a second: what headers round, and what a last picture without a duration is shown.
    const missing = length - (end - begin);
    return missing > Math.max(0.5, 0.005 * length) ? missing : 0;
  }

  let closed = false;
  return {
    pictures,
    async seek(seconds) {
      const target = BigInt(Math.floor((seconds * den) / num));
      const result = await format.seekFrame(stream.index, target, constants.AVSEEK_FLAG_BACKWARD);
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
