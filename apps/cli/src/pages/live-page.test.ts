import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { get, request, type IncomingMessage } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PixelBuffer } from '@facedet/core';
import { browserPath, launch } from '../../../../scripts/browser.ts';
import { startLivePage, type LivePage } from './live-page.ts';
import { createVideoWriter, processVideo, type PreviewUpdate, type VideoFace } from '@facedet/video-node';

let page: LivePage;
afterEach(() => page?.close());

function image(level: number, width = 96, height = 54): PixelBuffer {
  return { data: new Uint8Array(width * height * 3).fill(level), width, height, format: 'rgb' };
}
const face = (id: number | null, score = 0.9): VideoFace => ({
  id,
  box: { x: 10, y: 10, width: 20, height: 20 },
  score,
  state: 'detected',
});
const update = (index: number, more: Partial<PreviewUpdate> = {}): PreviewUpdate => ({
  image: image(100),
  faces: [face(1)],
  index,
  timestamp: index / 25,
  statistics: { identities: 1 },
  ...more,
});
const soon = <T>(assertion: () => T) => vi.waitFor(assertion, { timeout: 5000, interval: 10 });

function open(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(new URL(path, page.url), { headers }, resolve).on('error', reject));
}
async function text(response: IncomingMessage): Promise<string> {
  let all = '';
  for await (const part of response.setEncoding('utf8')) all += part as string;
  return all;
}

/**
 * The pictures of an MJPEG stream, as a player takes it apart: the boundary of the header, then parts by their length.
 */
async function pictures(): Promise<{ parts: Buffer[]; ended: boolean; response: IncomingMessage }> {
  const response = await open('video');
  const boundary = `--${/boundary=(.+)$/.exec(response.headers['content-type']!)![1]}\r\n`;
  const stream = { parts: [] as Buffer[], ended: false, response };
  let data = Buffer.alloc(0);
  response.on('end', () => (stream.ended = true));
  response.on('data', (chunk: Buffer) => {
    data = Buffer.concat([data, chunk]);
    for (;;) {
      const head = data.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(data.toString('latin1', 0, head))![1]);
      if (data.length < head + 4 + length + boundary.length) return;
      expect(data.toString('latin1', 0, boundary.length)).toBe(boundary);
      stream.parts.push(data.subarray(head + 4, head + 4 + length));
      data = data.subarray(head + 4 + length + 2);
    }
  });
  return stream;
}

