import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeImage } from '@facedet/runtime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberedPicture, numbersOf, show, evenTimes, tempFolder, writeByGraph, writeNumbered } from '../fixtures.ts';
import { openVideo } from './open-video.ts';
import { ahead } from './read-ahead.ts';
import type { ConnectionChange } from './reader-options.ts';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
let film: Buffer;

beforeAll(async () => {
  film = readFileSync(await writeByGraph(at('live.ts'), { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 30 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(
  listener: RequestListener,
  port = 0,
): Promise<{ url: string; port: number; close: () => Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/live.ts`,
    port: bound,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

describe('reconnection', () => {
  it('tries the first connection again where reconnects is given, and only there', async () => {
    let asked = 0;
    const server = await serve((_, response) => {
      if (++asked <= 2) return void response.writeHead(503).end();
      response.writeHead(200, { 'content-type': 'video/mp2t' });
      response.end(film);
    });
    try {
      await expect(openVideo(server.url)).rejects.toMatchObject({ code: 'STREAM_UNREACHABLE' });
      expect(asked).toBe(1);
      asked = 0;
      const changes: ConnectionChange[] = [];
      const video = await openVideo(server.url, { reconnects: 3, onReconnect: (change) => changes.push(change) });
      await video.close();
      expect(changes.map(({ state, attempt }) => [state, attempt])).toEqual([
        ['lost', 1],
        ['lost', 2],
        ['restored', 2],
      ]);
      expect(changes[0]!.error).toMatchObject({ code: 'STREAM_UNREACHABLE' });
      // Twice as long each time, and up to a quarter longer.
      expect([
        changes[0]!.delay >= 0.5 && changes[0]!.delay <= 0.625,
        changes[1]!.delay >= 1 && changes[1]!.delay <= 1.25,
      ]).toEqual([true, true]);
      expect(video.statistics.reconnects).toBe(1);
    } finally {
      await server.close();
    }
  });

  it('gives up after `reconnects` attempts, and ends at once when it is closed', async () => {
    const { url, close } = await serve((_, response) => response.writeHead(503).end());
    await close();
    const states: string[] = [];
    await expect(
      openVideo(url, { reconnects: 1, onReconnect: ({ state }) => states.push(state) }),
    ).rejects.toMatchObject({ code: 'STREAM_UNREACHABLE' });
    expect(states).toEqual(['lost']);
    const stop = new AbortController();
    await expect(
      openVideo(url, {
        reconnects: 'forever',
        signal: stop.signal,
        onReconnect: ({ attempt }) => attempt === 2 && stop.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough');
    for (const reconnects of [-1, 1.5, 'never'] as never[])
      await expect(openVideo(url, { reconnects })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('continues in the first size when a stream comes back larger', async () => {
    const larger = readFileSync(
      await writeByGraph(at('larger.ts'), {
        encoder: 'mpeg2video',
        pixelFormat: 'yuv420p',
        frames: 30,
        size: [256, 128],
      }),
    );
    let asked = 0;
    const server = await serve((_, response) => {
      if (++asked > 2) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'video/mp2t' });
      response.end(asked === 1 ? film : larger);
    });
    try {
      const video = await openVideo(server.url, { reconnects: 1, dropLate: false });
      const times: number[] = [];
      await expect(async () => {
        for await (const frame of video) {
          expect([frame.width, frame.height]).toEqual([128, 96]);
          times.push(frame.timestamp);
          frame.close();
        }
      }).rejects.toMatchObject({ code: 'STREAM_LOST' });
      expect(times.length).toBe(60);
      times.slice(1).forEach((time, i) => expect(time).toBeGreaterThan(times[i]!));
    } finally {
      await server.close();
    }
  });
});

describe('a file as a live source', () => {
  it('is paced by its timestamps: a consumer that is fast enough gets every frame', async () => {
    const path = await writeNumbered(at('paced.mp4'), evenTimes(25));
    const began = performance.now();
    const { levels } = await show(path, { dropLate: true, decodeAhead: 100 });
    expect(numbersOf(levels).length).toBe(25);
    // The last frame is due 0.96 s after the first.
    expect(performance.now() - began).toBeGreaterThan(900);
    const quick = await show(path, { dropLate: true, paced: false, decodeAhead: 100 });
    expect(quick.levels.length).toBe(25);
  });

  it('drops the frames that a slow consumer cannot take', async () => {
    const video = await openVideo(await writeNumbered(at('slow.mp4'), evenTimes(50)), {
      dropLate: true,
      decodeAhead: 1,
    });
    let frames = 0;
    for await (const frame of video) {
      frame.close();
      frames++;
      await new Promise((done) => setTimeout(done, 200));
    }
    expect(frames).toBeLessThan(30);
    expect(frames + video.statistics.dropped).toBe(50);
  });
});

describe('a broken picture of a folder', () => {
  async function pictures(name: string, broken: readonly number[]): Promise<string> {
    mkdirSync(at(name));
    for (let i = 1; i <= 5; i++) {
      const path = join(at(name), `${i}.png`);
      await writeImage(path, numberedPicture(i, 64, 48));
      if (broken.includes(i)) writeFileSync(path, i % 2 === 0 ? 'no picture' : readFileSync(path).subarray(0, 60));
    }
    return at(name);
  }

  it('ends the source by default', async () => {
    const { indices, error } = await show(await pictures('stop', [3]));
    expect([indices, error?.code]).toEqual([[0, 1], expect.stringMatching(/^VIDEO_/)]);
  });

  it.each([[[3]], [[1, 2]], [[4, 5]], [[1, 3, 5]]])(
    'is a black frame with its error where it is to be skipped: %j',
    async (broken) => {
      const video = await openVideo(await pictures(`skip-${broken.join('')}`, broken), { onPictureError: 'skip' });
      const seen: [number, number, boolean][] = [];
      for await (const frame of video) {
        expect([frame.width, frame.height]).toEqual([64, 48]);
        seen.push([frame.index, frame.timestamp, frame.error !== undefined]);
        if (frame.error) {
          await expect(frame.rasterize(8, 8)).rejects.toBe(frame.error);
          expect(frame.native().data![0]!.every((value) => value === 0)).toBe(true);
        } else expect((await frame.rasterize(8, 8)).data.length).toBe(192);
        frame.close();
      }
      expect(seen).toEqual([1, 2, 3, 4, 5].map((number, i) => [i, i / 25, broken.includes(number)]));
    },
  );

  it('has no frames at all where none can be read', async () => {
    await expect(openVideo(await pictures('none', [1, 2, 3, 4, 5]), { onPictureError: 'skip' })).rejects.toMatchObject({
      code: expect.stringMatching(/^VIDEO_/),
    });
  });
});

describe('values read ahead', () => {
  async function most(
    size: number,
    limit: number,
    weights: readonly number[],
  ): Promise<{ values: number; bytes: number; taken: number }> {
    let [values, bytes] = [0, 0];
    const peak = { values: 0, bytes: 0, taken: 0 };
    async function* source(): AsyncGenerator<number, void> {
      for (const weight of weights) {
        values++;
        bytes += weight;
        peak.values = Math.max(peak.values, values);
        peak.bytes = Math.max(peak.bytes, bytes);
        yield weight;
      }
    }
    for await (const weight of ahead(source(), { size, bytes: { limit, of: (value) => value }, discard: () => {} })) {
      await new Promise((done) => setTimeout(done, 2));
      values--;
      bytes -= weight;
      peak.taken++;
    }
    return peak;
  }

  it('are bounded by their number and by their bytes', async () => {
    for (const [size, limit, weight] of [
      [4, Infinity, 10],
      [100, 50, 10],
      [100, 5, 10],
      [8, 64e6, 50e6],
    ] as const) {
      const peak = await most(size, limit, Array<number>(30).fill(weight));
      expect(peak.taken).toBe(30);
      // One is with the consumer, one is made; one waits at least.
      const waiting = Math.max(1, Math.min(size, limit / weight));
      expect(peak.values).toBeLessThanOrEqual(waiting + 2);
    }
  });
});
