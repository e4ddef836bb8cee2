import type { CodecContext, Frame, Packet, Stream } from 'node-av/lib';
import { check } from '../ffmpeg/errors.ts';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Fraction } from '../read/metadata.ts';
import { MICROSECONDS, openAudioCodecs, type AudioCodecs } from './audio-codecs.ts';
import { formatKeyOf, openAudioResampler, type AudioResampler } from './audio-resampler.ts';

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

// A larger difference between times, in seconds, is a gap in the source and not rounding.
const GAP = 0.03;

/** Receives encoded packets. */
type OnPacket = (packet: Packet) => Promise<void>;

/** Opens a converter for an audio stream. Throws `AUDIO_UNSUPPORTED` if this build of FFmpeg lacks a codec. */
export async function openAudioConverter(
  ffmpeg: Ffmpeg,
  from: Stream,
  target: 'aac' | 'opus',
): Promise<AudioConverter> {
  const { constants, Frame } = ffmpeg;
  const codecs = await openAudioCodecs(ffmpeg, from, target);
  const { decoder, encoder, refused } = codecs;
  let graph: AudioResampler | undefined;
  let next: number | undefined; // end of the audio decoded so far, in microseconds
  const { encode, freePacket } = createFrameEncoder(ffmpeg, codecs);

  /** Encodes what the resampler has ready. */
  async function drain(onPacket: OnPacket): Promise<void> {
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

  async function endGraph(onPacket: OnPacket): Promise<void> {
    if (!graph) return;
    await graph.source.buffersrcAddFrame(null);
    await drain(onPacket);
    graph.graph.free();
    graph = undefined;
  }

  async function filter(frame: Frame, onPacket: OnPacket): Promise<void> {
    if (graph && graph.key !== formatKeyOf(frame)) await endGraph(onPacket);
    graph ??= await openAudioResampler(ffmpeg, frame, codecs);
    const time = startOf(frame.pts === constants.AV_NOPTS_VALUE ? next : Number(frame.pts), next);
    frame.pts = BigInt(Math.round(time));
    next = time + (frame.nbSamples / frame.sampleRate) * MICROSECONDS;
    check(ffmpeg, await graph.source.buffersrcAddFrame(frame), 'ENCODING_FAILED', refused);
    await drain(onPacket);
  }

  return {
    encoder,
    timeBase: { num: 1, den: encoder.sampleRate },
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
    close() {
      graph?.graph.free();
      graph = undefined;
      freePacket();
      codecs.close();
    },
  };
}

/** The start of a frame in microseconds: its stated time if that is a gap after `next`, where the last frame ended. */
function startOf(stated: number | undefined, next: number | undefined): number {
  const isGap = next === undefined || (stated !== undefined && stated - next >= GAP * MICROSECONDS);
  return isGap ? (stated ?? 0) : next;
}

/** Encodes frames, all of them through one packet. */
interface FrameEncoder {
  /** Encodes a frame; null flushes. */
  encode(frame: Frame | null, onPacket: OnPacket): Promise<void>;
  freePacket(): void;
}

function createFrameEncoder(ffmpeg: Ffmpeg, { encoder, refused }: AudioCodecs): FrameEncoder {
  const { constants } = ffmpeg;
  const packet = new ffmpeg.Packet();
  packet.alloc();
  return {
    async encode(frame, onPacket) {
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
    },
    freePacket: () => packet.free(),
  };
}
