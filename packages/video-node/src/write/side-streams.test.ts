import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Packet, Stream } from 'node-av/lib';
import { encodeImage } from '@facedet/runtime-node';
import { loadFfmpeg, type Ffmpeg } from '../ffmpeg/load.ts';
import { numberedPicture, evenTimes, tempFolder, writeNumbered } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { createVideoWriter, type VideoWriterOptions } from './writer.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [TITLE, PLACE, NOTE] = ['Anna in the garden', '+52.5200+013.4050/', 'a note in the data'];
const SOUND = { rate: 48_000, samples: 1024 };

/** An additional stream of a file, and its packets. */
interface Side {
  begin(ffmpeg: Ffmpeg, stream: Stream): void;
  /** Times are in units of `1 / unit` seconds. */
  readonly unit: number;
  readonly packets: readonly { readonly data: Buffer; readonly pts: number; readonly duration: number }[];
}

/** A tone of two seconds as AAC, or as PCM, which an MP4 does not support. */
async function tone(codec: 'aac' | 'pcm_s16le'): Promise<Side> {
  const ffmpeg = await loadFfmpeg();
  const { constants } = ffmpeg;
  const context = new ffmpeg.CodecContext();
  const encoder = ffmpeg.Codec.findEncoderByName(codec as never)!;
  context.allocContext3(encoder);
  context.sampleRate = SOUND.rate;
  context.sampleFormat = codec === 'aac' ? constants.AV_SAMPLE_FMT_FLTP : constants.AV_SAMPLE_FMT_S16;
  context.channelLayout = constants.AV_CHANNEL_LAYOUT_MONO;
  context.timeBase = new ffmpeg.Rational(1, SOUND.rate);
  context.setFlags(constants.AV_CODEC_FLAG_GLOBAL_HEADER);
  expect(await context.open2(encoder, null)).toBeGreaterThanOrEqual(0);
  const packets: { data: Buffer; pts: number; duration: number }[] = [];
  const packet = new ffmpeg.Packet();
  packet.alloc();
  const receive = async () => {
    while ((await context.receivePacket(packet)) >= 0) {
      packets.push({ data: Buffer.from(packet.data!), pts: Number(packet.pts), duration: Number(packet.duration) });
      packet.unref();
    }
  };
  for (let at = 0; at < 2 * SOUND.rate; at += SOUND.samples) {
    const wave = (i: number) => 0.5 * Math.sin((2 * Math.PI * 440 * (at + i)) / SOUND.rate);
    const samples =
      codec === 'aac'
        ? Buffer.from(Float32Array.from({ length: SOUND.samples }, (_, i) => wave(i)).buffer)
        : Buffer.from(Int16Array.from({ length: SOUND.samples }, (_, i) => 32_767 * wave(i)).buffer);
    const frame = ffmpeg.Frame.fromAudioBuffer(samples, {
      nbSamples: SOUND.samples,
      format: context.sampleFormat,
      sampleRate: SOUND.rate,
      channelLayout: context.channelLayout,
      timeBase: { num: 1, den: SOUND.rate },
    });
    frame.pts = BigInt(at);
    await context.sendFrame(frame);
    frame.free();
    await receive();
  }
  await context.sendFrame(null);
  await receive();
  packet.free();
  return { begin: (_, stream) => void stream.codecpar.fromContext(context), unit: SOUND.rate, packets };
}

/** Two lines of text, in the format of the container. */
function subtitles(codec: 'subrip' | 'mov_text'): Side {
  const line = (text: string) =>
    codec === 'subrip'
      ? Buffer.from(text)
      : Buffer.concat([Buffer.from([0, Buffer.byteLength(text)]), Buffer.from(text)]);
  return {
    begin({ constants }, stream) {
      stream.codecpar.codecType = constants.AVMEDIA_TYPE_SUBTITLE;
      stream.codecpar.codecId = codec === 'subrip' ? constants.AV_CODEC_ID_SUBRIP : constants.AV_CODEC_ID_MOV_TEXT;
    },
    unit: 1000,
    packets: [
      { data: line('Good morning'), pts: 200, duration: 500 },
      { data: line('Good night'), pts: 1000, duration: 600 },
    ],
  };
}

