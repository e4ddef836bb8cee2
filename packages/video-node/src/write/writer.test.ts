import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  numberedPicture,
  numbersOf,
  show,
  evenTimes,
  tempFolder,
  writeByGraph,
  writeNumbered,
  hasShared,
  shared,
} from '../fixtures.ts';
import { loadFfmpeg } from '../ffmpeg/load.ts';
import { openVideo } from '../read/open-video.ts';
import { openEncoder } from './encoder.ts';
import { createMuxer } from './muxer.ts';
import { createVideoWriter, type VideoWriter, type VideoWriterOptions } from './writer.ts';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = tempFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const like = { width: 96, height: 64, fps: 25 };
const begin = (name: string, options: Partial<VideoWriterOptions> = {}) =>
  createVideoWriter(at(name), { like, crf: 8, ...options });
const add = async (writer: VideoWriter, from: number, to: number) => {
  for (let i = from; i < to; i++) await writer.write({ ...numberedPicture(i, 96, 64), timestamp: i / 25 });
};
/** Expects that every picture is approximately the one of its number. */
const inOrder = (levels: readonly number[]) =>
  numbersOf(levels).forEach((number, i) => expect(Math.abs(number - (i % 90))).toBeLessThanOrEqual(2));

describe('a video', () => {
  it.each([
    ['a.mp4', 'h264'],
    ['b.mkv', 'h264'],
    ['c.webm', 'vp9'],
    ['d.mp4', 'av1'],
    ['e.mov', 'h264'],
    ['f.mp4', 'vp9'],
  ] as const)('shows what was written: %s in %s', async (name, codec) => {
    const times = evenTimes(40).map((t, i) => t + (i > 20 ? 0.5 : 0));
    const path = await writeNumbered(at(name), times, { codec });
    const read = await show(path);
    expect(read.error).toBeUndefined();
    expect(read.times).toEqual(times.map((t) => expect.closeTo(t, 3)));
    inOrder(read.levels);
    expect(readdirSync(folder)).toEqual([name]);
    const { metadata, close } = await openVideo(path);
    await close();
    expect([metadata.codec, metadata.width, metadata.height]).toEqual([codec, 96, 64]);
  });

  it('has an even width and height, whatever the size of the frames', async () => {
    const path = await writeNumbered(at('odd.mp4'), evenTimes(3), { width: 97, height: 63 });
    const { metadata, close } = await openVideo(path);
    await close();
    expect([metadata.width, metadata.height]).toEqual([96, 62]);
  });

  it('is rejected if its name has no known extension, or the container does not support the codec', async () => {
    await expect(begin('film.txt')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(begin('film.webm', { codec: 'h264' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(begin('film.mp4', { preset: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(begin('film.mp4', { like: { width: 1, height: 1, fps: 25 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('is rejected at once if nothing can be written, not after the work', async () => {
    mkdirSync(at('folder.mp4'));
    writeFileSync(at('file'), '');
    for (const name of ['folder.mp4', 'file/film.mp4'])
      await expect(begin(name), name).rejects.toMatchObject({ name: 'FaceDetError', code: 'OUTPUT_UNWRITABLE' });
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder.mp4']);
  });

  it('never replaces its source', async () => {
    const source = await writeNumbered(at('source.mp4'), evenTimes(5));
    symlinkSync(source, at('link.mp4'));
    const { metadata, close } = await openVideo(source);
    await close();
    for (const name of ['source.mp4', 'link.mp4'])
      await expect(begin(name, { like: metadata })).rejects.toMatchObject({ code: 'OUTPUT_IS_INPUT' });
    expect(readdirSync(folder).sort()).toEqual(['link.mp4', 'source.mp4']);
  });

  it('keeps the pixels of a frame as long as FFmpeg reads them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const [width, height] = [1920, 1080];
    const writer = await begin('large.mp4', { like: { width, height, fps: 25 }, preset: 'ultrafast' });
    for (let i = 0; i < 6; i++) {
      const written = writer.write({ ...numberedPicture(i, width, height), timestamp: i / 25 });
      collect();
      await written;
    }
    await writer.finish();
    const { levels } = await show(at('large.mp4'));
    expect(levels.length).toBe(6);
    inOrder(levels);
  });

  it('copies the edited frames of another video without changing that', async () => {
    const source = await writeNumbered(at('source.mp4'), evenTimes(20));
    const video = await openVideo(source);
    const writer = await createVideoWriter(at('copy.mp4'), { like: video.metadata, crf: 8 });
    for await (const frame of video) {
      await writer.write(frame, ({ planes, strides, height, subsampling }) => {
        expect(subsampling).toBe('420');
        for (let y = 0; y < height; y++) planes[0]!.fill(235, y * strides[0]!, y * strides[0]! + 48);
      });
      const { data } = await frame.rasterize(96, 64);
      expect(data[0]).toBeLessThan(200); // the frame itself is not edited
      frame.close();
    }
    await writer.finish();
    const copy = await show(at('copy.mp4'));
    expect(copy.times).toEqual((await show(source)).times);
    copy.levels.forEach((level) => expect(level).toBeGreaterThan(230));
  });

  it.each([
    ['a.mp4', 'h264'],
    ['b.mkv', 'h264'],
    ['c.webm', 'vp9'],
    ['d.mp4', 'av1'],
    ['e.mov', 'h264'],
  ] as const)('keeps its color tags: %s in %s', async (name, codec) => {
    const tags = async (path: string) => {
      const { metadata, close } = await openVideo(path);
      await close();
      return metadata;
    };
    const source = await openVideo({
      lavfi:
        'testsrc2=size=96x64:rate=25:duration=0.4,format=yuv420p,' +
        'setparams=range=pc:color_primaries=bt2020:color_trc=bt709:colorspace=bt709',
    });
    const writer = await createVideoWriter(at(name), { like: source.metadata, codec });
    for await (const frame of source) {
      await writer.write(frame);
      frame.close();
    }
    await writer.finish();
    const [{ color: wanted }, { color }] = [source.metadata, await tags(at(name))];
    // Full range, BT.2020's primaries, BT.709's curve and matrix: neither defaults nor a usual combination.
    expect([wanted.range, wanted.primaries, wanted.transfer, wanted.space]).toEqual([2, 9, 1, 1]);
    expect([color.range, color.primaries, color.transfer, color.space]).toEqual([2, 9, 1, 1]);
  });

  it('keeps 10-bit and interlaced sources readable', async () => {
    for (const source of [
      await writeByGraph(at('deep.mkv'), { encoder: 'ffv1', pixelFormat: 'yuv422p10le', frames: 8 }),
      await writeByGraph(at('fields.mpg'), {
        encoder: 'mpeg2video',
        pixelFormat: 'yuv420p',
        frames: 8,
        interlaced: true,
      }),
    ]) {
      const video = await openVideo(source, { deinterlace: false });
      const writer = await createVideoWriter(at('out.mp4'), { like: video.metadata });
      for await (const frame of video) {
        await writer.write(frame, () => {});
        frame.close();
      }
      await writer.finish();
      expect((await show(at('out.mp4'))).times.length).toBe(8);
    }
  });

  it.skipIf(!hasShared)('keeps audio, or leaves it out [needs ../shared]', async () => {
    const copy = async (audio: boolean) => {
      const video = await openVideo(join(shared, 'video/street_crowd.mp4'));
      const writer = await createVideoWriter(at('street.mp4'), { like: video.metadata, audio, preset: 'ultrafast' });
      for await (const frame of video) {
        if (frame.index < 30) await writer.write(frame);
        frame.close();
      }
      await writer.finish();
      const { metadata, close } = await openVideo(at('street.mp4'));
      await close();
      return metadata.audioStreams.map(({ codec }) => codec);
    };
    expect(await copy(true)).toEqual(['aac']);
    expect(await copy(false)).toEqual([]);
  });
});

describe('a video in progress', () => {
  it.each(['film.mp4', 'film.mkv', 'film.webm'])('is playable at any time, and can be continued: %s', async (name) => {
    const writer = await begin(name);
    await add(writer, 0, 130);
    await new Promise((done) => setTimeout(done, 300));
    expect(existsSync(at(name))).toBe(false);
    // A killed process leaves such a file: the partial file without its end.
    const killed = at(`copy.partial.${name.split('.')[1]}`);
    copyFileSync(writer.partialPath, killed);
    const now = await show(killed);
    expect(now.times.length).toBeGreaterThanOrEqual(130 - 50); // two seconds back at most
    inOrder(now.levels);
    await writer.flush();
    copyFileSync(killed, writer.partialPath);
    truncateSync(writer.partialPath, statSync(killed).size - 37);

    const next = await begin(name, { resume: true });
    expect(next.frames).toBeGreaterThanOrEqual(60);
    expect(next.frames).toBeLessThanOrEqual(130);
    await add(next, next.frames, 160);
    await next.finish();
    const film = await show(at(name));
    expect(film.times).toEqual(evenTimes(160).map((t) => expect.closeTo(t, 3)));
    expect(film.error).toBeUndefined();
    inOrder(film.levels);
    expect(readdirSync(folder).filter((file) => file.startsWith('film'))).toEqual([name]);
  });

  it('contains every frame after flush, and can be continued', async () => {
    const writer = await begin('film.mp4');
    await add(writer, 0, 47);
    await writer.flush();
    expect((await show(writer.partialPath)).times.length).toBe(47);
    const next = await begin('film.mp4', { resume: true });
    expect(next.frames).toBe(47);
    await add(next, 47, 60);
    await next.finish();
    const film = await show(at('film.mp4'));
    expect(film.times.length).toBe(60);
    inOrder(film.levels);
  });

  it('starts over if nothing was left, and does not continue with other settings', async () => {
    const none = await begin('film.mp4', { resume: true });
    expect(none.frames).toBe(0);
    await add(none, 0, 30);
    await none.flush();
    await expect(begin('film.mp4', { resume: true, like: { width: 64, height: 64, fps: 25 } })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
    });
    const again = await begin('film.mp4', { resume: true });
    expect(again.frames).toBe(30);
    await again.flush();
  });

  it.skipIf(!existsSync('/dev/full'))('reports a full disk [needs /dev/full]', async () => {
    const ffmpeg = await loadFfmpeg();
    const timeBase = { num: 1, den: 1000 };
    const color = { range: 0, space: 2, primaries: 2, transfer: 2, chromaLocation: 0 };
    const encoder = await openEncoder(ffmpeg, {
      codec: 'h264',
      bitDepth: 8,
      width: 96,
      height: 64,
      timeBase,
      fps: 25,
      sampleAspectRatio: { num: 1, den: 1 },
      color,
      threads: 1,
      reorder: false,
    });
    try {
      await expect(async () => {
        const muxer = await createMuxer(ffmpeg, {
          path: '/dev/full',
          container: 'matroska',
          encoder: encoder.context,
          timeBase,
        });
        await muxer.end(false).finally(() => muxer.close());
      }).rejects.toMatchObject({ code: 'DISK_FULL' });
    } finally {
      encoder.close();
    }
  });

  it('becomes an ordinary MP4: one index, no fragments', async () => {
    await writeNumbered(at('film.mp4'), evenTimes(60));
    const bytes = readFileSync(at('film.mp4'));
    const boxes: string[] = [];
    for (let p = 0; p < bytes.length; p += bytes.readUInt32BE(p) || bytes.length)
      boxes.push(bytes.toString('latin1', p + 4, p + 8));
    expect(boxes.filter((box) => box === 'moov')).toEqual(['moov']);
    expect(boxes).not.toContain('moof');
  });
});
