import { createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readUrl, type HttpOptions } from './read-url.ts';
import { readWhole } from './read-whole.ts';
import {
  file,
  noise,
  NO_PROXIES,
  redirect,
  selfSigned,
  startProxy,
  startServer,
  status,
  type Behavior,
  type ProxyOptions,
} from './testing.ts';

const body = noise(200_000, 3);
const closing: { close(): Promise<void> }[] = [];
beforeEach(() => {
  for (const [name, value] of Object.entries(NO_PROXIES)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const each of closing.splice(0)) await each.close();
});

async function serve(paths: Record<string, Behavior | Behavior[]>, tls?: { key: string; cert: string }) {
  const server = await startServer(paths, tls);
  closing.push(server);
  return server;
}

async function proxied(port: number, options: ProxyOptions = {}) {
  const proxy = await startProxy(port, options);
  closing.push(proxy);
  return proxy;
}

const whole = (url: string, options: Partial<HttpOptions> = {}) =>
  readWhole(url, { what: 'a file', maxBytes: 1e6, attempts: 3, backoff: 0.001, ...options });
const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('resolved'),
    (error: Error & { code: string }) => error,
  );

/** Trusts the certificate of the test for one test. */
const trustAny = () => vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');

describe('through a proxy', () => {
  it('http addresses go whole, with the credentials of both, which no message shows', async () => {
    const server = await serve({ '/f?a=1': file(body), '/none': status(404) });
    const proxy = await proxied(server.port, { credentials: 'me:p@ss' });
    vi.stubEnv('HTTP_PROXY', proxy.url.replace('//', '//me:p%40ss@'));
    expect(Buffer.compare(await whole('http://user:SECRET@files.invalid/f?a=1'), body)).toBe(0);
    expect(proxy.through).toEqual(['GET http://files.invalid/f?a=1']);
    expect(server.seen[0]!.authorization).toBe(`Basic ${Buffer.from('user:SECRET').toString('base64')}`);
    const error = await failure(whole('http://user:SECRET@files.invalid/none'));
    expect(error).toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
      message: expect.stringContaining('***@files.invalid') as string,
    });
    expect(error.message).not.toContain('SECRET');
  });

  it('https addresses go through a tunnel, redirects to others too', async () => {
    trustAny();
    const tls = selfSigned('files.invalid');
    const server = await serve({ '/f': redirect('https://more.invalid/g'), '/g': file(body) }, tls);
    const proxy = await proxied(server.port, { credentials: 'me:pass' });
    vi.stubEnv('HTTPS_PROXY', proxy.url.replace('//', '//me:pass@'));
    expect(Buffer.compare(await whole('https://files.invalid/f'), body)).toBe(0);
    expect(proxy.through).toEqual(['CONNECT files.invalid:443', 'CONNECT more.invalid:443']);
  });

  it('certificates are checked', async () => {
    const server = await serve({ '/f': file(body) }, selfSigned('files.invalid'));
    const proxy = await proxied(server.port);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await failure(whole('https://files.invalid/f', { attempts: 1 }))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/self.signed/) as string,
    });
  });

  it('a proxy that refuses is named, with what to do, and asked once', async () => {
    const proxy = await proxied(9, { credentials: 'me:pass' });
    vi.stubEnv('ALL_PROXY', proxy.url.replace('//', '//me:SECRET@'));
    const error = await failure(whole('https://files.invalid/f'));
    expect(error).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/\*\*\*@127\.0\.0\.1.*HTTP 407.*user:password@/) as string,
    });
    expect(error.message).not.toContain('SECRET');
    expect(proxy.through).toHaveLength(1);
    expect(await failure(whole('http://files.invalid/f'))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('HTTP 407') as string,
    });
  });

  it('a proxy that has trouble itself is asked again', async () => {
    const proxy = await proxied(9, { refuseTunnels: 503 });
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    expect(await failure(whole('https://files.invalid/f'))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/3 attempts: the proxy .* answered HTTP 503/) as string,
    });
    expect(proxy.through).toHaveLength(3);
  });

  it('NO_PROXY exempts hosts, and each redirect is decided separately', async () => {
    const server = await serve({ '/f': redirect('http://files.invalid/g'), '/g': file(body) });
    const proxy = await proxied(server.port);
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect((await whole(`${server.url}/f`)).length).toBe(body.length);
    expect(proxy.through).toEqual(['GET http://files.invalid/g']);
  });
});

describe('credentials of an address', () => {
  it('are a header, also with broken escapes, and stay with their origin', async () => {
    const other = await serve({ '/h': file(body) });
    const server = await serve({ '/f': redirect('/g'), '/g': redirect(`${other.url}/h`) });
    await whole(server.url.replace('//', '//us%er:p%40ss@') + '/f');
    const expected = `Basic ${Buffer.from('us%er:p@ss').toString('base64')}`;
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([expected, expected]);
    expect(other.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});

describe('redirects', () => {
  it('from https to http are refused, unless a hash decides about the bytes', async () => {
    trustAny();
    const plain = await serve({ '/f': file(body) });
    const secure = await serve({ '/f': redirect(`${plain.url}/f`) }, selfSigned('localhost'));
    expect(await failure(whole(`${secure.url}/f`))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('after an https address') as string,
    });
    expect(plain.seen).toEqual([]);
    expect((await whole(`${secure.url}/f`, { allowHttp: true })).length).toBe(body.length);
  });

  it.each(['ftp://127.0.0.1/f', 'file:///etc/passwd', 'http://['])('to %s are refused', async (location) => {
    const server = await serve({ '/f': redirect(location) });
    expect(await failure(whole(`${server.url}/f`))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('Expected a redirect') as string,
    });
    expect(server.seen).toHaveLength(1);
  });

  it('that lead in a circle end', async () => {
    const server = await serve({ '/f': redirect('/f') });
    expect(await failure(whole(`${server.url}/f`))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('circle') as string,
    });
    expect(server.seen).toHaveLength(21);
  });
});

