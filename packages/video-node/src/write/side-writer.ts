import { FaceDetError } from '@facedet/core';
import type { FormatContext, Packet } from 'node-av/lib';
import { failure } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Fraction } from '../read/metadata.ts';
import type { AudioConverter } from './audio-conversion.ts';
import { durationOf } from './side-packets.ts';
import type { Route } from './side-routes.ts';
import type { SideStreamTarget } from './side-selection.ts';
import { convertSubtitle } from './subtitle-conversion.ts';

/** Writes packets of audio and subtitles, converted where their route says so. */
export interface SideWriter {
  /** Writes a source's packet at a time of the output, in seconds. */
  send(route: Route, packet: Packet, seconds: number): Promise<void>;
  /** Writes what a route's converter still holds. */
  flush(route: Route): Promise<void>;
}

/** A packet and its time in the output. */
interface TimedPacket {
  readonly packet: Packet;
  readonly timeBase: Fraction;
  readonly seconds: number;
}

// ENOSPC, EIO, EFBIG, EROFS, EDQUOT: errors that affect every packet.
const FATAL = new Set([-28, -5, -27, -30, -122]);
const MILLISECONDS: Fraction = { num: 1, den: 1000 };

/** Opens a writer; `lead` seconds are added to all times. */
export function createSideWriter(
  ffmpeg: Ffmpeg,
  { output, container }: Pick<SideStreamTarget, 'output' | 'container'>,
  lead: number,
): SideWriter {
  const { constants, avRescaleQ } = ffmpeg;
  // Matroska's ticks may be longer than packets (TrueHD): equal times are correct there, and unique ones would drift.
  const mayShareTimes = container === 'matroska' || container === 'webm';

  async function write(route: Route, timed: TimedPacket): Promise<void> {
    const { stream, counts } = route;
    const { packet, timeBase } = timed;
    const { AV_NOPTS_VALUE } = constants;
    const lag = packet.pts !== AV_NOPTS_VALUE && packet.dts !== AV_NOPTS_VALUE ? packet.pts - packet.dts : 0n;
    const dts = nextDts(route, timed, { lead, mayShareTimes });
    if (dts === undefined) {
      counts.dropped++;
      return;
    }
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
    throwIfFatal(ffmpeg, output, result);
    counts.dropped++;
  }

  /** Audio that can't be converted is left out; disk errors are thrown. */
  async function convert(
    route: Route,
    converter: AudioConverter,
    packet: Packet | null,
    seconds: number,
  ): Promise<void> {
    const { timeBase } = converter;
    const onPacket = (made: Packet) =>
      write(route, { packet: made, timeBase, seconds: (Number(made.pts) * timeBase.num) / timeBase.den });
    await converter.push(packet, seconds, onPacket).catch((error: unknown) => {
      if (!isConversionError(error)) throw error;
      route.counts.dropped++;
    });
  }

  async function sendText(route: Route, packet: Packet, seconds: number): Promise<void> {
    const made = textPacket(ffmpeg, route, packet);
    if (!made) return;
    try {
      await write(route, { packet: made, timeBase: MILLISECONDS, seconds });
    } finally {
      made.free();
    }
  }

  return {
    async send(route, packet, seconds) {
      const { converter, filter, counts } = route;
      const { timeBase } = route.from;
      if (converter) await convert(route, converter, packet, seconds);
      else if (route.text) await sendText(route, packet, seconds);
      else if (!filter) await write(route, { packet, timeBase, seconds });
      else if ((await filter.sendPacket(packet)) < 0) counts.dropped++;
      else
        while ((await filter.receivePacket(packet)) >= 0) {
          packet.freeSideData();
          await write(route, { packet, timeBase, seconds });
          packet.unref();
        }
    },
    async flush(route) {
      if (route.converter) await convert(route, route.converter, null, 0);
    },
  };
}

/** Throws an error that affects every packet: a full disk ends the run, a packet that the muxer rejects does not. */
function throwIfFatal(ffmpeg: Ffmpeg, output: FormatContext, result: number): void {
  const fatal = output.pb?.error ?? 0;
  if (fatal >= 0 && !FATAL.has(result)) return;
  const message = `${output.url ?? 'The output'} can't be written`;
  throw failure(ffmpeg, fatal < 0 ? fatal : result, 'WRITE_FAILED', message);
}

function isConversionError(error: unknown): boolean {
  return error instanceof FaceDetError && (error.code === 'ENCODING_FAILED' || error.code === 'AUDIO_UNSUPPORTED');
}

/** The decoding time of a packet, at least that of the one before; undefined for audio that was already written. */
function nextDts(
  route: Route,
  { packet, timeBase, seconds }: TimedPacket,
  { lead, mayShareTimes }: { lead: number; mayShareTimes: boolean },
): bigint | undefined {
  const { from, stream, counts, position } = route;
  const { num, den } = stream.timeBase;
  const dts = BigInt(Math.round(((seconds + lead) * den) / num));
  const isStrict = counts.kind === 'audio' && !mayShareTimes;
  if (route.lastDts === undefined || dts > route.lastDts || (!isStrict && dts === route.lastDts)) {
    route.behind = false;
    return dts;
  }
  const length = durationOf(packet, timeBase);
  // A packet that overlaps by more than half of its length was written already.
  if (route.behind && length > 0 && position.end !== undefined && position.end - seconds > length / 2 + 0.02)
    return undefined;
  const next = route.lastDts + (isStrict ? 1n : 0n);
  // Packets shorter than a tick of the source (TrueHD in Matroska) may share a time.
  const tick = Math.ceil((from.timeBase.num * den) / (from.timeBase.den * num));
  if (next - dts > BigInt(tick)) counts.repaired++;
  return next;
}

/** The packet of a converted subtitle, with its duration in milliseconds; undefined if it has no text. */
function textPacket(ffmpeg: Ffmpeg, { from, counts, text }: Route, packet: Packet): Packet | undefined {
  const data = convertSubtitle(packet.data ?? Buffer.alloc(0), counts.from, text!);
  if (!data) return undefined;
  const duration = ffmpeg.avRescaleQ(packet.duration, from.timeBase, MILLISECONDS);
  const made = new ffmpeg.Packet();
  made.alloc();
  made.data = data;
  return Object.assign(made, { pts: 0n, dts: 0n, duration, flags: ffmpeg.constants.AV_PKT_FLAG_KEY });
}
