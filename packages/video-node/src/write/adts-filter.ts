import type { BitStreamFilterContext, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';

/** A filter that removes ADTS headers, and the configuration that replaces them. */
export interface AdtsFilter {
  readonly context: BitStreamFilterContext;
  readonly extradata: Buffer | undefined;
}

/**
 * Opens a filter for AAC with a header before each packet (ADTS), as in MPEG-TS; other containers store one
 * AudioSpecificConfig. `first` are the stream's first packets. Undefined if the stream needs no filter.
 */
export async function openAdtsFilter(
  ffmpeg: Ffmpeg,
  from: Stream,
  first: readonly Packet[],
): Promise<AdtsFilter | undefined> {
  const codec = ffmpeg.avGetCodecName(from.codecpar.codecId);
  const data = first[0]?.data;
  if (codec !== 'aac' || !data || data.length < 7 || data[0] !== 0xff || (data[1]! & 0xf6) !== 0xf0) return undefined;
  const filter = ffmpeg.BitStreamFilter.getByName('aac_adtstoasc');
  if (!filter) return undefined;
  const open = () => {
    const context = new ffmpeg.BitStreamFilterContext();
    if (context.alloc(filter) < 0) return undefined;
    from.codecpar.copy(context.inputCodecParameters!);
    context.inputTimeBase = from.timeBase;
    if (context.init() >= 0) return context;
    context.free();
    return undefined;
  };
  // The filter derives the configuration from the first packet; the muxer needs it before the first packet.
  const probe = open();
  if (!probe) return undefined;
  const packet = first[0]!.clone()!;
  let extradata: Buffer | undefined;
  if ((await probe.sendPacket(packet)) >= 0 && (await probe.receivePacket(packet)) >= 0) {
    const made = packet.getSideData(ffmpeg.constants.AV_PKT_DATA_NEW_EXTRADATA);
    if (made) extradata = Buffer.from(made);
  }
  packet.free();
  probe.free();
  const context = open();
  return context && { context, extradata };
}
