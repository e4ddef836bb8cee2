import { FaceDetError } from '@facedet/core';
import type { CodecContext, CodecParameters, FormatContext, Packet, Stream } from 'node-av/lib';
import type { Ffmpeg } from '../ffmpeg/load.ts';
import { check } from '../ffmpeg/errors.ts';
import { hdrSideData, type HdrMetadata } from '../ffmpeg/hdr-metadata.ts';
import { layoutOf } from '../ffmpeg/pixel-layout.ts';
import { openInput } from '../read/input.ts';
import type { Fraction } from '../read/metadata.ts';
import type { LeftOut } from './left-out.ts';
import type { SideStreamSummary } from './side-routes.ts';
import type { SideStreamOptions } from './side-selection.ts';
import { openSideStreams, type SideStreams } from './side-streams.ts';
import { muxerOptions, STRICTNESS } from './trial.ts';
import { moveIndexToFront } from './faststart.ts';
import { addMatroskaChapters } from './matroska-chapters.ts';
import { trimFragments } from './mp4-fragments.ts';
import { isIsoContainer } from './containers.ts';

/** Options of `createMuxer`. */
export interface MuxerOptions {
  readonly path: string;
  /** FFmpeg's name of the container: `mp4`, `mov`, `matroska`, `webm`. */
  readonly container: string;
  readonly encoder: CodecContext;
  /** Time base of the packets. */
  readonly timeBase: Fraction;
  /** Written with the parameters of the video stream. */
  readonly hdr?: HdrMetadata | undefined;
  /** The source whose audio and subtitles are written too. */
  readonly sides?: (SideStreamOptions & { readonly path: string }) | undefined;
}

/** An output container that is written in fragments. */
export interface Muxer {
  /** Parts of the source that are not in the output; may grow until the end. */
  readonly leftOut: LeftOut[];
  /** Audio and subtitle streams, with counts of what was written so far. */
  readonly sideStreams: readonly SideStreamSummary[];
  /**
   * The source's clock jumped: after output time `at`, in seconds, source time `origin` is second 0. Audio and
   * subtitles move with the pictures.
   */
  moveOrigin(at: number, origin: number): void;
  /** Announces the time of a picture whose packet will be written later. Called in display order. */
  expect(pts: bigint, duration: bigint): void;
  /** Writes a video packet, preceded by the audio and subtitles up to its time. */
  write(packet: Packet): Promise<void>;
  /** Ends a fragment and writes it to the file. */
  cut(): Promise<void>;
  /**
   * Writes the index and closes the file. With `rest`, also writes the audio after the last picture, and moves the
   * index of an MP4 to the front.
   */
  end(rest: boolean): Promise<void>;
  close(): Promise<void>;
}

// Minimum length of a fragment in seconds; it ends as soon as no picture before its end is missing.
const FRAGMENT = 0.5;
// `hvc1`, as four bytes.
const HVC1 = 0x31637668;
// Replaces the time of a picture that was written; times are never negative.
const WRITTEN = -1n;

/**
 * Opens a container for writing. An MP4 is written in fragments, so it is readable at any time, and becomes an ordinary
 * MP4 at the end. A fragment ends only when no picture before its last one is missing, so a killed process leaves
 * frames without gaps.
 */
export async function createMuxer(ffmpeg: Ffmpeg, options: MuxerOptions): Promise<Muxer> {
  const output = new ffmpeg.FormatContext();
  const { container, path } = options;
  check(ffmpeg, output.allocOutputContext2(null, container, path), 'INVALID_ARGUMENT', `${path} can't be written`);
  try {
    return await openMuxer(ffmpeg, output, options);
  } catch (error) {
    output.freeContext();
    throw error;
  }
}

