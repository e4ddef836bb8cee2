import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { file, noise, sha256, startServer, status, type Behavior } from '@facedet/http/testing';
import type { ModelProgress } from './progress.ts';
import { clearModels, loadModel } from './web.ts';

const body = noise(300_000);
const quick = { attempts: 2, stallTimeout: 10 };
const servers: { close(): Promise<void> }[] = [];

/** The Cache API, as far as it is used, in memory. */
function fakeCaches(full = false) {
  const all = new Map<string, Map<string, Response>>();
  return {
    all,
    open: async (name: string) => {
      const cache = all.get(name) ?? new Map<string, Response>();
      all.set(name, cache);
      return {
        match: async (url: string) => cache.get(url)?.clone(),
        put: async (url: string, response: Response) => {
          if (full) throw new DOMException('full', 'QuotaExceededError');
          cache.set(url, response);
        },
        delete: async (url: string) => cache.delete(url),
      };
    },
    delete: async (name: string) => all.delete(name),
  };
}

async function serve(paths: Record<string, Behavior | Behavior[]>) {
  const server = await startServer(paths);
  servers.push(server);
  return server;
}

beforeEach(() => vi.stubGlobal('caches', fakeCaches()));
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const server of servers.splice(0)) await server.close();
});

describe('loadModel', () => {
  it('fetches with progress, keeps the bytes, and fetches once', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    const progress: ModelProgress[] = [];
    const options = { ...quick, sha256: sha256(body), onProgress: (p: ModelProgress) => progress.push(p) };
    expect(Buffer.from(await loadModel(`${server.url}/m.onnx`, options)).equals(body)).toBe(true);
    expect(progress.at(-1)).toEqual({ phase: 'verify', name: 'm.onnx', received: body.length, total: body.length });
    expect(Buffer.from(await loadModel(new URL(`${server.url}/m.onnx`), options)).equals(body)).toBe(true);
    expect(server.seen).toHaveLength(1);
    await clearModels();
    await loadModel(`${server.url}/m.onnx`, options);
    expect(server.seen).toHaveLength(2);
  });

  it('keeps nothing with cache: false, and works without a cache or with a full one', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    await loadModel(`${server.url}/m.onnx`, { ...quick, cache: false });
    vi.stubGlobal('caches', undefined);
    await loadModel(`${server.url}/m.onnx`, quick);
    vi.stubGlobal('caches', fakeCaches(true));
    expect((await loadModel(`${server.url}/m.onnx`, quick)).length).toBe(body.length);
    expect(server.seen).toHaveLength(3);
  });

  it('goes on after a break where a hash holds the parts together, else starts over', async () => {
    const behaviors = () => [file(body, { breakAfter: 100_000 }), file(body)];
    const server = await serve({ '/a.onnx': behaviors(), '/b.onnx': behaviors() });
    expect(Buffer.from(await loadModel(`${server.url}/a.onnx`, { ...quick, sha256: sha256(body) })).equals(body)).toBe(
      true,
    );
    expect(Buffer.from(await loadModel(`${server.url}/b.onnx`, quick)).equals(body)).toBe(true);
    expect(server.seen.map(({ range }) => range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]/),
      undefined,
      undefined,
    ]);
  });

  it('leaves a stalled server, asks again after 503, and gives up in the end', async () => {
    const server = await serve({
      '/a.onnx': [file(body, { stallAfter: 0 }), file(body)],
      '/b.onnx': [status(503), file(body)],
      '/c.onnx': status(500),
    });
    expect((await loadModel(`${server.url}/a.onnx`, { attempts: 2, stallTimeout: 1 })).length).toBe(body.length);
    expect((await loadModel(`${server.url}/b.onnx`, quick)).length).toBe(body.length);
    await expect(loadModel(`${server.url}/c.onnx`, quick)).rejects.toMatchObject({
      name: 'FaceDetError',
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('HTTP 500'),
    });
  });

  it('refuses another file, a missing one, and a page in its place', async () => {
    const server = await serve({
      '/m.onnx': file(body),
      '/page': (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    });
    await expect(loadModel(`${server.url}/m.onnx`, { ...quick, sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    await expect(loadModel(`${server.url}/none.onnx`, quick)).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
    await expect(loadModel(`${server.url}/page`, quick)).rejects.toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
      message: expect.stringContaining('web page'),
    });
  });

  it('fetches again what was damaged in the cache', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    const options = { ...quick, sha256: sha256(body) };
    await loadModel(`${server.url}/m.onnx`, options);
    (globalThis.caches as unknown as ReturnType<typeof fakeCaches>).all
      .get('facedet-models')!
      .set(`${server.url}/m.onnx`, new Response('damaged'));
    expect((await loadModel(`${server.url}/m.onnx`, options)).length).toBe(body.length);
    expect(server.seen).toHaveLength(2);
  });

  it('takes zoo models from the page’s own site, once the license is accepted', async () => {
    const server = await serve({ '/models/scrfd_34g.onnx': file(body) });
    await expect(loadModel('scrfd_34g', quick)).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADABLE',
      message: expect.stringContaining('baseUrl'),
    });
    await expect(loadModel('scrfd_34g', { ...quick, baseUrl: `${server.url}/models/` })).rejects.toMatchObject({
      code: 'LICENSE_NOT_ACCEPTED',
    });
    expect(
      (await loadModel('scrfd_34g', { ...quick, baseUrl: `${server.url}/models/`, acceptLicense: true })).length,
    ).toBe(body.length);
  });

  it('cannot verify without HTTPS, and says so', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    vi.stubGlobal('crypto', {});
    await expect(loadModel(`${server.url}/m.onnx`, { ...quick, sha256: sha256(body) })).rejects.toMatchObject({
      code: 'INSECURE_CONTEXT',
    });
  });

  it('says what is no address', async () => {
    for (const text of ['http://', 'http://[', 'https://%'])
      await expect(loadModel(text, quick)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('aborts with the reason given', async () => {
    const server = await serve({ '/m.onnx': file(body, { slow: 50 }) });
    const reason = new Error('enough');
    await expect(loadModel(`${server.url}/m.onnx`, { ...quick, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    await expect(
      loadModel(`${server.url}/m.onnx`, {
        ...quick,
        signal: controller.signal,
        onProgress: () => controller.abort(reason),
      }),
    ).rejects.toBe(reason);
  });
});