describe('limits', () => {
  it('maxBytes holds for announced and for unannounced sizes', async () => {
    const server = await serve({ '/told': file(body), '/untold': file(body, { chunked: true }) });
    for (const path of ['/told', '/untold']) {
      expect(await failure(whole(server.url + path, { maxBytes: 100_000 }))).toMatchObject({
        code: 'DOWNLOAD_TOO_LARGE',
        message: expect.stringContaining('at most 100,000 bytes') as string,
      });
      expect((await whole(server.url + path, { maxBytes: body.length })).length).toBe(body.length);
    }
    expect(server.seen).toHaveLength(4);
  });

  it('a server that never answers, and one that nobody reaches, are left in time', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    closing.push({
      close: () => new Promise((done) => (sockets.forEach((socket) => socket.destroy()), silent.close(() => done()))),
    });
    const { port } = silent.address() as AddressInfo;
    expect(await failure(whole(`http://127.0.0.1:${port}/`, { attempts: 1, stallTimeout: 0.2 }))).toMatchObject({
      message: expect.stringContaining('nothing arrived for 0.2 s') as string,
    });
    // TLS that never begins, behind a proxy that never answers.
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${port}`);
    expect(await failure(whole('https://files.invalid/', { attempts: 1, stallTimeout: 0.2 }))).toMatchObject({
      message: expect.stringContaining('0.2 s') as string,
    });
  }, 5000);

  it('an abort rejects with its reason, at any moment', async () => {
    const server = await serve({
      '/slow': file(body, { slow: 50 }),
      '/busy': status(503, { 'retry-after': '30' }),
      '/never': () => {},
    });
    for (const path of ['/slow', '/busy', '/never']) {
      const stop = new AbortController();
      const reason = new Error('enough');
      setTimeout(() => stop.abort(reason), 80);
      await expect(whole(server.url + path, { signal: stop.signal })).rejects.toBe(reason);
    }
  });
});

describe('a server', () => {
  it('that asks to wait is given that time', async () => {
    const server = await serve({ '/f': [status(503, { 'retry-after': '1' }), file(body)] });
    const started = performance.now();
    expect((await whole(`${server.url}/f`)).length).toBe(body.length);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  it('that compresses unasked is refused with the reason', async () => {
    const server = await serve({
      '/f': (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      '/g': (_, response) => void response.writeHead(200, { 'content-encoding': 'utf-8' }).end('x'),
    });
    expect(await failure(whole(`${server.url}/f`))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('gzip') as string,
    });
    expect((await whole(`${server.url}/g`)).length).toBe(1);
  });

  it('whose words are escape sequences colors no message', async () => {
    const server = await serve({ '/f': (_, response) => void response.writeHead(418, 'a\tb\x85').end() });
    // eslint-disable-next-line no-control-regex
    expect((await failure(whole(`${server.url}/f`))).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  // Nothing mixes two versions of a file: neither where no validator tells them apart, nor where If-Range is ignored.
  it('that is interrupted and then serves another file returns one of the two, complete', async () => {
    const other = noise(150_000, 4);
    const ignoresIfRange =
      (content: Uint8Array, etag: string): Behavior =>
      (request, response) => {
        delete request.headers['if-range'];
        file(content, { etag })(request, response);
      };
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: body.length - 1 }),
        fc.constantFrom<[Behavior, Behavior] | undefined>(
          undefined,
          [file(other, { etag: '"b"' }), file(other, { etag: '"b"' })],
          [ignoresIfRange(other, '"b"'), ignoresIfRange(other, '"b"')],
        ),
        async (breakAfter, later) => {
          const server = await startServer({
            '/f': [file(body, { breakAfter, ...(later && { etag: '"a"' }) }), ...(later ?? [file(other), file(other)])],
          });
          try {
            const received = Buffer.from(await whole(`${server.url}/f`, { attempts: 5 }));
            expect(received.equals(body) || received.equals(other)).toBe(true);
          } finally {
            await server.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('that never gets further is left', async () => {
    const server = await serve({ '/f': file(body, { breakAfter: 70_000 }) });
    expect(await failure(whole(`${server.url}/f`))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/3 attempts/) as string,
    });
    expect(server.seen.length).toBeLessThanOrEqual(4);
  });

  it('goes on where a hash decides, also without a validator', async () => {
    const server = await serve({ '/f': [file(body, { breakAfter: 70_000 }), file(body)] });
    let size = 0;
    for await (const { position, bytes } of readUrl(
      `${server.url}/f`,
      {},
      { what: 'a file', backoff: 0.001, trustParts: true },
    ))
      size = position + bytes.length;
    expect(size).toBe(body.length);
    expect(server.seen[1]!.range).toMatch(/^bytes=[1-9]/);
  });
});

it('what is no URL is an error of the argument', async () => {
  for (const text of ['http://', 'no address', ''])
    expect(await failure(whole(text))).toMatchObject({ code: 'INVALID_ARGUMENT' });
});
