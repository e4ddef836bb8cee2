import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { tempFolder } from '../fixtures.ts';
import { openVideo } from '../read/open-video.ts';
import { createVideoWriter, type VideoWriterOptions } from './writer.ts';

const run = promisify(execFile);
const FFMPEG = '/usr/bin/ffmpeg';
const hasFfmpeg = existsSync(FFMPEG);
if (!hasFfmpeg) process.stderr.write(`Tests of joined and cut recordings are skipped: there is no ${FFMPEG}.\n`);

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ffmpeg = (...args: string[]) => run(FFMPEG, ['-v', 'error', '-y', ...args]);

async function copy(source: string, name: string, options: Partial<VideoWriterOptions> = {}) {
  const video = await openVideo(source);
  const writer = await createVideoWriter(at(name), {
    like: video.metadata,
    preset: name.endsWith('.webm') ? '8' : 'ultrafast',
    threads: 1,
    ...options,
  });
  for await (const frame of video) {
    await writer.write(frame);
    frame.close();
  }
  await writer.finish();
  return { ...(await times(at(name))), writer };
}

/** Times of the packets that players show and play, in seconds. */
async function times(path: string) {
  const library = await loadFfmpeg();
  const input = new library.FormatContext();
  input.allocContext();
  await input.openInput(path, null, null);
  await input.findStreamInfo(null);
  const found = { pictures: [] as number[], sound: [] as number[] };
  const packet = new library.Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    const { codecpar, timeBase } = input.streams[packet.streamIndex]!;
    const seconds = (Number(packet.pts) * timeBase.num) / timeBase.den;
    (codecpar.codecType === library.constants.AVMEDIA_TYPE_VIDEO ? found.pictures : found.sound).push(seconds);
    packet.unref();
  }
  packet.free();
  await input.closeInput();
  found.pictures.sort((a, b) => a - b);
  return found;
}

/** Copies the pictures of a file into another one that is tagged as spherical video. */
async function addSideData(source: string, path: string, data: Buffer): Promise<void> {
  const library = await loadFfmpeg();
  const input = new library.FormatContext();
  input.allocContext();
  await input.openInput(source, null, null);
  await input.findStreamInfo(null);
  const output = new library.FormatContext();
  output.allocOutputContext2(null, null, path);
  output.strictStdCompliance = -1;
  const [from, to] = [input.streams[0]!, output.newStream(null)];
  from.codecpar.copy(to.codecpar);
  to.codecpar.addCodedSideData(library.constants.AV_PKT_DATA_SPHERICAL, data);
  to.timeBase = from.timeBase;
  await output.openOutput();
  await output.writeHeader(null);
  const packet = new library.Packet();
  packet.alloc();
  while ((await input.readFrame(packet)) >= 0) {
    if (packet.streamIndex === 0) {
      packet.rescaleTs(from.timeBase, to.timeBase);
      await output.writeFrame(packet);
    }
    packet.unref();
  }
  packet.free();
  await output.writeTrailer();
  await output.closeOutput();
  output.freeContext();
  await input.closeInput();
}