/** A cover: a JPEG that is not a frame of the video. */
async function cover(): Promise<Side> {
  const data = Buffer.from(await encodeImage(numberedPicture(3, 64, 64), { format: 'jpeg' }));
  return {
    begin({ constants, Dictionary }, stream) {
      stream.codecpar.codecType = constants.AVMEDIA_TYPE_VIDEO;
      stream.codecpar.codecId = constants.AV_CODEC_ID_MJPEG;
      stream.codecpar.width = stream.codecpar.height = 64;
      stream.disposition = constants.AV_DISPOSITION_ATTACHED_PIC;
      stream.metadata = Dictionary.fromObject({ filename: 'cover.jpg', mimetype: 'image/jpeg' });
    },
    unit: 1000,
    packets: [{ data, pts: 0, duration: 0 }],
  };
}

/** Telemetry (position, speed) as action cameras record it with the pictures. */
const telemetry: Side = {
  begin({ constants }, stream) {
    stream.codecpar.codecType = constants.AVMEDIA_TYPE_DATA;
    stream.codecpar.codecTag = Buffer.from('gpmd').readUInt32LE();
  },
  unit: 1000,
  packets: [{ data: Buffer.from(NOTE), pts: 0, duration: 1000 }],
};

/** Copies the pictures of a video into a new file, with additional streams and with tags. */
async function enrich(film: string, path: string, sides: readonly Side[]): Promise<string> {
  const ffmpeg = await loadFfmpeg();
  const input = new ffmpeg.FormatContext();
  input.allocContext();
  await input.openInput(film, null, null);
  await input.findStreamInfo(null);
  const output = new ffmpeg.FormatContext();
  output.allocOutputContext2(null, null, path);
  const pictures = output.newStream(null);
  input.streams[0]!.codecpar.copy(pictures.codecpar);
  pictures.codecpar.codecTag = 0;
  pictures.timeBase = input.streams[0]!.timeBase;
  output.metadata = ffmpeg.Dictionary.fromObject({ title: TITLE, location: PLACE });
  const streams = sides.map((side) => {
    const stream = output.newStream(null);
    side.begin(ffmpeg, stream);
    stream.timeBase = new ffmpeg.Rational(1, side.unit);
    if (stream.codecpar.codecType === ffmpeg.constants.AVMEDIA_TYPE_AUDIO)
      stream.metadata = ffmpeg.Dictionary.fromObject({ language: 'deu', title: 'Recorded at home' });
    return stream;
  });
  await output.openOutput();
  expect(await output.writeHeader(null)).toBeGreaterThanOrEqual(0);
  const packet = new ffmpeg.Packet();
  packet.alloc();
  const write = async (fill: (packet: Packet) => void) => {
    fill(packet);
    expect(await output.interleavedWriteFrame(packet)).toBeGreaterThanOrEqual(0);
    packet.unref();
  };
  for (const [i, { packets, unit }] of sides.entries()) {
    for (const { data, pts, duration } of packets) {
      await write((next) => {
        next.data = data;
        Object.assign(next, {
          pts: BigInt(pts),
          dts: BigInt(pts),
          duration: BigInt(duration),
          streamIndex: streams[i]!.index,
          flags: 1,
        });
        next.rescaleTs(new ffmpeg.Rational(1, unit), streams[i]!.timeBase);
      });
    }
  }
  while ((await input.readFrame(packet)) >= 0) {
    await write((next) => {
      next.streamIndex = pictures.index;
      next.rescaleTs(input.streams[0]!.timeBase, pictures.timeBase);
    });
  }
  packet.free();
  await output.writeTrailer();
  await output.closeOutput();
  output.freeContext();
  await input.closeInput();
  return path;
}

/** The content of a file: its tags, and each stream with its packets (data and times in seconds). */
async function contents(path: string) {
  const ffmpeg = await loadFfmpeg();
  const input = new ffmpeg.FormatContext();
  input.allocContext();
  await input.openInput(path, null, null);
  await input.findStreamInfo(null);
  const streams = input.streams.map(({ codecpar, metadata }) => ({
    codec: ffmpeg.avGetCodecName(codecpar.codecId)!,
    tags: metadata?.getAll() ?? {},
    packets: [] as { data: string; time: number }[],
  }));
  const packet = new ffmpeg.Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    const { num, den } = input.streams[packet.streamIndex]!.timeBase;
    streams[packet.streamIndex]!.packets.push({
      data: packet.data!.toString('base64'),
      time: (Number(packet.pts) * num) / den,
    });
    packet.unref();
  }
  packet.free();
  const tags = input.metadata?.getAll() ?? {};
  await input.closeInput();
  return { tags, streams, of: (codec: string) => streams.find((stream) => stream.codec === codec) };
}

