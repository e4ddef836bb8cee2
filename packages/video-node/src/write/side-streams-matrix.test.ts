import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { numberedPicture, tempFolder } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { createVideoWriter } from './writer.ts';

const run = promisify(execFile);
const FFMPEG = '/usr/bin/ffmpeg';
const hasFfmpeg = existsSync(FFMPEG);
if (!hasFfmpeg) process.stderr.write(`Tests of sound and subtitles of other programs are skipped: there is no ${FFMPEG}.\n`);

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECONDS = 0.8;
/** How the pictures of each container are encoded. */
const SOURCES: Record<string, readonly string[]> = {
  mp4: ['-c:v', 'libx264'],
  mov: ['-c:v', 'libx264'],
  mkv: ['-c:v', 'libx264'],
  webm: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'],
  ts: ['-c:v', 'libx264'],
  avi: ['-c:v', 'mpeg4'],
  flv: ['-c:v', 'libx264'],
  '3gp': ['-c:v', 'libx264'],
  mpg: ['-c:v', 'mpeg2video'],
  ogg: ['-c:v', 'libtheora'],
  wmv: ['-c:v', 'wmv2'],
  m4v: ['-c:v', 'libx264'],
};
const KINDS: Record<string, readonly string[]> = {
  aac: ['-c:a', 'aac'],
  mp3: ['-c:a', 'libmp3lame'],
  mp2: ['-c:a', 'mp2'],
  ac3: ['-c:a', 'ac3'],
  opus: ['-c:a', 'libopus'],
  vorbis: ['-c:a', 'libvorbis'],
  flac: ['-c:a', 'flac'],
  pcm: ['-c:a', 'pcm_s16le'],
  adpcm: ['-c:a', 'adpcm_ima_wav'],
  truehd: ['-c:a', 'truehd'],
  srt: ['-c:s', 'subrip'],
  ass: ['-c:s', 'ass'],
  mov_text: ['-c:s', 'mov_text'],
  webvtt: ['-c:s', 'webvtt'],
};
const TARGETS = ['mp4', 'mov', 'mkv', 'webm'] as const;
const TEXT = '1\n00:00:00,100 --> 00:00:00,400\nHello <i>there</i>\n\n2\n00:00:00,500 --> 00:00:00,700\nGood bye\n';

/** Adds a stream to a container's pictures; undefined where FFmpeg can't. */
async function source(container: string, kind: string): Promise<string | undefined> {
  const path = at(`${kind}.${container}`);
  const stream = KINDS[kind]![0] === '-c:s' ? ['-i', at('text.srt'), '-map', '1:s'] : ['-i', at('tone.wav'), '-map', '1:a'];
  const args = ['-v', 'error', '-y', '-i', at(`pictures.${container}`), ...stream, '-map', '0:v', '-c:v', 'copy', ...KINDS[kind]!, '-strict', '-2', path];
  return run(FFMPEG, args).then(() => path, () => undefined);
}

/** Copies sound and subtitles beside pictures of our own; says what became of the stream. */
async function convert(path: string, target: string): Promise<string> {
  const video = await openVideo(path);
  const { metadata } = video;
  await video.close();
  const output = `${path}.${target}`;
  const writer = await createVideoWriter(output, { like: { ...metadata, width: 16, height: 16 }, threads: 1, preset: target === 'webm' ? '8' : 'ultrafast' });
  for (let i = 0; i < 4; i++) await writer.write({ ...numberedPicture(i, 16, 16), timestamp: 0.2 * i });
  await writer.finish();
  const { leftOut, sideStreams } = writer;
  if (sideStreams.length === 0) return leftOut.length === 1 && leftOut[0]!.reason ? 'named' : `LOST ${JSON.stringify(leftOut)}`;
  const [{ from, to, packets, dropped }] = sideStreams as [(typeof sideStreams)[0]];
  const written = await packetsOf(output);
  if (written < 1 || packets < 1 || dropped > 0) return `LOST ${from} ${to}: ${packets} written, ${written} read, ${dropped} dropped`;
  return from === to ? 'kept' : `→ ${to}`;
}

/** Packets of sound and subtitles. Codec names don't count: an MP4 has one number for MP2 and MP3. */
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

describe.skipIf(!hasFfmpeg)(`sound and subtitles of other programs${hasFfmpeg ? '' : ` [needs ${FFMPEG}]`}`, () => {
  beforeAll(async () => {
    writeFileSync(at('text.srt'), TEXT);
    await run(FFMPEG, ['-v', 'error', '-f', 'lavfi', '-i', `sine=r=48000:d=${SECONDS}`, '-ac', '2', at('tone.wav')]);
    for (const [container, encoder] of Object.entries(SOURCES)) {
      await run(FFMPEG, ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=96x64:rate=25:d=${SECONDS}`, '-pix_fmt', 'yuv420p', ...encoder, at(`pictures.${container}`)]);
    }
  });

  it('are kept, converted or named in every container', async () => {
    const rows: string[][] = [];
    for (const container of Object.keys(SOURCES)) {
      for (const kind of Object.keys(KINDS)) {
        const path = await source(container, kind);
        // Some containers are written with streams that nothing reads again.
        if (!path || (await packetsOf(path)) === 0) continue;
        const cells: string[] = [];
        for (const target of TARGETS) cells.push(await convert(path, target).catch((error: Error) => `FAILED ${error.message}`));
        rows.push([container, kind, ...cells]);
      }
    }
    const line = (cells: readonly string[]) => cells.map((cell) => cell.padEnd(12)).join('').trimEnd();
    process.stdout.write(`${[line(['source', 'stream', ...TARGETS]), ...rows.map(line)].join('\n')}\n`);
    const bad = rows.filter((row) => row.some((cell) => /^(LOST|FAILED)/.test(cell)));
    expect(bad).toEqual([]);
    expect(rows.length).toBeGreaterThan(60);
  });
});
