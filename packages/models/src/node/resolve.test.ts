import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { file, noise, redirect, sha256, status } from '@facedet/http/testing';
import { describe, expect, it, vi } from 'vitest';
import { classifyModel } from '../find.ts';
import { defaultModel, models } from '../manifest.ts';
import type { ModelProgress } from '../progress.ts';
import { extractFromUrl } from './archive.ts';
import { cacheDir, closeAfter, serve } from './cache.fixture.ts';
import { modelCacheDir } from './cache.ts';
import { fetchFirst } from './fetch.ts';
import { storedModels } from './inventory.ts';
import { resolveModel } from './resolve.ts';
import { zip } from './zip.fixture.ts';

const shared = join(import.meta.dirname, '../../../../../shared/models');
const hasShared = existsSync(shared);
if (!hasShared) console.warn('Skipped: the tests that read official models, because ../shared/models is missing.');

const body = noise(700_000);
const hash = sha256(body);
const quick = { attempts: 3, stallTimeout: 10 };

/** Nothing half-done lies around: no lock, no part, no temporary file. */
function leftovers(folder = join(cacheDir, 'urls')): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !/\.onnx(\.json)?$/.test(name)) : [];
}

describe('what was named', () => {
  it('without a name and without default weights says how to get a model', () => {
    const zoo = models.filter(({ file }) => file.verification !== 'bundled');
    expect(() => classifyModel(zoo, undefined)).toThrow(
      expect.objectContaining({
        name: 'FaceDetError',
        code: 'NO_MODEL',
        message: expect.stringContaining('facedet models list'),
      }),
    );
  });

  it('without a name takes the default weights from the package', async () => {
    expect(await resolveModel(undefined, { cacheDir })).toMatchObject({
      name: defaultModel!.name,
      sha256: defaultModel!.file.sha256,
      from: 'bundled',
      trust: 'verified',
    });
    expect(readdirSync(cacheDir)).toEqual([]);
  });

  it('an unknown name is an error that lists the names, and the nearest', async () => {
    await expect(resolveModel('scrfd_2.5', { cacheDir })).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringMatching(/scrfd_34g.*Did you mean scrfd_2\.5g\?/),
    });
  });

  it('a name never means a file in the working folder', async () => {
    vi.spyOn(process, 'cwd').mockReturnValue(cacheDir);
    writeFileSync(join(cacheDir, 'scrfd_34g'), body);
    await expect(resolveModel('scrfd_34g', { cacheDir: join(cacheDir, 'cache') })).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADABLE',
    });
    vi.restoreAllMocks();
  });

  it('takes paths and file URLs', async () => {
    const path = join(cacheDir, 'mine.onnx');
    writeFileSync(path, body);
    expect(await resolveModel(path)).toEqual({
      path,
      name: 'mine',
      sha256: hash,
      size: body.length,
      trust: 'unverified',
      from: 'file',
    });
    expect(await resolveModel(pathToFileURL(path))).toMatchObject({ path, from: 'file' });
    expect(await resolveModel(path, { sha256: hash.toUpperCase() })).toMatchObject({ trust: 'verified' });
    await expect(resolveModel(path, { sha256: '0'.repeat(64) })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });

  it('tells a missing file from a folder and an empty file', async () => {
    writeFileSync(join(cacheDir, 'empty.onnx'), '');
    await expect(resolveModel(join(cacheDir, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(resolveModel(`${cacheDir}/`)).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
      message: expect.stringContaining('a folder'),
    });
    await expect(resolveModel(join(cacheDir, 'empty.onnx'))).rejects.toMatchObject({
      code: 'MODEL_UNUSABLE',
      message: expect.stringContaining('empty'),
    });
  });

  it.each([{ sha256: 'abc' }, { attempts: 0 }, { stallTimeout: -1 }, { stallTimeout: NaN }])(
    'refuses %o',
    async (options) => {
      await expect(resolveModel('x.onnx', options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  it.skipIf(!hasShared)('knows official files by their SHA-256, wherever they lie [needs ../shared]', async () => {
    for (const [name, expected] of Object.entries({
      'det_500m.onnx': 'scrfd_0.5g_kps',
      'scrfd_500m_kps.onnx': 'scrfd_0.5g_kps',
      'scrfd_500m.onnx': 'scrfd_0.5g',
      'scrfd_1g.onnx': 'scrfd_1g',
      'scrfd_2.5g.onnx': 'scrfd_2.5g',
      'scrfd_2.5g_kps.onnx': 'scrfd_2.5g_kps',
      'scrfd_2.5g_kps_4d_heads_640.onnx': 'scrfd_2.5g_kps',
    })) {
      const found = await resolveModel(join(shared, name));
      expect(found).toMatchObject({
        name: expected,
        trust: 'verified',
        from: 'file',
        entry: { license: { use: 'non-commercial-research' } },
      });
    }
  });
});

describe('a URL', () => {
  it('is downloaded with progress, pinned, and not asked for again', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    const progress: ModelProgress[] = [];
    const first = await resolveModel(`${server.url}/m.onnx`, {
      cacheDir,
      ...quick,
      onProgress: (p) => progress.push(p),
    });
    expect(first).toMatchObject({ name: 'm', sha256: hash, size: body.length, trust: 'pinned', from: 'download' });
    expect(readFileSync(first.path).equals(body)).toBe(true);
    expect(progress.at(-1)).toMatchObject({ phase: 'verify' });
    expect(progress.at(-2)).toEqual({ phase: 'download', name: 'm', received: body.length, total: body.length });
    expect(await resolveModel(new URL(`${server.url}/m.onnx`), { cacheDir, offline: true })).toMatchObject({
      path: first.path,
      from: 'cache',
      trust: 'pinned',
    });
    expect(server.seen).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  it('whose file changes is refused: the first download pinned it', async () => {
    const server = await serve({ '/m.onnx': [file(body), file(noise(1000, 7))] });
    const { path } = await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick });
    writeFileSync(path, 'damaged');
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
  });

  it('damaged on disk is downloaded again', async () => {
    const server = await serve({ '/m.onnx': file(body) });
    const { path } = await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick });
    writeFileSync(path, body.subarray(0, 1000));
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({
      from: 'download',
      sha256: hash,
    });
    expect(server.seen).toHaveLength(2);
  });

  it('offline and unknown is an error that says what to do', async () => {
    await expect(resolveModel('http://127.0.0.1:9/m.onnx', { cacheDir, offline: true })).rejects.toMatchObject({
      code: 'OFFLINE',
    });
  });
});

describe('a server that', () => {
  it('closes the connection is resumed where it stopped', async () => {
    const server = await serve({
      '/m.onnx': [
        file(body, { etag: '"a"', breakAfter: 300_000 }),
        file(body, { etag: '"a"', breakAfter: 100_000 }),
        file(body, { etag: '"a"' }),
      ],
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick, sha256: hash })).toMatchObject({
      sha256: hash,
      trust: 'verified',
    });
    expect(server.seen.map(({ range }) => range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=\d+-$/),
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect(Number(/\d+/.exec(server.seen[2]!.range!)![0])).toBeGreaterThan(
      Number(/\d+/.exec(server.seen[1]!.range!)![0]),
    );
    expect(server.seen[1]!.ifRange).toBe('"a"');
  });

  it('closes the connection and ignores ranges starts over', async () => {
    const server = await serve({
      '/m.onnx': [file(body, { ranges: false, breakAfter: 300_000 }), file(body, { ranges: false })],
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
  });

  it('closes the connection and then has another file starts over', async () => {
    const other = noise(500_000, 3);
    const server = await serve({
      '/m.onnx': [file(body, { etag: '"a"', breakAfter: 300_000 }), file(other, { etag: '"b"' })],
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({
      sha256: sha256(other),
      size: other.length,
    });
  });

  it('has a shorter file than what was kept starts over', async () => {
    const other = noise(1000, 3);
    const server = await serve({ '/m.onnx': [file(body, { breakAfter: 300_000 }), file(other), file(other)] });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick, sha256: sha256(other) })).toMatchObject({
      size: 1000,
    });
  });

  it('stalls is left after the time given', async () => {
    const server = await serve({
      '/m.onnx': [file(body, { etag: '"a"', stallAfter: 200_000 }), file(body, { etag: '"a"' })],
      '/dead.onnx': file(body, { stallAfter: 0 }),
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, attempts: 3, stallTimeout: 1 })).toMatchObject({
      sha256: hash,
    });
    await expect(
      resolveModel(`${server.url}/dead.onnx`, { cacheDir, attempts: 2, stallTimeout: 0.3 }),
    ).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message: expect.stringContaining('nothing arrived for 0.3 s') });
    expect(server.seen.filter(({ path }) => path === '/dead.onnx')).toHaveLength(2);
  });

  it('sends no size works all the same', async () => {
    const server = await serve({ '/m.onnx': file(body, { chunked: true }) });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
  });

  it('corrupts is asked once more, then refused, and nothing is left under the final name', async () => {
    const bad = Buffer.from(body);
    bad[350_000]! ^= 1;
    const server = await serve({ '/once.onnx': [file(bad), file(body)], '/always.onnx': file(bad) });
    expect(await resolveModel(`${server.url}/once.onnx`, { cacheDir, ...quick, sha256: hash })).toMatchObject({
      sha256: hash,
    });
    await expect(resolveModel(`${server.url}/always.onnx`, { cacheDir, ...quick, sha256: hash })).rejects.toMatchObject(
      { code: 'CHECKSUM_MISMATCH', message: expect.stringContaining(hash) },
    );
    expect(readdirSync(join(cacheDir, 'urls')).filter((name) => name.includes('always'))).toEqual([]);
  });

  it('redirects is followed, also in circles only so far', async () => {
    const server = await serve({
      '/a': redirect('/b'),
      '/b': redirect('/m.onnx'),
      '/m.onnx': file(body),
      '/circle': redirect('/circle'),
    });
    expect(await resolveModel(`${server.url}/a`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
    await expect(resolveModel(`${server.url}/circle`, { cacheDir, ...quick, attempts: 1 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
  });

  it.each([404, 410])('answers %i is not asked twice', async (code) => {
    const server = await serve({ '/m.onnx': status(code) });
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
      message: expect.stringContaining(`HTTP ${code}`),
    });
    expect(server.seen).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  it('answers 403 is not asked twice', async () => {
    const server = await serve({ '/m.onnx': status(403) });
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('HTTP 403'),
    });
    expect(server.seen).toHaveLength(1);
  });

  it.each([429, 500, 503])('answers %i is asked again, at most so often', async (code) => {
    const server = await serve({ '/m.onnx': [status(code), file(body)], '/always.onnx': status(code) });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
    await expect(resolveModel(`${server.url}/always.onnx`, { cacheDir, ...quick, attempts: 2 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining(`HTTP ${code}`),
    });
    expect(server.seen.filter(({ path }) => path === '/always.onnx')).toHaveLength(2);
  });

  it('says how long to wait is given that time, within reason', async () => {
    const server = await serve({
      '/m.onnx': [status(429, { 'retry-after': '1' }), file(body)],
      '/date.onnx': [status(503, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }), file(body)],
      '/later.onnx': status(503, { 'retry-after': '3600' }),
    });
    const started = performance.now();
    await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick });
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(await resolveModel(`${server.url}/date.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
    await expect(resolveModel(`${server.url}/later.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('wait 3600 s'),
    });
  });

  it('speaks HTTP/1.0 and closes at the end of every answer works, archives too', async () => {
    const model = noise(200_000, 11);
    const archive = zip({ 'det_x.onnx': model, 'rest.bin': noise(1_000_000, 12) });
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (head) => {
        const answer = String(head).includes('/m.onnx') ? body : archive;
        socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`);
        socket.end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeAfter({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await resolveModel(`${url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
    const source = {
      url: `${url}/pack.zip`,
      archive: { member: 'det_x.onnx', size: archive.length, sha256: sha256(archive) },
    };
    expect(
      await fetchFirst(
        { name: 'x', sources: [source], path: join(cacheDir, 'x.onnx'), accepted: [sha256(model)] },
        quick,
      ),
    ).toMatchObject({ sha256: sha256(model) });
  });

  it('sends nothing at all is an error', async () => {
    const server = await serve({ '/m.onnx': file(new Uint8Array(0)) });
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('empty'),
    });
  });

  it('sends a log-in page is not taken for a model', async () => {
    const server = await serve({
      '/m.onnx': (_, response) =>
        void response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          .end('<html>Welcome to our Wi-Fi</html>'),
    });
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('web page'),
    });
  });

  it('does not exist is a readable error with its cause', async () => {
    await expect(resolveModel('http://127.0.0.1:9/m.onnx', { cacheDir, attempts: 1 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/FACEDET_MODELS/),
      cause: expect.any(Error),
    });
  });
});