/** Opens the container; on failure, everything except `output` is freed. */
async function openMuxer(ffmpeg: Ffmpeg, output: FormatContext, options: MuxerOptions): Promise<Muxer> {
  const { path, container, timeBase, sides } = options;
  const failed = `${path} can't be written`;
  const stream = addVideoStream(ffmpeg, output, options);
  const base = new ffmpeg.Rational(timeBase.num, timeBase.den);
  output.strictStdCompliance = STRICTNESS;
  const side = sides
    ? await openSideStreams(ffmpeg, sides.path, { output, container, pictures: stream }, sides)
    : undefined;
  const lead = BigInt(Math.round(((side?.lead ?? 0) * timeBase.den) / timeBase.num));
  await writeHeader(ffmpeg, output, options, side);
  const order = createPictureOrder();
  const seconds = (ticks: bigint) => (Number(ticks) * timeBase.num) / timeBase.den;
  let fragmentStart = 0;
  let end = 0;
  let opened = true;
  let closed = false;

  async function write(packet: Packet): Promise<void> {
    const { pts } = packet;
    order.arrange(packet);
    end = Math.max(end, seconds(pts + packet.duration));
    await side?.copyUntil(seconds(pts));
    packet.streamIndex = stream.index;
    packet.pts += lead;
    packet.dts += lead;
    packet.rescaleTs(base, stream.timeBase);
    check(ffmpeg, await output.writeFrame(packet), 'WRITE_FAILED', failed);
    if (order.isComplete && end - fragmentStart >= FRAGMENT) {
      fragmentStart = end;
      await cut();
    }
  }

  async function cut(): Promise<void> {
    check(ffmpeg, await output.writeFrame(null), 'WRITE_FAILED', failed);
    await flush();
  }

  async function flush(): Promise<void> {
    await output.flush();
    check(ffmpeg, output.pb?.error ?? 0, 'WRITE_FAILED', failed);
  }

  return {
    leftOut: side?.leftOut ?? [],
    sideStreams: side?.summary ?? [],
    moveOrigin(at, origin) {
      side?.jump(at, origin);
    },
    expect: order.expect,
    write,
    cut,
    async end(rest) {
      await side?.copyUntil(rest ? Infinity : end);
      check(ffmpeg, await output.writeTrailer(), 'WRITE_FAILED', failed);
      await flush();
      await output.closeOutput();
      opened = false;
      // A file that ends early is read again by `resume`, so its index stays where it is.
      if (rest) await completeFile(options, side);
    },
    async close() {
      if (closed) return;
      closed = true;
      await side?.close();
      if (opened) await output.closeOutput();
      output.freeContext();
    },
  };
}

function addVideoStream(
  ffmpeg: Ffmpeg,
  output: FormatContext,
  { path, container, encoder, timeBase, hdr }: MuxerOptions,
): Stream {
  const stream = output.newStream(null);
  stream.timeBase = new ffmpeg.Rational(timeBase.num, timeBase.den);
  stream.avgFrameRate = encoder.framerate;
  stream.codecpar.fromContext(encoder);
  const isHevc = encoder.codecId === ffmpeg.constants.AV_CODEC_ID_HEVC;
  // Apple's players accept HEVC only under this tag, which requires that all parameter sets are in the header.
  stream.codecpar.codecTag = isHevc && isIsoContainer(container) ? HVC1 : 0;
  stream.sampleAspectRatio = encoder.sampleAspectRatio;
  for (const { type, data } of hdr ? hdrSideData(ffmpeg, hdr) : []) {
    const result = stream.codecpar.addCodedSideData(type as never, data);
    check(ffmpeg, result, 'OUT_OF_MEMORY', `${path} can't be written`);
  }
  return stream;
}

/** Opens the file and writes its header; on failure, closes the file and the side streams. */
async function writeHeader(
  ffmpeg: Ffmpeg,
  output: FormatContext,
  { path, container }: MuxerOptions,
  side: SideStreams | undefined,
): Promise<void> {
  const failed = `${path} can't be written`;
  const options = ffmpeg.Dictionary.fromObject(muxerOptions(container));
  let opened = false;
  try {
    check(ffmpeg, await output.openOutput(), 'WRITE_FAILED', failed);
    opened = true;
    check(ffmpeg, await output.writeHeader(options), 'WRITE_FAILED', failed);
  } catch (error) {
    await side?.close();
    if (opened) await output.closeOutput();
    throw error;
  } finally {
    options.free();
  }
}

