import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { file, NO_PROXIES, selfSigned, startProxy, startServer, type Behavior } from '@facedet/http/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { tempFolder, writeByGraph } from '../fixtures.ts';
import { openVideo } from './open-video.ts';

const folder = tempFolder();
let film: Buffer;
const closing: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  film = readFileSync(
    await writeByGraph(join(folder, 'film.ts'), { encoder: 'mpeg2video', pixelFormat: 'yuv420p', frames: 5 }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  for (const [name, value] of Object.entries(NO_PROXIES)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const each of closing.splice(0)) await each.close();
});

async function behindProxy(options: Parameters<typeof startProxy>[1] = {}, tls?: Parameters<typeof startServer>[1]) {
  const guarded: Behavior = (request, response) => {
    if (request.headers.authorization) return file(film)(request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="films"' }).end();
  };
  const server = await startServer({ '/film.ts': file(film), '/guarded.ts': guarded }, tls);
  const proxy = await startProxy(server.port, options);
  closing.push(server, proxy);
  return { server, proxy };
}

async function framesOf(url: string): Promise<number> {
  const video = await openVideo(url);
  let frames = 0;
  for await (const frame of video) {
    frame.close();
    frames++;
  }
  await video.close();
  return frames;
}

describe('an address behind a proxy', () => {
  it('of http is reached with the credentials of both', async () => {
    const { server, proxy } = await behindProxy({ credentials: 'me:pass' });
    vi.stubEnv('HTTP_PROXY', proxy.url.replace('//', '//me:pass@'));
    expect(await framesOf('http://user:word@films.invalid/guarded.ts')).toBe(5);
    expect(proxy.through.at(-1)).toMatch(/^GET http:\/\/films\.invalid(?::80)?\/guarded\.ts$/);
    expect(server.seen.at(-1)!.authorization).toBe(`Basic ${Buffer.from('user:word').toString('base64')}`);
  });

  it('of https is reached by a tunnel', async () => {
    const { proxy } = await behindProxy({}, selfSigned('films.invalid'));
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    // The build's TLS may or may not take the certificate of the test.
    await framesOf('https://films.invalid/film.ts').catch(({ code }: { code: string }) =>
      expect(code).toBe('STREAM_UNREACHABLE'),
    );
    expect(proxy.through[0]).toBe('CONNECT films.invalid:443');
  });

  it('that NO_PROXY spares is reached directly, whatever http_proxy says', async () => {
    const { server, proxy } = await behindProxy();
    vi.stubEnv('http_proxy', proxy.url);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect(await framesOf(`${server.url}/film.ts`)).toBe(5);
    expect(proxy.through).toEqual([]);
  });

  it('that FFmpeg cannot use is an error with what to do', async () => {
    vi.stubEnv('HTTP_PROXY', 'https://user:SECRET@proxy.invalid:1');
    const error = await openVideo('http://films.invalid/film.ts').catch(
      (caught: Error) => caught as Error & { code: string },
    );
    expect(error).toMatchObject({ code: 'STREAM_UNREACHABLE', message: expect.stringContaining('NO_PROXY') as string });
    expect((error as Error).message).not.toContain('SECRET');
  });

  it('an invalid URL is an error of the argument', async () => {
    for (const url of ['http://', 'http://[', 'file:///a%2Fb.mp4'])
      await expect(openVideo(url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
