import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { resizeBilinear } from '@facedet/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeImage } from '@facedet/runtime-node';
import {
  displayMatrix,
  hasShared,
  numberedPicture,
  numbersOf,
  shared,
  show,
  evenTimes,
  tempFolder,
  writeByGraph,
  writeNumbered,
} from '../fixtures.ts';
import { openVideo } from './open-video.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const code = async (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code?: string }) => error.code,
  );
let film: string;

beforeAll(async () => {
  film = await writeNumbered(at('film.mp4'), evenTimes(60));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('frames', () => {
  it('come in order, each with its picture and its time', async () => {
    const { indices, times, levels } = await show(film);
    expect(indices).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(times).toEqual(evenTimes(60).map((t) => expect.closeTo(t, 6)));
    numbersOf(levels).forEach((number, i) => expect(Math.abs(number - i)).toBeLessThanOrEqual(2));
  });

  it('keep the times of a variable rate, from the first frame on', async () => {
    const times = [0, 0.04, 0.05, 0.3, 0.31, 1, 1.5];
    const read = await show(await writeNumbered(at('vfr.mp4'), times));
    expect(read.times).toEqual(times.map((t) => expect.closeTo(t, 4)));
  });

  it('continue exactly after a frame, by a seek or from the start', async () => {
    const long = await writeNumbered(at('long.mp4'), evenTimes(400));
    const whole = await show(long);
    for (const index of [0, 10, 150, 260, 398]) {
      const rest = await show(long, { after: { index, timestamp: whole.times[index]! } });
      expect(rest.indices[0]).toBe(index + 1);
      expect(rest.times).toEqual(whole.times.slice(index + 1));
      expect(rest.levels).toEqual(whole.levels.slice(index + 1));
    }
    expect(await code(openVideo(long, { after: { index: 399, timestamp: whole.times[399]! } }))).toBe('VIDEO_FINISHED');
  });

  it('free what waits when the loop is left, and can be iterated once', async () => {
    const video = await openVideo(film);
    for await (const frame of video) {
      frame.close();
      break;
    }
    await video.close();
    expect(() => video[Symbol.asyncIterator]()).toThrow(/iterated before/);
  });

  it('can be closed before, while and after pixels are requested', async () => {
    const video = await openVideo(film);
    for await (const frame of video) {
      const pixels = frame.rasterize(32, 32);
      frame.close();
      expect((await pixels).data.length).toBe(32 * 32 * 3);
      await expect(frame.rasterize(8, 8)).rejects.toMatchObject({ code: 'DISPOSED' });
      if (frame.index === 5) break;
    }
  });

  it('end with the reason of an aborted signal', async () => {
    const stop = new AbortController();
    const video = await openVideo({ lavfi: 'testsrc2=size=320x240:rate=25' }, { signal: stop.signal });
    let frames = 0;
    await expect(async () => {
      for await (const frame of video) {
        frame.close();
        if (++frames === 10) stop.abort(new Error('enough'));
      }
    }).rejects.toThrow('enough');
    await video.close();
  });
});

describe('rasterize', () => {
  it('gives regions, also between pixels and over the edges, as core samples them', async () => {
    const video = await openVideo(film);
    for await (const frame of video) {
      const full = await frame.rasterize(frame.width, frame.height);
      for (const region of [
        { x: 10, y: 10, width: 40, height: 30 },
        { x: 7.3, y: 9.6, width: 33.1, height: 21.7 },
        { x: -10, y: -5, width: 60, height: 50 },
        { x: 70, y: 40, width: 60, height: 50 },
      ]) {
        const part = await frame.rasterize(40, 30, { region });
        const wanted = resizeBilinear(full, 40, 30, region);
        let worst = 0;
        part.data.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - wanted.data[i]!))));
        expect(worst).toBeLessThanOrEqual(12); // chroma is sampled once more
      }
      await expect(frame.rasterize(0, 10)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(frame.rasterize(10, 10, { region: { x: 0, y: 0, width: 0, height: 5 } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      frame.close();
      break;
    }
    await video.close();
  });

  it('shrinks to the colors of the full size, whatever the matrix, the range and the layout', async () => {
    const graphs = ['yuv420p', 'nv12', 'yuv422p', 'yuv444p', 'yuv420p10le'].flatMap((format) =>
      ['bt709:range=tv', 'bt709:range=pc', 'smpte170m:range=tv'].map(
        (color) => `smptehdbars=size=640x360:rate=25,setparams=colorspace=${color},format=${format}`,
      ),
    );
    for (const graph of graphs) {
      const video = await openVideo({ lavfi: graph });
      for await (const frame of video) {
        const [full, small] = [await frame.rasterize(640, 360), await frame.rasterize(64, 36)];
        // In the middle of each of the upper bars.
        for (const x of [4, 11, 18, 25, 32, 38, 45, 52, 60]) {
          for (let c = 0; c < 3; c++)
            expect(
              Math.abs(small.data[3 * (64 * 8 + x) + c]! - full.data[3 * (640 * 80 + 10 * x + 5) + c]!),
              `${graph} at ${x}`,
            ).toBeLessThanOrEqual(3);
        }
        frame.close();
        break;
      }
      await video.close();
    }
  });

  it('serves concurrent calls, each with its own memory', async () => {
    const video = await openVideo(film);
    for await (const frame of video) {
      const all = await Promise.all(Array.from({ length: 8 }, () => frame.rasterize(50, 40)));
      for (const { data } of all) expect(data).toEqual(all[0]!.data);
      expect(new Set(all.map(({ data }) => data.buffer)).size).toBe(8);
      frame.close();
      break;
    }
    await video.close();
  });
});

describe('sources', () => {
  it('a folder and a glob of pictures, in natural order at the rate asked for', async () => {
    const pictures = at('pictures');
    mkdirSync(pictures);
    for (const i of [1, 2, 10, 3]) await writeImage(join(pictures, `${i}.png`), numberedPicture(i, 64, 48));
    writeFileSync(join(pictures, 'notes.txt'), 'not a picture');
    const all = await show(pictures);
    expect(numbersOf(all.levels)).toEqual([1, 2, 3, 10]);
    expect(all.times).toEqual([0, 0.04, 0.08, 0.12].map((t) => expect.closeTo(t, 9)));
    const some = await show(join(pictures, '1*.png'), { fps: 10 });
    expect(numbersOf(some.levels)).toEqual([1, 10]);
    expect(some.times).toEqual([0, 0.1]);
    const rest = await show(pictures, { after: { index: 1, timestamp: 0.04 } });
    expect([rest.indices, numbersOf(rest.levels)]).toEqual([
      [2, 3],
      [3, 10],
    ]);
  });

  it("fits a picture of another size into the first one's", async () => {
    const mixed = at('mixed');
    mkdirSync(mixed);
    await writeImage(join(mixed, '1.png'), numberedPicture(1, 64, 48));
    await writeImage(join(mixed, '2.png'), numberedPicture(2, 48, 64));
    const video = await openVideo(mixed);
    for await (const frame of video) {
      expect([frame.width, frame.height]).toEqual([64, 48]);
      const { data } = await frame.rasterize(64, 48);
      if (frame.index === 1) expect([...data.slice(0, 3)]).toEqual([0, 0, 0]); // the rest is black
      frame.close();
    }
  });

  it('a test source of FFmpeg', async () => {
    const { times } = await show({ lavfi: 'testsrc2=size=64x48:rate=50:duration=1' });
    expect(times.length).toBe(50);
    expect(times.at(-1)).toBeCloseTo(0.98, 6);
  });

  it('10-bit and interlaced', async () => {
    const deep = await openVideo(
      await writeByGraph(at('deep.mkv'), { encoder: 'ffv1', pixelFormat: 'yuv420p10le', frames: 5 }),
    );
    expect(deep.metadata.pixelFormat).toBe('yuv420p10le');
    for await (const frame of deep) {
      expect(
        (await frame.rasterize(10, 10, { region: { x: 3, y: 3, width: 50, height: 50 } })).data.some((v) => v > 0),
      ).toBe(true);
      frame.close();
    }
    const fields = await writeByGraph(at('fields.mpg'), {
      encoder: 'mpeg2video',
      pixelFormat: 'yuv420p',
      frames: 12,
      interlaced: true,
    });
    const [woven, single] = [await show(fields, { deinterlace: false }), await show(fields)];
    expect(single.times.length).toBe(woven.times.length);
    single.times.forEach((t, i) => expect(t).toBeCloseTo(woven.times[i]!, 4));
  });

  it('a video whose size changes in the middle, fitted into the first size', async () => {
    const parts = await Promise.all(
      (
        [
          [128, 96],
          [64, 96],
        ] as const
      ).map((size) =>
        writeByGraph(at(`${size[0]}.ts`), { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 40, size }),
      ),
    );
    writeFileSync(at('joined.ts'), Buffer.concat(parts.map((path) => readFileSync(path))));
    const video = await openVideo(at('joined.ts'));
    const [times, bars] = [[] as number[], [] as boolean[]];
    for await (const frame of video) {
      expect([frame.width, frame.height]).toEqual([128, 96]);
      const { data } = await frame.rasterize(128, 96);
      // The narrower pictures are centered, with black to their left and right.
      bars.push(
        [0, 20, 110, 127].every((x) =>
          data.subarray(3 * (128 * 48 + x), 3 * (128 * 48 + x) + 3).every((value) => value < 20),
        ),
      );
      times.push(frame.timestamp);
      frame.close();
    }
    // The decoder gives up the picture that it held back when the size changes.
    expect(times.length).toBeGreaterThanOrEqual(78);
    times.slice(1).forEach((t, i) => expect(t).toBeGreaterThan(times[i]!));
    expect([bars.indexOf(true) >= 38, bars.slice(-40).every(Boolean), bars.filter(Boolean).length]).toEqual([
      true,
      true,
      40,
    ]);
  });

  it('a video that states a frame rate of 0', async () => {
    const mp4 = await writeByGraph(at('rate.mp4'), { encoder: 'mpeg4', pixelFormat: 'yuv420p', frames: 10 });
    const avi = await writeByGraph(at('rate.avi'), { encoder: 'mpeg4', pixelFormat: 'yuv420p', frames: 10 });
    const [timed, headed] = [readFileSync(mp4), readFileSync(avi)];
    timed.writeUInt32BE(0, timed.indexOf('stts') + 16); // duration of a sample
    headed.writeUInt32LE(0, headed.indexOf('avih') + 8); // microseconds per frame
    headed.writeUInt32LE(0, headed.indexOf('strh') + 32); // rate
    for (const [path, bytes] of [
      [mp4, timed],
      [avi, headed],
    ] as const) {
      writeFileSync(path, bytes);
      const { times, error } = await show(path);
      expect([times.length, error]).toEqual([10, undefined]);
      times.slice(1).forEach((t, i) => expect(t).toBeGreaterThan(times[i]!));
    }
  });

  it('decoded on a graphics card where there is one, in software elsewhere', async () => {
    const { times, levels, error } = await show(film, { hwaccel: 'auto' });
    expect([times.length, error]).toEqual([60, undefined]);
    numbersOf(levels).forEach((number, i) => expect(Math.abs(number - i)).toBeLessThanOrEqual(3));
  });

  it('a video that was filmed on its side, or mirrored, is upright', async () => {
    // Left half dark, right half bright.
    const graph = 'color=black:size=128x96:rate=25,drawbox=x=64:w=64:h=96:color=white:t=fill';
    for (const [[a, b, c, d], size, bright] of [
      [[0, 1, -1, 0], [96, 128], 'bottom'],
      [[0, -1, 1, 0], [96, 128], 'top'],
      [[-1, 0, 0, -1], [128, 96], 'left'],
      [[-1, 0, 0, 1], [128, 96], 'left'],
      [[1, 0, 0, 1], [128, 96], 'right'],
    ] as const) {
      const path = await writeByGraph(at('turned.mp4'), {
        graph,
        encoder: 'mpeg4',
        pixelFormat: 'yuv420p',
        frames: 3,
        matrix: displayMatrix(a, b, c, d),
      });
      const video = await openVideo(path);
      expect([video.metadata.width, video.metadata.height]).toEqual(size);
      let frames = 0;
      for await (const frame of video) {
        frames++;
        const { data } = await frame.rasterize(4, 4);
        const level = (x: number, y: number) => data[3 * (4 * y + x)]!;
        const [first, last] =
          bright === 'top' || bright === 'bottom' ? [level(1, 0), level(1, 3)] : [level(0, 1), level(3, 1)];
        expect(bright === 'top' || bright === 'left' ? first - last : last - first).toBeGreaterThan(150);
        frame.close();
      }
      expect(frames).toBe(3);
    }
  });

  it('an HTTP server, with a name that hides the password', async () => {
    const bytes = readFileSync(film);
    const server = createServer((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(request.headers.range ? 206 : 200, {
        'content-type': 'video/mp4',
        'accept-ranges': 'bytes',
        'content-length': bytes.length - from,
        ...(request.headers.range ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      });
      response.end(bytes.subarray(from));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      const { times, error } = await show(`http://somebody:secret@127.0.0.1:${port}/film.mp4`);
      expect([times.length, error]).toEqual([60, undefined]);
      const video = await openVideo(`http://somebody:secret@127.0.0.1:${port}/film.mp4`);
      expect(video.metadata.source).not.toContain('secret');
      await video.close();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('an HTTP server that hangs up in the middle and is asked for the rest', async () => {
    const bytes = readFileSync(await writeNumbered(at('served.mkv'), evenTimes(300), { crf: 0 }));
    const asked: number[] = [];
    const server = createServer((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(206, {
        'content-type': 'video/x-matroska',
        'accept-ranges': 'bytes',
        'content-length': bytes.length - from,
        'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      });
      if (asked.push(from) > 2) return void response.end(bytes.subarray(from));
      response.write(bytes.subarray(from, from + Math.floor(bytes.length / 3)), () =>
        setTimeout(() => response.destroy(), 100),
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const { levels, error } = await show(`http://127.0.0.1:${(server.address() as AddressInfo).port}/served.mkv`);
      expect([levels.length, error]).toEqual([300, undefined]);
      numbersOf(levels).forEach((number, i) => expect(Math.abs(number - (i % 90))).toBeLessThanOrEqual(2));
      expect(asked.length).toBe(3);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('a live stream that ends and comes back continues with the time that passed', async () => {
    const bytes = readFileSync(
      await writeByGraph(at('live.ts'), { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 30 }),
    );
    let served = 0;
    const server = createServer((_, response) => {
      if (++served > 2) return void response.writeHead(404).end();
      // Without a content length the end is unknown.
      response.writeHead(200, { 'content-type': 'video/mp2t' });
      response.end(bytes);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      const video = await openVideo(`http://127.0.0.1:${port}/live.ts`, { reconnects: 1, dropLate: false });
      expect(video.metadata.live).toBe(true);
      const times: number[] = [];
      await expect(async () => {
        for await (const frame of video) {
          times.push(frame.timestamp);
          frame.close();
        }
      }).rejects.toMatchObject({ code: 'STREAM_LOST' });
      await video.close();
      expect(video.statistics.reconnects).toBe(1);
      expect(times.length).toBe(60);
      times.slice(1).forEach((t, i) => expect(t).toBeGreaterThan(times[i]!));
      expect(times[30]! - times[29]!).toBeGreaterThan(0.4); // it waited half a second
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('a source that is not a video', () => {
  it('is reported by an error code', async () => {
    writeFileSync(at('empty.mp4'), '');
    writeFileSync(at('text.mp4'), 'This is a text.\n'.repeat(100));
    copyFileSync(at('text.mp4'), at('text.txt'));
    writeFileSync(at('cut.mp4'), readFileSync(film).subarray(0, 600));
    mkdirSync(at('nothing'));
    // A second of silence: 16-bit samples, one channel, 8000 a second.
    const wave = Buffer.alloc(44 + 16_000);
    wave.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
    for (const [offset, value, bytes] of [
      [4, wave.length - 8, 4],
      [16, 16, 4],
      [20, 1, 2],
      [22, 1, 2],
      [24, 8000, 4],
      [28, 16_000, 4],
      [32, 2, 2],
      [34, 16, 2],
      [40, 16_000, 4],
    ] as const)
      wave.writeUIntLE(value, offset, bytes);
    wave.write('data', 36, 'latin1');
    writeFileSync(at('sound.wav'), wave);
    for (const [source, expected] of [
      [at('missing.mp4'), 'NOT_FOUND'],
      [at('empty.mp4'), 'VIDEO_EMPTY'],
      [at('text.mp4'), 'VIDEO_UNREADABLE'],
      [at('text.txt'), 'VIDEO_UNREADABLE'],
      [at('cut.mp4'), 'VIDEO_TRUNCATED'],
      [at('sound.wav'), 'VIDEO_NO_PICTURES'],
      [at('nothing'), 'NO_PICTURES'],
      ['rtsp://127.0.0.1:9/none', 'STREAM_UNREACHABLE'],
      [{ lavfi: 'nosuchthing' }, 'INVALID_ARGUMENT'],
      ['', 'INVALID_ARGUMENT'],
      [-1, 'INVALID_ARGUMENT'],
    ] as const) {
      expect([source, await code(openVideo(source))]).toEqual([source, expected]);
    }
    expect(await code(openVideo(film, { fps: 0 }))).toBe('INVALID_ARGUMENT');
  });

  it('yields the frames of a truncated file, then throws', async () => {
    const path = await writeNumbered(at('whole.mkv'), evenTimes(100));
    const bytes = readFileSync(path);
    writeFileSync(at('half.mkv'), bytes.subarray(0, Math.floor(bytes.length / 2)));
    const { times, error } = await show(at('half.mkv'));
    expect(times.length).toBeGreaterThan(10);
    expect(times.length).toBeLessThan(95);
    expect(error?.code).toBe('VIDEO_TRUNCATED');
  });
});

describe('memory', () => {
  it('does not grow with the frames', async () => {
    const pass = async () => {
      const video = await openVideo({ lavfi: 'testsrc2=size=640x360:rate=25:duration=24' });
      for await (const frame of video) {
        if (frame.index % 4 === 0) await frame.rasterize(320, 180);
        frame.close();
      }
    };
    await pass();
    const before = process.memoryUsage().rss;
    await pass();
    await pass();
    // 1,200 pictures of 345 KB went by; a leak of each would be 400 MB.
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});

describe('real videos', () => {
  it.skipIf(!hasShared)('have the frames and times that they say [needs ../shared]', async () => {
    const street = await show(join(shared, 'video/street_crowd.mp4'));
    expect([street.times.length, street.times.at(-1), street.error]).toEqual([105, 4.16, undefined]);
    const gif = await show(join(shared, 'video/classroom.gif'));
    expect([gif.times.length, gif.times.at(-1), gif.error]).toEqual([45, 2.93, undefined]);
  });
});