/** Moves the index of a closed MP4 to the front, and adds the chapters. */
async function completeFile({ path, container }: MuxerOptions, side: SideStreams | undefined): Promise<void> {
  const chapters = side?.chapters ?? [];
  if (isIsoContainer(container)) await moveIndexToFront(path, chapters);
  else if (chapters.length > 0 && !(await addMatroskaChapters(path, chapters)))
    side?.leftOut.push({ kind: 'chapters', codec: 'none', reason: 'the file has no space for them' });
}

/** Pictures on their way through the encoder, which may store them out of display order. */
interface PictureOrder {
  /** Whether no picture before the last written one is missing. */
  readonly isComplete: boolean;
  /** Announces a picture, in display order. */
  expect(pts: bigint, duration: bigint): void;
  /** Gives the packet of a picture its duration and an increasing decoding time. */
  arrange(packet: Packet): void;
}

function createPictureOrder(): PictureOrder {
  const durations = new Map<bigint, bigint>();
  const expected: bigint[] = []; // times of the pictures that are not yet written, in display order
  let early = 0; // pictures written before an earlier one
  let lastDts: bigint | undefined;
  return {
    get isComplete() {
      return early === 0;
    },
    expect(pts, duration) {
      durations.set(pts, duration);
      expected.push(pts);
    },
    arrange(packet) {
      const { pts } = packet;
      const duration = durations.get(pts);
      if (duration !== undefined) packet.duration = duration;
      durations.delete(pts);
      const place = expected.indexOf(pts);
      if (place >= 0) {
        expected[place] = WRITTEN;
        early++;
      }
      while (expected[0] === WRITTEN) {
        expected.shift();
        early--;
      }
      if (lastDts !== undefined && packet.dts <= lastDts) packet.dts = lastDts + 1n;
      lastDts = packet.dts;
    },
  };
}

/**
 * Passes the video packets of an interrupted run's file to `onPacket`, with times relative to the first picture, and
 * returns their number. Throws `RESUME_MISMATCH` if they were encoded with settings other than the encoder's.
 */
export async function readFormer(
  ffmpeg: Ffmpeg,
  former: string,
  { path, container, encoder }: { path: string; container: string; encoder: CodecContext },
  onPacket: (packet: Packet) => Promise<void>,
): Promise<number> {
  const { constants, Packet, avRescaleQ } = ffmpeg;
  if (isIsoContainer(container) && !(await trimFragments(former))) return 0;
  const input = await openInput(ffmpeg, { kind: 'file', name: former, path: former }).catch((error: unknown) => {
    // The run was interrupted before it wrote anything readable.
    if (error instanceof FaceDetError && /^VIDEO_/.test(error.code)) return undefined;
    throw error;
  });
  if (!input) return 0;
  const packet = new Packet();
  packet.alloc();
  try {
    const { codecpar, timeBase } = input.stream;
    if (!isSame(ffmpeg, codecpar, encoder))
      throw new FaceDetError(
        'RESUME_MISMATCH',
        `${path}: Expected a file with the same settings from the interrupted run but received one with another ` +
          'codec, bit depth, size, quality or preset; use the same settings, or leave out resume to start over.',
      );
    // Units are stored with lengths, but the muxer expects start codes, as the encoder writes them.
    const lengths = hasNalUnits(ffmpeg, codecpar) && codecpar.extradata?.[0] === 1;
    const lead = await decodingLead(ffmpeg, former);
    let count = 0;
    let origin: bigint | undefined;
    while ((await input.format.readFrame(packet)) >= 0) {
      if (packet.streamIndex === input.stream.index && !(packet.flags & constants.AV_PKT_FLAG_CORRUPT)) {
        if (lengths) replaceData(packet, startCodes(packet.data!));
        // The first packet is a key frame and the first picture in display order.
        origin ??= packet.pts;
        packet.pts = avRescaleQ(packet.pts - origin, timeBase, encoder.timeBase);
        packet.dts = avRescaleQ(packet.dts - lead - origin, timeBase, encoder.timeBase);
        packet.duration = avRescaleQ(packet.duration, timeBase, encoder.timeBase);
        await onPacket(packet);
        count++;
      }
      packet.unref();
    }
    return count;
  } finally {
    packet.free();
    await input.close();
  }
}