describe('a live page', () => {
  it('sends each viewer the pictures, as JPEG', async () => {
    page = await startLivePage({ port: 0 });
    const streams = [await pictures(), await pictures()];
    for (let i = 0; streams.some(({ parts }) => parts.length < 3); i++) {
      await page.push(update(i, { image: async () => image(180) }));
      await new Promise((done) => setTimeout(done, 15));
    }
    for (const { parts } of streams) {
      const { data, info } = await sharp(parts[2]).raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([96, 54]);
      expect(Math.abs(data[0]! - 180)).toBeLessThan(3);
    }
    await page.close();
    await soon(() => expect(streams.map(({ ended }) => ended)).toEqual([true, true]));
  });

  it('makes no picture while nobody looks, and tells when somebody does', async () => {
    page = await startLivePage({ port: 0 });
    const make = vi.fn(async () => image(50));
    const viewer = vi.fn();
    const waiting = page.viewer().then(viewer);
    const stop = new AbortController();
    const given = page.viewer(stop.signal);
    stop.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    for (let i = 0; i < 20; i++) await page.push(update(i, { image: make }));
    await text(await open(''));
    await page.push(update(20, { image: make }));
    expect(make).not.toHaveBeenCalled();
    expect(viewer).not.toHaveBeenCalled();
    const { response } = await pictures();
    await waiting;
    await page.push(update(21, { image: make }));
    expect(make).toHaveBeenCalledOnce();
    response.destroy();
    await soon(async () => {
      const before = make.mock.calls.length;
      await new Promise((done) => setTimeout(done, 40));
      await page.push(update(22, { image: make }));
      expect(make.mock.calls.length).toBe(before);
    });
  });

  it('lets a slow viewer skip: the newest picture wins', async () => {
    page = await startLivePage({ port: 0 });
    const response = await open('video');
    response.pause();
    const noise = {
      ...image(0, 960, 540),
      data: Uint8Array.from({ length: 960 * 540 * 3 }, (_, i) => (i * 7919 + (i >> 7) * 104_729) & 255),
    };
    let made = 0;
    const begin = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 120; i++) {
      await page.push(update(i, { image: async () => (made++, noise) }));
      await new Promise((done) => setTimeout(done, 12));
    }
    // What the system's buffers take is sent; then nothing more is made.
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(30);
    expect(process.memoryUsage().arrayBuffers - begin).toBeLessThan(60e6);
    response.destroy();
  }, 20_000);

  it('lists tracks, and sends the newest frame at the end too', async () => {
    page = await startLivePage({ port: 0 });
    await page.push(update(3, { faces: [face(1), face(4, 0.756), face(null)] }));
    const events = await open('events');
    expect(events.headers['content-type']).toBe('text/event-stream');
    const body = text(events);
    for (let i = 4; i < 40; i++) await page.push(update(i, { faces: [face(4)], statistics: { identities: 2 } }));
    await page.close();
    const frames = [...(await body).matchAll(/event: frame\ndata: (.*)\n\n/g)].map(
      (found) =>
        JSON.parse(found[1]!) as {
          index: number;
          faces: number;
          tracks: number;
          list: { id: number; last: number; score: number; color: string }[];
        },
    );
    expect(frames[0]).toMatchObject({
      index: 3,
      faces: 3,
      list: [
        { id: 4, score: 0.76 },
        { id: 1, score: 0.9 },
      ],
    });
    expect(frames.at(-1)).toMatchObject({
      index: 39,
      faces: 1,
      tracks: 2,
      list: [
        { id: 4, last: 39 / 25 },
        { id: 1, last: 3 / 25 },
      ],
    });
    expect(frames.length).toBeLessThan(10);
    expect(await body).toMatch(/event: end\ndata: \{\}\n\n$/);
  });

  it('goes on where a picture can not be made', async () => {
    page = await startLivePage({ port: 0 });
    const stream = await pictures();
    await page.push(update(0, { image: () => Promise.reject(new Error('broken')) }));
    await new Promise((done) => setTimeout(done, 50));
    await page.push(update(1));
    await soon(() => expect(stream.parts.length).toBe(1));
  });

  it('is for this machine only', async () => {
    page = await startLivePage({ port: 0 });
    expect(new URL(page.url).hostname).toBe('127.0.0.1');
    const home = await open('');
    expect(home.statusCode).toBe(200);
    expect(home.headers).toMatchObject({ 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' });
    expect(home.headers['content-security-policy']).toContain("default-src 'none'");
    expect((await open('', { host: 'localhost:1234' })).statusCode).toBe(200);
    for (const path of ['', 'video', 'events'])
      expect((await open(path, { host: 'evil.example' })).statusCode).toBe(403);
    expect((await open('etc/passwd')).statusCode).toBe(404);
    const post = await new Promise<IncomingMessage>((resolve) => request(page.url, { method: 'POST' }, resolve).end());
    expect(post.statusCode).toBe(405);
  });

  it('is for who knows its address only', async () => {
    page = await startLivePage({ port: 0 });
    const first = page.url;
    const secret = new URL(first).pathname.slice(1, -1);
    expect(secret).toMatch(/^[\w-]{22}$/);
    const wrong = secret.replace(/.$/, secret.endsWith('A') ? 'Q' : 'A');
    for (const path of [
      '/',
      '/video',
      '/events',
      `/${secret}`,
      `/${secret}video`,
      `/${wrong}/`,
      `/${wrong}/video`,
      `/?${secret}/`,
      '/video/',
      `/${'é'.repeat(11)}/video`,
    ]) {
      const refused = await open(path);
      expect([path, refused.statusCode]).toEqual([path, 403]);
      expect(await text(refused)).not.toContain(secret);
    }
    await page.close();
    page = await startLivePage({ port: 0 });
    expect(new URL(page.url).pathname).not.toBe(new URL(first).pathname);
  });

  it('beyond loopback takes addresses and its own name, and no foreign name', async () => {
    page = await startLivePage({ port: 0, host: '0.0.0.0' });
    const at = (host: string) => open('', { host }).then(({ statusCode }) => statusCode);
    for (const host of [
      '192.0.2.7:80',
      '[2001:db8::1]:80',
      'localhost',
      hostname(),
      `${hostname().toUpperCase()}:8787`,
    ])
      expect([host, await at(host)]).toEqual([host, 200]);
    for (const host of [
      'evil.example',
      'evil.example:8787',
      '127.0.0.1.evil.example',
      '1.2.3.4.evil',
      'localhost.evil',
    ])
      expect([host, await at(host)]).toEqual([host, 403]);
  });

  it('says that a port is taken or none', async () => {
    page = await startLivePage({ port: 0 });
    const port = Number(new URL(page.url).port);
    await expect(startLivePage({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    });
    for (const wrong of [-1, 70_000, 1.5])
      await expect(startLivePage({ port: wrong })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(startLivePage({ port: 0, host: '192.0.2.7' })).rejects.toMatchObject({ code: 'PORT_UNAVAILABLE' });
  });

  const built = new URL('../../../../packages/runtime-node/dist/index.js', import.meta.url);
  it.skipIf(!existsSync(built))(
    'lets the process end after close(), with viewers that never leave [needs built packages]',
    async () => {
      // Where the page's imports are found.
      const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
      mkdirSync(cache, { recursive: true });
      const folder = mkdtempSync(join(cache, 'live-'));
      const file = join(folder, 'main.mjs');
      const main = `
      import { get } from 'node:http';
      import { startLivePage } from ${JSON.stringify(fileURLToPath(new URL('live-page.ts', import.meta.url)))};
      const page = await startLivePage({ port: 0 });
      const open = (path, done) => get(page.url + path, (response) => (response.pause(), done())).on('error', () => {});
      for (const path of ['video', 'events']) await new Promise((done) => open(path, done));
      const image = { data: new Uint8Array(12), width: 2, height: 2, format: 'rgb' };
      await page.push({ image, faces: [], index: 0, timestamp: 0, statistics: { identities: 0 } });
      await page.close();
      console.log('closed');`;
      await build({
        stdin: { contents: main, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
        outfile: file,
        bundle: true,
        platform: 'node',
        format: 'esm',
        external: ['@facedet/*'],
      });
      const child = spawn(process.execPath, [file]);
      let out = '';
      child.stdout.on('data', (data) => (out += String(data)));
      const code = await new Promise((done) => child.on('close', done));
      rmSync(folder, { recursive: true });
      expect([out.trim(), code]).toEqual(['closed', 0]);
    },
    20_000,
  );
});

describe('processVideo with show', () => {
  const faces = [{ box: { x: 20, y: 12, width: 30, height: 36 }, score: 0.9 }];
  const detector = {
    concurrency: 1,
    detect: async () => faces,
    detectBatch: async (images: readonly unknown[]) => images.map(() => faces),
    warmup: async () => {},
    drain: async () => {},
    dispose: async () => {},
  };

  it('pushes every frame, marked, and refuses to show what is to be hidden', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facedet-live-'));
    try {
      const film = join(folder, 'film.mp4');
      const writer = await createVideoWriter(film, { like: { width: 96, height: 64, fps: 25 } });
      for (let i = 0; i < 20; i++) await writer.write({ ...image(40 + 2 * i, 96, 64), timestamp: i / 25 });
      await writer.finish();
      const pushed: PreviewUpdate[] = [];
      const pixels: PixelBuffer[] = [];
      const show = {
        async push(update: PreviewUpdate) {
          pushed.push(update);
          pixels.push(await (update.image as () => Promise<PixelBuffer>)());
        },
      };
      await processVideo(film, { detector, show });
      expect(pushed.map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(pushed[19]).toMatchObject({
        timestamp: expect.closeTo(0.76, 3),
        faces: [{ id: 1 }],
        statistics: { identities: 1 },
      });
      // The box's upper edge, in the color of track 1; the picture is gray there.
      const [red, green, blue] = pixels[19]!.data.subarray(3 * (12 * 96 + 35));
      expect(Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!)).toBeGreaterThan(80);
      await expect(
        processVideo(film, { detector, show, anonymize: true, output: join(folder, 'out.mp4') }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!browserPath)('in a browser [needs Chromium]', () => {
  it('shows the pictures and the tracks, and the end of the video', async () => {
    page = await startLivePage({ port: 0, title: '<i>film' });
    const browser = await launch();
    try {
      const tab = await browser.newPage({ viewport: { width: 1000, height: 700 } });
      const problems: string[] = [];
      tab.on('console', (message) => problems.push(message.text()));
      tab.on('pageerror', (error) => problems.push(error.message));
      await tab.goto(page.url, { waitUntil: 'commit' });
      await page.viewer();
      let index = 0;
      const pushing = setInterval(
        () =>
          void page.push(
            update(index++, {
              image: image(200, 640, 360),
              faces: index < 20 ? [face(1), face(2)] : [face(2)],
              statistics: { identities: 2 },
            }),
          ),
        30,
      );
      await tab.locator('li.gone').waitFor();
      clearInterval(pushing);
      expect(await tab.locator('h1 + p').textContent()).toBe('<i>film');
      expect(await tab.locator('li b').allTextContents()).toEqual(['#2', '#1']);
      expect(await tab.locator('#now').textContent()).toBe('1');
      expect(
        await tab
          .locator('#picture')
          .evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth),
      ).toBe(640);
      await page.close();
      await tab.getByText('Finished').waitFor();
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 60_000);
});