it('an abort rejects with its reason, keeps what arrived, and the next call goes on from there', async () => {
  const server = await serve({ '/m.onnx': [file(body, { etag: '"a"', slow: 20 }), file(body, { etag: '"a"' })] });
  const controller = new AbortController();
  const reason = new Error('enough');
  const call = resolveModel(`${server.url}/m.onnx`, {
    cacheDir,
    ...quick,
    signal: controller.signal,
    onProgress: ({ received }) => received > 200_000 && controller.abort(reason),
  });
  await expect(call).rejects.toBe(reason);
  expect(leftovers().some((name) => name.endsWith('.partial'))).toBe(true);
  expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).toMatchObject({ sha256: hash });
  expect(server.seen[1]!.range).toMatch(/^bytes=[1-9]/);
  expect(leftovers()).toEqual([]);
});

describe('the zoo', () => {
  const model = noise(50_000, 5);
  const archive = zip({ 'pack/other.onnx': noise(2_000_000, 8), 'pack/det_x.onnx': model });
  const source = (url: string) => ({
    url,
    archive: { member: 'det_x.onnx', size: archive.length, sha256: sha256(archive) },
  });
  const wanted = (path: string, ...urls: string[]) => ({
    name: 'x',
    sources: urls.map(source),
    path,
    accepted: [sha256(model)],
  });

  it('a model that nobody serves says how to get it', async () => {
    await expect(resolveModel('scrfd_34g', { cacheDir })).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADABLE',
      message: expect.stringMatching(/scrfd2onnx\.py.*scrfd_34g\.onnx.*non-commercial/),
    });
  });

  it('a restricted license is asked for once', async () => {
    const server = await serve({ '/scrfd_34g.onnx': file(model) });
    const options = { cacheDir, baseUrl: `${server.url}/`, ...quick };
    await expect(resolveModel('scrfd_34g', options)).rejects.toMatchObject({
      code: 'LICENSE_NOT_ACCEPTED',
      message: expect.stringMatching(/non-commercial research.*--accept-license/),
    });
    expect(server.seen).toHaveLength(0);
    expect(await resolveModel('scrfd_34g', { ...options, acceptLicense: true })).toMatchObject({
      name: 'scrfd_34g',
      trust: 'pinned',
      from: 'download',
      path: join(cacheDir, 'scrfd_34g.onnx'),
    });
    rmSync(join(cacheDir, 'scrfd_34g.onnx'));
    expect(await resolveModel('scrfd_34g', options)).toMatchObject({ from: 'download' });
    expect(await resolveModel('scrfd_34g', { cacheDir, offline: true })).toMatchObject({
      from: 'cache',
      trust: 'pinned',
    });
  });

  it('a mirror with another file than the manifest knows is refused', async () => {
    const server = await serve({ '/scrfd_0.5g.onnx': file(model) });
    await expect(
      resolveModel('scrfd_500m', { cacheDir, baseUrl: server.url, acceptLicense: true, ...quick }),
    ).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(existsSync(join(cacheDir, 'scrfd_0.5g.onnx'))).toBe(false);
  });

  it('a mirror without the model is an error that lists the URLs it tried', async () => {
    const server = await serve({});
    await expect(
      resolveModel('scrfd_10g_kps', { cacheDir, baseUrl: server.url, acceptLicense: true, ...quick }),
    ).rejects.toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
      message: expect.stringMatching(/scrfd_10g_kps\.onnx.*buffalo_l\.zip.*antelopev2\.zip/),
    });
  });

  it('FACEDET_MODELS is a folder or a mirror', async () => {
    vi.stubEnv('FACEDET_MODELS', cacheDir);
    expect(modelCacheDir()).toBe(cacheDir);
    writeFileSync(join(cacheDir, 'scrfd_34g.onnx'), model);
    expect(await resolveModel('scrfd_34g', { offline: true })).toMatchObject({ trust: 'pinned', from: 'cache' });
    writeFileSync(join(cacheDir, 'scrfd_34g.onnx'), body);
    await expect(resolveModel('scrfd_34g', { offline: true })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message: expect.stringContaining('changed'),
    });
    const server = await serve({ '/scrfd_10g.onnx': file(model) });
    vi.stubEnv('FACEDET_MODELS', server.url);
    expect(modelCacheDir()).not.toContain('http');
    expect(await resolveModel('scrfd_10g', { cacheDir, acceptLicense: true, ...quick })).toMatchObject({
      from: 'download',
    });
  });

  it('an official file by a wrong hash in the folder is refused offline', async () => {
    writeFileSync(join(cacheDir, 'det_10g.onnx'), model);
    await expect(resolveModel('scrfd_10g_kps', { cacheDir, offline: true })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
  });

  it('offline and missing says where to put what', async () => {
    await expect(resolveModel('scrfd_2.5g_kps', { cacheDir, offline: true })).rejects.toMatchObject({
      code: 'OFFLINE',
      message: expect.stringMatching(/scrfd_2\.5g_kps\.onnx.*det_2\.5g\.onnx in https:\/\/github\.com\/deepinsight/),
    });
  });

  it('a file is read out of a release archive by ranges, without the rest', async () => {
    const server = await serve({ '/pack.zip': file(archive) });
    const path = join(cacheDir, 'x.onnx');
    expect(await fetchFirst(wanted(path, `${server.url}/gone.zip`, `${server.url}/pack.zip`), quick)).toMatchObject({
      sha256: sha256(model),
      size: model.length,
      trust: 'pinned',
    });
    expect(readFileSync(path).equals(model)).toBe(true);
    const asked = server.seen
      .filter(({ path }) => path === '/pack.zip')
      .map(({ range }) => /bytes=(\d+)-(\d+)/.exec(range!)!);
    expect(asked.reduce((sum, [, from, to]) => sum + Number(to) - Number(from) + 1, 0)).toBeLessThan(200_000);
  });

  it('interrupted ranges are resumed', async () => {
    const long = noise(400_000, 9);
    const big = zip({ 'a.onnx': long, 'filler.bin': noise(300_000, 10) });
    const server = await serve({
      '/pack.zip': [file(big), file(big), file(big), file(big, { breakAfter: 100_000 }), file(big)],
    });
    const path = join(cacheDir, 'a.onnx');
    await extractFromUrl(
      `${server.url}/pack.zip`,
      { what: 'a model', ...quick },
      { member: 'a.onnx', destination: path },
    );
    expect(readFileSync(path).equals(long)).toBe(true);
    expect(server.seen).toHaveLength(5);
  });

  it('without ranges the whole archive is downloaded, checked and removed', async () => {
    const server = await serve({
      '/pack.zip': [
        file(archive, { ranges: false }),
        file(archive, { ranges: false, breakAfter: 500_000 }),
        file(archive, { ranges: false }),
      ],
    });
    const path = join(cacheDir, 'x.onnx');
    expect(await fetchFirst(wanted(path, `${server.url}/pack.zip`), quick)).toMatchObject({ sha256: sha256(model) });
    expect(readdirSync(cacheDir).sort()).toEqual(['x.onnx', 'x.onnx.json']);
  });

  it('an invalid archive, or one with other content, is an error', async () => {
    const server = await serve({
      '/pack.zip': file(noise(archive.length)),
      '/other.zip': file(zip({ 'y.onnx': model })),
    });
    const path = join(cacheDir, 'x.onnx');
    await expect(fetchFirst(wanted(path, `${server.url}/pack.zip`), quick)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    const other = { url: `${server.url}/other.zip`, archive: source('').archive, isMirror: true };
    await expect(fetchFirst({ ...wanted(path), sources: [other] }, quick)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('det_x.onnx'),
    });
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(!hasShared)('an official model out of an archive on a mirror is verified [needs ../shared]', async () => {
    const official = readFileSync(join(shared, 'det_500m.onnx'));
    const server = await serve({ '/buffalo_sc.zip': file(zip({ 'buffalo_sc/det_500m.onnx': official })) });
    expect(
      await resolveModel('det_500m', { cacheDir, baseUrl: server.url, acceptLicense: true, ...quick }),
    ).toMatchObject({ name: 'scrfd_0.5g_kps', trust: 'verified', from: 'download' });
    expect(await storedModels({ cacheDir, verify: true })).toContainEqual(
      expect.objectContaining({ name: 'scrfd_0.5g_kps', trust: 'verified' }),
    );
    writeFileSync(join(cacheDir, 'scrfd_0.5g_kps.onnx'), official.subarray(1));
    expect(await storedModels({ cacheDir, verify: true })).toContainEqual(
      expect.objectContaining({ name: 'scrfd_0.5g_kps', trust: 'damaged' }),
    );
    expect(await resolveModel('det_500m', { cacheDir, baseUrl: server.url, ...quick })).toMatchObject({
      from: 'download',
      trust: 'verified',
    });
  });
});

it('lists the files of the folder and says which changed', async () => {
  const server = await serve({ '/m.onnx': file(body) });
  const { path } = await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick });
  writeFileSync(join(cacheDir, 'mine.onnx'), body);
  const own = (list: Awaited<ReturnType<typeof storedModels>>) =>
    list.filter((model) => model.path.startsWith(cacheDir));
  expect(own(await storedModels({ cacheDir }))).toEqual([
    { name: 'mine', path: join(cacheDir, 'mine.onnx'), size: body.length },
    { name: expect.stringMatching(/-m$/), path, size: body.length },
  ]);
  writeFileSync(path, 'changed');
  expect(own(await storedModels({ cacheDir, verify: true })).map(({ trust }) => trust)).toEqual([
    'unverified',
    'damaged',
  ]);
});