async function copy(source: string, path: string, options: Partial<VideoWriterOptions> = {}) {
  const video = await openVideo(source);
  const writer = await createVideoWriter(path, { like: video.metadata, ...options });
  for await (const frame of video) {
    await writer.write(frame);
    frame.close();
  }
  await writer.finish();
  return { ...(await contents(path)), leftOut: writer.leftOut, bytes: readFileSync(path) };
}

let mp4: string;
let mkv: string;
let mov: string;
beforeAll(async () => {
  const film = await writeNumbered(at('film.mp4'), evenTimes(50));
  mp4 = await enrich(film, at('source.mp4'), [await tone('aac'), subtitles('mov_text'), await cover()]);
  mov = await enrich(film, at('source.mov'), [telemetry]);
  mkv = await enrich(film, at('source.mkv'), [await tone('pcm_s16le'), subtitles('subrip'), await cover()]);
});

describe('audio and subtitles', () => {
  it('are copied unchanged, at the same times', async () => {
    for (const [source, name, sound, text] of [
      [mp4, 'copy.mp4', 'aac', 'mov_text'],
      [mkv, 'copy.mkv', 'pcm_s16le', 'subrip'],
    ] as const) {
      const before = await contents(source);
      const after = await copy(source, at(name));
      expect(after.leftOut).toMatchObject([{ kind: expect.stringMatching(/^(cover|video)$/), codec: 'mjpeg' }]);
      for (const codec of [sound, text]) {
        // An MP4 has empty samples between two texts.
        const spoken = ({ packets }: { packets: { data: string; time: number }[] }) =>
          packets.filter(({ data }) => data.length > 4);
        const [wanted, found] = [spoken(before.of(codec)!), spoken(after.of(codec)!)];
        expect(wanted.length).toBeGreaterThanOrEqual(codec === text ? 2 : 90);
        expect(found.map(({ data }) => data)).toEqual(wanted.map(({ data }) => data));
        found.forEach(({ time }, i) => expect(time).toBeCloseTo(wanted[i]!.time, 2));
      }
      expect(after.of(sound)!.tags.language).toBe(before.of(sound)!.tags.language);
    }
  });

  it('are left out if they are not wanted, and converted if the container does not support them', async () => {
    const silent = await copy(mp4, at('silent.mp4'), { audio: false, subtitles: false });
    expect(silent.streams.map(({ codec }) => codec)).toEqual(['h264']);
    expect(silent.leftOut).toMatchObject([{ kind: 'cover' }]);
    const { leftOut, of } = await copy(mkv, at('narrow.mp4'));
    expect(leftOut).toMatchObject([{ codec: 'mjpeg' }]);
    expect([of('aac')!.packets.length, of('mov_text')!.packets.length]).toEqual([
      expect.closeTo(94, -1),
      expect.any(Number),
    ]);
  });
});

describe('metadata about people and places', () => {
  it('is copied only if it is requested; covers and data never are', async () => {
    for (const [source, name] of [
      [mp4, 'tags.mp4'],
      [mkv, 'tags.mkv'],
    ] as const) {
      expect((await contents(source)).of('mjpeg')).toBeDefined();
      const kept = await copy(source, at(name));
      const tags = Object.values(kept.tags);
      expect([tags.includes(TITLE), tags.includes(PLACE)]).toEqual([true, true]);
      const dropped = await copy(source, at(`no-${name}`), { keepMetadata: false });
      for (const text of [TITLE, PLACE, 'Recorded at home', 'cover.jpg'])
        expect(dropped.bytes.includes(text), text).toBe(false);
      for (const { streams } of [kept, dropped])
        expect(streams.map(({ codec }) => codec).sort()).toEqual(
          (await contents(source)).streams
            .map(({ codec }) => codec)
            .filter((codec) => codec !== 'mjpeg')
            .sort(),
        );
    }
    expect(readFileSync(mov).includes(NOTE)).toBe(true);
    const { streams, bytes } = await copy(mov, at('data.mov'));
    expect([streams.length, bytes.includes(NOTE)]).toEqual([1, false]);
  });
});