/**
 * The number of ticks by which decoding times exceed picture times: unless an MP4's first pictures are out of order,
 * FFmpeg reads its decoding times as starting at 0, and it does not write a picture that is decoded after it is shown.
 */
async function decodingLead(ffmpeg: Ffmpeg, path: string): Promise<bigint> {
  const input = await openInput(ffmpeg, { kind: 'file', name: path, path });
  const packet = new ffmpeg.Packet();
  packet.alloc();
  let lead = 0n;
  try {
    while ((await input.format.readFrame(packet)) >= 0) {
      if (packet.streamIndex === input.stream.index && packet.dts - packet.pts > lead) lead = packet.dts - packet.pts;
      packet.unref();
    }
    return lead;
  } finally {
    packet.free();
    await input.close();
  }
}

function hasNalUnits({ constants }: Ffmpeg, { codecId }: CodecParameters): boolean {
  return codecId === constants.AV_CODEC_ID_H264 || codecId === constants.AV_CODEC_ID_HEVC;
}

/** Whether the encoder's pictures can be appended to those of a file. */
function isSame(ffmpeg: Ffmpeg, stored: CodecParameters, encoder: CodecContext): boolean {
  const depth = (format: number) => layoutOf(ffmpeg.avGetPixFmtName(format as never) ?? '')?.bitDepth;
  return (
    stored.codecId === encoder.codecId &&
    stored.width === encoder.width &&
    stored.height === encoder.height &&
    depth(stored.format) === depth(encoder.pixelFormat) &&
    (!hasNalUnits(ffmpeg, stored) || sameParameters(ffmpeg, stored, encoder.extraData))
  );
}

// Containers store parameter sets in their own structures (avcC, hvcC); only the sets themselves are compared.
function sameParameters({ constants }: Ffmpeg, { codecId, extradata }: CodecParameters, made: Buffer | null): boolean {
  const isHevc = codecId === constants.AV_CODEC_ID_HEVC;
  return !extradata || !made || parameterSets(made, isHevc).every((unit) => extradata.includes(unit));
}

/** Replaces the length of each unit by a start code (ISO/IEC 14496-15 to ISO/IEC 14496-10, Annex B). */
function startCodes(units: Buffer): Buffer {
  const result = Buffer.from(units);
  for (let at = 0; at + 4 <= result.length;) {
    const length = result.readUInt32BE(at);
    result.writeUInt32BE(1, at);
    at += 4 + length;
  }
  return result;
}

// Setting a packet's data resets its other fields.
function replaceData(packet: Packet, data: Buffer): void {
  const { pts, dts, duration, flags, streamIndex } = packet;
  packet.data = data;
  Object.assign(packet, { pts, dts, duration, flags, streamIndex });
}

/** The sequence and picture parameter sets, and HEVC's video parameter sets. */
function parameterSets(annexB: Buffer, isHevc: boolean): Buffer[] {
  const units: Buffer[] = [];
  const starts: number[] = [];
  for (let at = annexB.indexOf('\0\0\x01', 0, 'latin1'); at >= 0; at = annexB.indexOf('\0\0\x01', at + 3, 'latin1'))
    starts.push(at + 3);
  starts.forEach((start, i) => {
    let stop = i + 1 < starts.length ? starts[i + 1]! - 3 : annexB.length;
    while (stop > start && annexB[stop - 1] === 0) stop--;
    const type = isHevc ? (annexB[start]! >> 1) & 63 : annexB[start]! & 31;
    if (isHevc ? type >= 32 && type <= 34 : type === 7 || type === 8) units.push(annexB.subarray(start, stop));
  });
  return units;
}
