import type { FormatContext, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import type { Fraction } from '../read/metadata.ts';
import { kindOf } from './side-selection.ts';

/** Reads the packets of the streams that are written. */
export interface SidePackets {
  /** Packets that were read ahead. */
  readonly held: readonly Packet[];
  /** Reads the first packets of each audio stream. */
  readAhead(selected: readonly Stream[]): Promise<void>;
  /** Frees the held packets of streams that are not written. */
  dropUnwritten(): void;
  /** The next packet of a written stream; null at the end. The video's reader reports a truncated source. */
  peek(): Promise<Packet | null>;
  /** Removes the packet that `peek` returned. The caller frees it. */
  take(): void;
  close(): void;
}

// Limits of the packets read ahead to test the container: enough for parameters that only packets contain.
const AHEAD = { perStream: 4, total: 600, bytes: 16_000_000 };

/** Opens a reader. `written` has the indices of the streams that are written. */
export function createSidePackets(
  ffmpeg: Ffmpeg,
  format: FormatContext,
  written: ReadonlyMap<number, unknown>,
): SidePackets {
  const held: Packet[] = [];
  let next: Packet | null = null;
  const spare = new ffmpeg.Packet();
  spare.alloc();

  async function advance(): Promise<Packet | null> {
    const first = held.shift();
    if (first) return first;
    if (written.size === 0) return null;
    for (;;) {
      if ((await format.readFrame(spare)) < 0) return null;
      const packet = written.has(spare.streamIndex) ? spare.clone() : null;
      spare.unref();
      if (packet) return packet;
    }
  }

  return {
    held,
    async readAhead(selected) {
      const missing = new Map(
        selected.filter((from) => kindOf(ffmpeg, from) === 'audio').map(({ index }) => [index, AHEAD.perStream]),
      );
      const indices = new Set(selected.map(({ index }) => index));
      let bytes = 0;
      for (let count = 0; missing.size > 0 && count < AHEAD.total && bytes < AHEAD.bytes; count++) {
        if ((await format.readFrame(spare)) < 0) break;
        if (indices.has(spare.streamIndex)) {
          held.push(spare.clone()!);
          bytes += spare.size;
          const left = (missing.get(spare.streamIndex) ?? 1) - 1;
          if (left > 0) missing.set(spare.streamIndex, left);
          else missing.delete(spare.streamIndex);
        }
        spare.unref();
      }
    },
    dropUnwritten() {
      for (let i = held.length - 1; i >= 0; i--) if (!written.has(held[i]!.streamIndex)) held.splice(i, 1)[0]!.free();
    },
    async peek() {
      return (next ??= await advance());
    },
    take() {
      next = null;
    },
    close() {
      for (const packet of held.splice(0)) packet.free();
      next?.free();
      next = null;
      spare.free();
    },
  };
}

/** The decoding time of a packet in seconds, or its picture time; null if it has neither. */
export function secondsOf({ constants }: Ffmpeg, packet: Packet, { num, den }: Fraction): number | null {
  const time = packet.dts !== constants.AV_NOPTS_VALUE ? packet.dts : packet.pts;
  return time === constants.AV_NOPTS_VALUE ? null : (Number(time) * num) / den;
}

/** The duration of a packet in seconds. */
export function durationOf(packet: Packet, { num, den }: Fraction): number {
  return (Number(packet.duration) * num) / den;
}