it('a folder that cannot be made is named, with the way out', async () => {
  const server = await serve({ '/m.onnx': file(body) });
  writeFileSync(join(cacheDir, 'file'), '');
  await expect(
    resolveModel(`${server.url}/m.onnx`, { cacheDir: join(cacheDir, 'file', 'below'), ...quick }),
  ).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE', message: expect.stringContaining('FACEDET_MODELS') });
});

describe('addresses of models', () => {
  it('may have broken escapes', async () => {
    const server = await serve({ '/%E0%A4%A.onnx': file(body) });
    expect(await resolveModel(`${server.url}/%E0%A4%A.onnx`, { cacheDir, ...quick })).toMatchObject({
      name: '%E0%A4%A',
      sha256: hash,
    });
  });

  it('say how to take a file that changed with good reason', async () => {
    const server = await serve({ '/m.onnx': [file(body), file(noise(1000, 5))] });
    const { path } = await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick });
    rmSync(path);
    const message = expect.stringContaining('facedet models pull --refresh') as string;
    await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message,
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick, refresh: true })).toMatchObject({
      sha256: sha256(noise(1000, 5)),
      from: 'download',
    });
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick, offline: true })).toMatchObject({
      sha256: sha256(noise(1000, 5)),
      from: 'cache',
    });
  });

  it('keep their credentials out of messages and files', async () => {
    const server = await serve({
      '/m.onnx?token=SECRET': file(body),
      '/half.onnx?token=SECRET': [file(body, { breakAfter: 300_000 }), status(403)],
    });
    const at = (name: string) => `${server.url.replace('//', '//user:SECRET@')}/${name}?token=SECRET`;
    await resolveModel(at('m.onnx'), { cacheDir, ...quick });
    for (const name of ['half.onnx', 'none.onnx']) {
      await expect(resolveModel(at(name), { cacheDir, ...quick })).rejects.toMatchObject({
        message: expect.not.stringContaining('SECRET') as string,
      });
    }
    const notes = readdirSync(join(cacheDir, 'urls')).filter((name) => name.endsWith('.json'));
    expect(notes.length).toBeGreaterThanOrEqual(2);
    for (const name of notes) expect(readFileSync(join(cacheDir, 'urls', name), 'utf8')).not.toContain('SECRET');
  });
});
