import { printable } from '@facedet/files';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { moveChapters, readChapters, type Chapter } from '../read/chapters.ts';
import { openInput } from '../read/input.ts';
import { createAudioStart, type AudioStart } from './audio-start.ts';
import type { LeftOut } from './left-out.ts';
import { createSideClock, type SideClock } from './side-clock.ts';
import { createSidePackets, durationOf, secondsOf, type SidePackets } from './side-packets.ts';
import { closeRoutes, copyTags, openRoute, type Route, type SideStreamSummary } from './side-routes.ts';
import { selectStreams, type SideStreamOptions, type SideStreamTarget } from './side-selection.ts';
import { createSideWriter, type SideWriter } from './side-writer.ts';

/** Copies audio and subtitles from the source to the output. */
export interface SideStreams {
  readonly leftOut: LeftOut[];
  readonly summary: readonly SideStreamSummary[];
  /** Chapters for the output, in its seconds. */
  readonly chapters: readonly Chapter[];
  /** Seconds of audio before the first picture, by which the pictures are delayed in the output. */
  readonly lead: number;
  /**
   * The pictures' clock jumped: after output time `at`, source time `origin` is second 0 of the output (in seconds).
   */
  jump(at: number, origin: number): void;
  /** Writes the packets that start before a time of the output, in seconds. */
  copyUntil(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the source a second time for its audio and subtitles and adds their streams to an output whose header is not
 * yet written. Streams that the container supports are copied, other audio and text is converted, and the rest is left
 * out and reported: a stream never ends a run. With `metadata`, the source's tags are copied too.
 */
export async function openSideStreams(
  ffmpeg: Ffmpeg,
  path: string,
  target: SideStreamTarget,
  options: SideStreamOptions,
): Promise<SideStreams> {
  const { constants, Dictionary } = ffmpeg;
  const input = await openInput(ffmpeg, { kind: 'file', name: printable(path), path });
  const { format } = input;
  const { startTime, metadata } = options;
  const leftOut: LeftOut[] = [];
  const routes = new Map<number, Route>();
  const discontinuous = format.iformat?.hasFlags(constants.AVFMT_TS_DISCONT as never) ?? false;
  const edited = (format.iformat?.name ?? '').includes('mov');
  const clock = createSideClock(startTime, discontinuous);
  const packets = createSidePackets(ffmpeg, format, routes);
  let chapters: Chapter[];

  async function close(): Promise<void> {
    closeRoutes(routes);
    packets.close();
    await input.close();
  }

  try {
    if (metadata) copyTags(format.metadata?.getAll(), (tags) => (target.output.metadata = Dictionary.fromObject(tags)));
    const selected = selectStreams(ffmpeg, input, target, { options, leftOut });
    await packets.readAhead(selected);
    for (const from of selected) {
      const first = packets.held.filter(({ streamIndex }) => streamIndex === from.index);
      const opened = await openRoute(ffmpeg, from, { target, options, first });
      if ('stream' in opened) routes.set(from.index, opened);
      else leftOut.push(opened);
    }
    chapters = await readChapters(ffmpeg, format);
  } catch (error) {
    await close();
    throw error;
  }
  if (chapters.length > 0 && !metadata) {
    leftOut.push({ kind: 'chapters', codec: 'none', reason: 'they are metadata' });
    chapters = [];
  }
  packets.dropUnwritten();
  const start = createAudioStart(ffmpeg, { held: packets.held, routes, startTime, discontinuous, edited });
  const writer = createSideWriter(ffmpeg, target, start.lead);
  return {
    leftOut,
    chapters: moveChapters(chapters, startTime - start.lead),
    summary: [...routes.values()].map(({ counts }) => counts),
    lead: start.lead,
    jump: clock.jump,
    copyUntil: createCopier(ffmpeg, { routes, packets, clock, start, writer }),
    close,
  };
}

/** The parts of a copy in progress. */
interface CopyState {
  readonly routes: ReadonlyMap<number, Route>;
  readonly packets: SidePackets;
  readonly clock: SideClock;
  readonly start: AudioStart;
  readonly writer: SideWriter;
}

/** Returns a function that writes the packets before a time of the output; at the source's end, it flushes once. */
function createCopier(
  ffmpeg: Ffmpeg,
  { routes, packets, clock, start, writer }: CopyState,
): (until: number) => Promise<void> {
  let flushed = false;
  return async (until) => {
    for (;;) {
      const packet = await packets.peek();
      if (!packet) break;
      const route = routes.get(packet.streamIndex)!;
      const { from, position, counts } = route;
      const seconds = secondsOf(ffmpeg, packet, from.timeBase);
      let out = clock.place(position, seconds, until, counts.kind === 'subtitles');
      if (out === undefined || out > until) return;
      if (counts.kind === 'audio' && seconds !== null && route.last !== undefined) {
        if (seconds < route.last) route.behind = true;
        // Some containers give several packets the same time.
        else if (seconds === route.last) out = Math.max(out, position.end ?? out);
      }
      if (seconds === null) counts.repaired++;
      route.last = seconds ?? route.last;
      const length = durationOf(packet, from.timeBase);
      packets.take();
      try {
        if (!start.isHidden(packet, route, seconds, out)) await writer.send(route, packet, out);
        position.end = counts.kind === 'audio' ? Math.max(out + length, position.end ?? -Infinity) : out;
      } finally {
        packet.free();
      }
    }
    if (flushed) return;
    flushed = true;
    for (const route of routes.values()) await writer.flush(route);
  };
}
