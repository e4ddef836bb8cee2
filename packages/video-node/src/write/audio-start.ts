import type { Packet } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { durationOf, secondsOf } from './side-packets.ts';
import type { Route } from './side-routes.ts';

/** The audio at the start of a source that is kept. */
export interface AudioStart {
  /** Seconds of audio before the first picture, by which the pictures are delayed in the output. */
  readonly lead: number;
  /**
   * Whether a packet, at `seconds` in the source and `out` in the output, is outside of what players play: audio that
   * an edit list removes, or before the first picture.
   */
  isHidden(packet: Packet, route: Route, seconds: number | null, out: number): boolean;
}

/** The source of an `AudioStart`. */
export interface AudioStartOptions {
  /** The packets that were read ahead, all of them of written streams. */
  readonly held: readonly Packet[];
  readonly routes: ReadonlyMap<number, Route>;
  readonly startTime: number;
  /** Whether the source's clock may jump (MPEG-TS). */
  readonly discontinuous: boolean;
  /** Whether the source may have edit lists (MP4, MOV). */
  readonly edited: boolean;
}

// Range of audio before the first picture that is kept, in seconds: less is codec delay, more is another recording.
const LEAD = { least: 0.05, most: 10 };
// The delay in seconds that encoders (AAC, MP3, Opus) insert before the first sample is not hidden audio.
const PRIMING = 0.1;

/** Measures the start of the audio. */
export function createAudioStart(ffmpeg: Ffmpeg, options: AudioStartOptions): AudioStart {
  const { held, routes, discontinuous, edited } = options;
  const { AV_PKT_FLAG_DISCARD } = ffmpeg.constants;
  const lead = leadOf(ffmpeg, options);
  // Whether an edit list cut off audio. Codec delay does not count: it is decoded but not played.
  const trimmed = held.some(
    (packet) => (secondsOf(ffmpeg, packet, routes.get(packet.streamIndex)!.from.timeBase) ?? 0) < -PRIMING,
  );
  return {
    lead,
    isHidden(packet, { from, counts }, seconds, out) {
      if (counts.kind !== 'audio' || seconds === null) return false;
      const length = durationOf(packet, from.timeBase);
      if (edited && seconds >= 0 && packet.flags & AV_PKT_FLAG_DISCARD) return true;
      if (edited && trimmed) return seconds + length <= 0.001;
      const before = discontinuous ? 0 : -lead - PRIMING;
      return out + length <= before;
    },
  };
}

function leadOf(ffmpeg: Ffmpeg, { held, routes, startTime, discontinuous, edited }: AudioStartOptions): number {
  if (discontinuous) return 0;
  let lead = 0;
  for (const packet of held) {
    const { from, counts } = routes.get(packet.streamIndex)!;
    const seconds = secondsOf(ffmpeg, packet, from.timeBase);
    if (counts.kind === 'audio' && seconds !== null)
      lead = Math.max(lead, startTime - (edited ? Math.max(seconds, 0) : seconds));
  }
  return lead >= LEAD.least && lead <= LEAD.most ? lead : 0;
}
