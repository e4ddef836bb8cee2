import type { CodecParameters, Packet } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Fraction } from '../read/metadata.ts';
import { isIsoContainer } from './containers.ts';

/** A stream to test a container with. */
export interface TriedStream {
  readonly codecpar: CodecParameters;
  /** Time base of the packets. */
  readonly timeBase: Fraction;
  /** The first packets; may be empty. */
  readonly packets: readonly Packet[];
}

/**
 * Tests whether a container accepts a stream: writes its parameters and first packets to a muxer whose output is
 * discarded. Returns 0, or FFmpeg's error code if the container rejects them.
 */
export async function tryStream(
  ffmpeg: Ffmpeg,
  container: string,
  { codecpar, timeBase, packets }: TriedStream,
): Promise<number> {
  const { Dictionary, FormatContext, IOContext, Rational } = ffmpeg;
  const output = new FormatContext();
  if (output.allocOutputContext2(null, container, null) < 0) return -1;
  const sink = new IOContext();
  sink.allocContextWithCallbacks(
    65_536,
    1,
    null,
    (bytes) => bytes.length,
    (offset) => offset,
  );
  output.pb = sink;
  output.strictStdCompliance = STRICTNESS;
  const options = Dictionary.fromObject(muxerOptions(container));
  try {
    const stream = output.newStream(null);
    codecpar.copy(stream.codecpar);
    stream.codecpar.codecTag = 0;
    stream.timeBase = new Rational(timeBase.num, timeBase.den);
    let result = await output.writeHeader(options);
    for (let i = 0; i < packets.length && result >= 0; i++) {
      const packet = packets[i]!.clone()!;
      try {
        packet.streamIndex = 0;
        packet.rescaleTs(timeBase, stream.timeBase);
        result = await output.writeFrame(packet);
      } finally {
        packet.free();
      }
    }
    if (result >= 0) result = await output.writeTrailer();
    return Math.min(result, 0);
  } finally {
    options.free();
    output.pb = null;
    output.freeContext();
    sink.freeContext();
  }
}

/** FFmpeg's compliance level for what it calls experimental: TrueHD and spherical video in an MP4. */
export const STRICTNESS = -2;

/** Muxer options: an MP4 is fragmented and becomes an ordinary one at the end, a Matroska has short clusters. */
export function muxerOptions(container: string): Record<string, string> {
  return isIsoContainer(container)
    ? { movflags: '+frag_custom+delay_moov+default_base_moof+hybrid_fragmented+negative_cts_offsets' }
    : { cluster_time_limit: '500' };
}
