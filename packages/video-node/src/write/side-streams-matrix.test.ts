import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { numberedPicture, tempFolder } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { writeMedia, type MediaOptions } from '../testing/media.ts';
import { createVideoWriter } from './writer.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How the pictures of each container are encoded. */
const CONTAINERS: Readonly<Record<string, string>> = {
  mp4: 'libx264',
  mov: 'libx264',
  mkv: 'libx264',
  webm: 'libvpx',
  ts: 'libx264',
  avi: 'mpeg4',
  flv: 'libx264',
  '3gp': 'libx264',
  mpg: 'mpeg2video',
  ogg: 'libtheora',
  wmv: 'wmv2',
  m4v: 'libx264',
};
const KINDS: Readonly<Record<string, Pick<MediaOptions, 'sound' | 'subtitles'>>> = {
  aac: { sound: 'aac' },
  mp3: { sound: 'libmp3lame' },
  mp2: { sound: 'mp2' },
  ac3: { sound: 'ac3' },
  opus: { sound: 'libopus' },
  vorbis: { sound: 'libvorbis' },
  flac: { sound: 'flac' },
  pcm: { sound: 'pcm_s16le' },
  adpcm: { sound: 'adpcm_ima_wav' },
  truehd: { sound: 'truehd' },
  subrip: { subtitles: 'subrip' },
  ass: { subtitles: 'ass' },
  mov_text: { subtitles: 'mov_text' },
  webvtt: { subtitles: 'webvtt' },
  bitmaps: { subtitles: 'dvd_subtitle' },
};
const TARGETS = ['mp4', 'mov', 'mkv', 'webm'] as const;
/** The container does not support this kind: FFmpeg does not write it, or can't read it back. */
const NONE = '–';

/** A file with pictures and one more stream; undefined if the container does not support it. */
async function source(container: string, kind: string): Promise<string | undefined> {
  const path = at(`${kind}.${container}`);
  const video = { encoder: CONTAINERS[container]!, size: [64, 48], frames: 20 } as const;
  try {
    await writeMedia(path, { video, ...KINDS[kind] });
  } catch {
    return undefined;
  }
  return (await packetsOf(path)) > 0 ? path : undefined;
}

/** Copies audio and subtitles next to generated pictures; returns what happened to the stream. */
async function convert(path: string, target: string): Promise<string> {
  const video = await openVideo(path);
  const { metadata } = video;
  await video.close();
  const output = `${path}.${target}`;
  const writer = await createVideoWriter(output, {
    like: { ...metadata, width: 16, height: 16 },
    threads: 1,
    preset: target === 'webm' ? '8' : 'ultrafast',
  });
  for (let i = 0; i < 4; i++) await writer.write({ ...numberedPicture(i, 16, 16), timestamp: 0.2 * i });
  await writer.finish();
  const { leftOut, sideStreams } = writer;
  if (sideStreams.length === 0)
    return leftOut.length === 1 && leftOut[0]!.reason ? 'reported' : `LOST ${JSON.stringify(leftOut)}`;
  const [{ from, to, packets, dropped }] = sideStreams as [(typeof sideStreams)[0]];
  const written = await packetsOf(output);
  if (written < 1 || packets < 1 || dropped > 0)
    return `LOST ${from} ${to}: ${packets} written, ${written} read, ${dropped} dropped`;
  return from === to ? 'kept' : `→ ${to}`;
}

/** The audio and subtitle packets. Codec names are ignored: an MP4 has one number for MP2 and MP3. */
async function packetsOf(path: string): Promise<number> {
  const ffmpeg = await loadFfmpeg();
  const input = new ffmpeg.FormatContext();
  input.allocContext();
  await input.openInput(path, null, null);
  await input.findStreamInfo(null);
  const packet = new ffmpeg.Packet();
  packet.alloc();
  let count = 0;
  while ((await input.readFrame(packet)) >= 0) {
    const type = input.streams[packet.streamIndex]!.codecpar.codecType;
    if (type === ffmpeg.constants.AVMEDIA_TYPE_AUDIO || type === ffmpeg.constants.AVMEDIA_TYPE_SUBTITLE) count++;
    packet.unref();
  }
  packet.free();
  await input.closeInput();
  return count;
}

async function row(container: string, kind: string): Promise<string[]> {
  const path = await source(container, kind);
  if (path === undefined) return TARGETS.map(() => NONE);
  return Promise.all(TARGETS.map((target) => convert(path, target).catch((error: Error) => `FAILED ${error.message}`)));
}

/** The number of kinds that a container supports: a change of the inputs must not shrink the matrix. */
const HELD: Readonly<Record<string, string>> = {
  mp4: 'aac mp3 mp2 ac3 opus vorbis flac pcm truehd mov_text bitmaps',
  mov: 'aac mp3 mp2 ac3 vorbis pcm adpcm mov_text',
  mkv: 'aac mp3 mp2 ac3 opus vorbis flac pcm adpcm truehd subrip ass webvtt bitmaps',
  webm: 'opus vorbis webvtt',
  ts: 'aac mp3 mp2 ac3 opus truehd',
  avi: 'aac mp3 mp2 ac3 vorbis pcm adpcm',
  flv: 'aac mp3 ac3 opus flac',
  '3gp': 'aac mov_text',
  mpg: 'mp3 mp2 ac3 bitmaps',
  ogg: 'opus vorbis flac',
  wmv: 'aac mp3 mp2 ac3 vorbis flac pcm adpcm',
  m4v: 'aac ac3 mov_text',
};

describe('audio and subtitles of 12 containers and 15 kinds', () => {
  it.each(Object.keys(CONTAINERS))('of %s are kept, converted or reported', async (container) => {
    const kinds = Object.keys(KINDS);
    const rows: string[][] = [];
    for (const kind of kinds) rows.push([container, kind, ...(await row(container, kind))]);
    const line = (cells: readonly string[]) =>
      cells
        .map((cell) => cell.padEnd(12))
        .join('')
        .trimEnd();
    process.stdout.write(`${[line(['source', 'stream', ...TARGETS]), ...rows.map(line)].join('\n')}\n`);
    const cells = rows.flatMap((cells) => cells.slice(2));
    expect(cells.filter((cell) => !/^(kept|reported|→ \w+|–)$/.test(cell))).toEqual([]);
    expect(kinds.filter((_, i) => rows[i]![2] !== NONE).join(' ')).toBe(HELD[container]);
  });
});