describe.skipIf(!hasFfmpeg)(`sound with a clock of its own${hasFfmpeg ? '' : ` [needs ${FFMPEG}]`}`, () => {
  beforeAll(async () => {
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=96x64:rate=25:d=2',
      '-f',
      'lavfi',
      '-i',
      'sine=r=48000:d=2',
      '-c:v',
      'libx264',
      '-g',
      '25',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
      at('base.mp4'),
    );
    for (const codec of ['aac', 'mp2']) {
      await ffmpeg('-i', at('base.mp4'), '-c:v', 'copy', '-c:a', codec, at(`${codec}.ts`));
      const bytes = readFileSync(at(`${codec}.ts`));
      writeFileSync(at(`${codec}-twice.ts`), Buffer.concat([bytes, bytes, bytes]));
    }
  });

  it('of joined recordings continues with the pictures', async () => {
    for (const [codec, extension] of [
      ['mp2', 'mp4'],
      ['mp2', 'mkv'],
      ['aac', 'mp4'],
      ['aac', 'mov'],
      ['mp2', 'webm'],
    ] as const) {
      const { pictures, sound, writer } = await copy(at(`${codec}-twice.ts`), `${codec}-twice.${extension}`);
      expect(pictures.length).toBe(150);
      expect(pictures.at(-1)! - pictures[0]!).toBeCloseTo(5.96, 0);
      for (const list of [pictures, sound]) list.slice(1).forEach((time, i) => expect(time).toBeGreaterThan(list[i]!));
      expect(sound.length).toBeGreaterThan(230);
      expect(sound.at(-1)! - pictures.at(-1)!).toBeCloseTo(0, 0);
      // The audio of each recording starts with its pictures: the only gaps are at the joints.
      sound.slice(1).forEach((time, i) => expect(time - sound[i]!).toBeLessThan(0.2));
      expect(writer.sideStreams[0]!.dropped).toBeLessThan(12);
    }
  });

  it('of MPEG-TS is copied unchanged into MP4 and MOV', async () => {
    for (const extension of ['mp4', 'mov', 'mkv']) {
      const { sound, writer } = await copy(at('aac.ts'), `adts.${extension}`);
      expect(writer.sideStreams).toMatchObject([{ from: 'aac', to: 'aac', repaired: 0, dropped: 0 }]);
      expect(sound.length).toBeGreaterThan(90);
      const decoded = await ffmpeg('-i', at(`adts.${extension}`), '-map', '0:a', '-f', 'null', '-');
      expect(decoded.stderr).toBe('');
    }
  });

  it('in packets shorter than a tick of the container is not counted as repaired', async () => {
    await ffmpeg('-i', at('base.mp4'), '-t', '1', '-c:v', 'copy', '-c:a', 'truehd', '-strict', '-2', at('thd.mkv'));
    const { sound, writer } = await copy(at('thd.mkv'), 'thd.mp4');
    expect(writer.sideStreams).toMatchObject([{ from: 'truehd', to: 'truehd', repaired: 0, dropped: 0 }]);
    sound.slice(1).forEach((time, i) => expect(time).toBeGreaterThan(sound[i]!));
    // Matroska counts milliseconds: the times stay those of the source, and the audio stays in sync with the pictures.
    const [source, kept] = [await times(at('thd.mkv')), await copy(at('thd.mkv'), 'kept.mkv')];
    expect(kept.sound).toEqual(source.sound);
    expect(kept.writer.sideStreams).toMatchObject([{ repaired: 0, dropped: 0 }]);
  });

  it('that an edit list removes is not in the output', async () => {
    await ffmpeg('-ss', '1.5', '-i', at('base.mp4'), '-c', 'copy', at('trim.mp4'));
    expect((await times(at('trim.mp4'))).sound[0]!).toBeLessThan(-0.3);
    for (const extension of ['mp4', 'mkv']) {
      const { sound, pictures } = await copy(at('trim.mp4'), `trimmed.${extension}`);
      expect(sound[0]! - pictures[0]!).toBeGreaterThan(-0.05);
      expect(sound.length).toBeGreaterThan(15);
      expect(sound.length).toBeLessThan(30);
    }
  });

  it('that begins before the pictures is kept, at the same distance', async () => {
    await ffmpeg(
      '-itsoffset',
      '0.5',
      '-i',
      at('base.mp4'),
      '-i',
      at('base.mp4'),
      '-map',
      '0:v',
      '-map',
      '1:a',
      '-c',
      'copy',
      at('early.mp4'),
    );
    const before = await times(at('early.mp4'));
    for (const extension of ['mp4', 'mov', 'mkv']) {
      const { sound, pictures } = await copy(at('early.mp4'), `late-pictures.${extension}`);
      expect(sound.length).toBe(before.sound.length);
      expect(pictures[0]! - sound[0]!).toBeCloseTo(before.pictures[0]! - before.sound[0]!, 1);
      expect(sound[0]!).toBeGreaterThan(-0.05);
    }
  });

  it('timecode and spherical video data are copied', async () => {
    await ffmpeg('-i', at('base.mp4'), '-map', '0:v', '-c', 'copy', '-timecode', '01:02:03:04', at('code.mov'));
    for (const extension of ['mov', 'mp4', 'mkv']) {
      const { writer } = await copy(at('code.mov'), `coded.${extension}`);
      expect(writer.leftOut).toEqual([]);
      const { stdout } = await run('/usr/bin/ffprobe', [
        '-v',
        'error',
        '-show_format',
        '-show_streams',
        at(`coded.${extension}`),
      ]);
      expect(stdout, extension).toMatch(/TAG:timecode=01:02:03:04/i);
    }
    // AVSphericalMapping: equirectangular, no rotation, full sphere.
    await addSideData(at('base.mp4'), at('sphere.mp4'), Buffer.alloc(36));
    for (const extension of ['mp4', 'mkv']) {
      await copy(at('sphere.mp4'), `sphere-copy.${extension}`);
      const { stdout } = await run('/usr/bin/ffprobe', [
        '-v',
        'error',
        '-show_streams',
        at(`sphere-copy.${extension}`),
      ]);
      expect(stdout, extension).toMatch(/projection=equirectangular/);
    }
  });

  it('has its chapters, or they are reported as left out if metadata is not kept', async () => {
    const part = (start: number, end: number, title: string) =>
      `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${start}\nEND=${end}\ntitle=${title}\n`;
    writeFileSync(
      at('chapters.txt'),
      `;FFMETADATA1\ntitle=Film\n${part(0, 800, 'Stream #1')}${part(800, 2000, 'Intro: é \\= 1')}`,
    );
    for (const source of ['chapters.mp4', 'chapters.mkv']) {
      await ffmpeg(
        '-i',
        at('base.mp4'),
        '-i',
        at('chapters.txt'),
        '-map_metadata',
        '1',
        '-map_chapters',
        '1',
        '-c',
        'copy',
        at(source),
      );
      for (const extension of ['mp4', 'mov', 'mkv', 'webm']) {
        const { writer } = await copy(at(source), `${source}.${extension}`);
        expect(writer.leftOut).toEqual([]);
        const { stdout } = await run('/usr/bin/ffprobe', [
          '-v',
          'error',
          '-of',
          'json',
          '-show_chapters',
          at(`${source}.${extension}`),
        ]);
        const found = (JSON.parse(stdout) as { chapters: { start_time: string; tags: { title: string } }[] }).chapters;
        expect(found.map(({ tags }) => tags.title)).toEqual(['Stream #1', 'Intro: é = 1']);
        expect(Number(found[1]!.start_time)).toBeCloseTo(0.8, 1);
        expect((await run(FFMPEG, ['-v', 'error', '-i', at(`${source}.${extension}`), '-f', 'null', '-'])).stderr).toBe(
          '',
        );
      }
    }
    expect((await copy(at('chapters.mp4'), 'no-chapters.mkv', { keepMetadata: false })).writer.leftOut).toMatchObject([
      { kind: 'chapters' },
    ]);
  });

  it('reports what is not written', async () => {
    await ffmpeg(
      '-i',
      at('base.mp4'),
      '-map',
      '0',
      '-map',
      '0:v',
      '-c',
      'copy',
      '-timecode',
      '01:02:03:04',
      at('two.mov'),
    );
    const { writer } = await copy(at('two.mov'), 'two.mov.mov');
    expect(writer.leftOut).toMatchObject([{ kind: 'video', codec: 'h264' }]);
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=96x64:rate=25:d=0.4,format=yuva420p',
      '-c:v',
      'libvpx-vp9',
      '-deadline',
      'realtime',
      at('alpha.webm'),
    );
    expect((await copy(at('alpha.webm'), 'opaque.webm')).writer.leftOut).toMatchObject([
      { kind: 'alpha', codec: 'vp9' },
    ]);
    await ffmpeg(
      '-i',
      at('base.mp4'),
      '-map',
      '0',
      '-c',
      'copy',
      '-attach',
      at('trim.mp4'),
      '-metadata:s:t',
      'mimetype=application/x-font',
      '-metadata:s:t',
      'filename=a.ttf',
      at('font.mkv'),
    );
    expect((await copy(at('font.mkv'), 'no-font.mkv')).writer.leftOut).toMatchObject([{ kind: 'attachment' }]);
  });
});
