import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { file, noise, sha256 } from '@facedet/http/testing';
import { describe, expect, it } from 'vitest';
import { extractFromFile, extractFromUrl } from './archive.ts';
import { cacheDir, serve } from './cache.fixture.ts';
import { fetchFirst, type ModelSource } from './fetch.ts';
import { resolveModel } from './resolve.ts';
import { zip } from './zip.fixture.ts';

const quick = { attempts: 2, stallTimeout: 10 };
const http = { what: 'a model', ...quick };
const body = noise(30_000);

describe('archives', () => {
  const model = noise(50_000, 5);
  const archive = zip({ 'det_x.onnx': model, 'filler.bin': noise(200_000, 6) });
  const stored = { member: 'det_x.onnx', size: archive.length, sha256: sha256(archive) };
  const fetchFrom = (source: ModelSource, accepted: string[] = [sha256(model)]) =>
    fetchFirst({ name: 'x', sources: [source], path: join(cacheDir, 'x.onnx'), accepted }, quick);
  const left = () => readdirSync(cacheDir).filter((name) => name.endsWith('.zip') || name === 'x.onnx');

  it('a member larger than it may be is not unpacked, from a server and from disk', async () => {
    // 100 kB that grow to 20 MB.
    const bomb = zip({ 'det_x.onnx': new Uint8Array(20_000_000) });
    const server = await serve({ '/bomb.zip': file(bomb) });
    const destination = join(cacheDir, 'member');
    writeFileSync(join(cacheDir, 'bomb.zip'), bomb);
    const limited = { member: 'det_x.onnx', destination, maxBytes: 1e6 };
    const extractions = [
      () => extractFromUrl(`${server.url}/bomb.zip`, http, limited),
      () => extractFromFile(join(cacheDir, 'bomb.zip'), limited),
    ];
    for (const extract of extractions) {
      await expect(extract()).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringContaining('at most 1,000,000 bytes') as string,
      });
    }
    expect(existsSync(destination)).toBe(false);
  });

  it('a member that has more bytes than its entry says fails', async () => {
    const lying = zip({ 'det_x.onnx': new Uint8Array(5_000_000) });
    for (let at = lying.indexOf('PK\x01\x02', 0, 'latin1') + 24, k = 0; k < 1; k++) lying.writeUInt32LE(1000, at);
    writeFileSync(join(cacheDir, 'lying.zip'), lying);
    await expect(
      extractFromFile(join(cacheDir, 'lying.zip'), {
        member: 'det_x.onnx',
        destination: join(cacheDir, 'member'),
        maxBytes: 1e6,
      }),
    ).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    expect(readFileSync(join(cacheDir, 'member')).length).toBeLessThan(1e6);
  });

  it('of another size than the manifest names are refused before they are read', async () => {
    const server = await serve({ '/pack.zip': file(archive) });
    const source = { url: `${server.url}/pack.zip`, archive: { ...stored, size: archive.length - 1 } };
    await expect(fetchFrom(source)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('another mirror') as string,
    });
    expect(server.seen.map(({ range }) => range)).toEqual(['bytes=0-0']);
    expect(await fetchFrom({ ...source, isMirror: true })).toMatchObject({ sha256: sha256(model) });
  });

  it('downloaded whole have the size and the SHA-256 of the manifest', async () => {
    const other = Buffer.from(archive);
    other[other.length - 70_000]! ^= 1;
    const server = await serve({
      '/larger.zip': file(Buffer.concat([archive, noise(10)]), { ranges: false, chunked: true }),
      '/other.zip': file(other, { ranges: false }),
    });
    await expect(fetchFrom({ url: `${server.url}/larger.zip`, archive: stored })).rejects.toMatchObject({
      code: 'DOWNLOAD_TOO_LARGE',
    });
    rmSync(join(cacheDir, 'x.onnx.partial.zip'), { force: true });
    await expect(fetchFrom({ url: `${server.url}/other.zip`, archive: stored })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message: expect.stringContaining(stored.sha256) as string,
    });
    expect(left()).toEqual([]);
  });

  it('of a mirror are held to the manifest where nothing else decides', async () => {
    const server = await serve({ '/pack.zip': file(archive) });
    const source = { url: `${server.url}/pack.zip`, archive: { ...stored, size: archive.length + 1 }, isMirror: true };
    await expect(fetchFrom(source, [])).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe('what a server sends in place of a model', () => {
  it.each([
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3291077\n',
      /Git LFS pointer.*\/resolve\//,
    ],
    ['a page', '<!DOCTYPE html>\n<html><title>Sign in</title></html>', /web page.*log-in page/],
    ['a page after blanks', '\ufeff \r\n<html lang="en">', /web page/],
    ['a page of XML', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /web page/],
  ])('%s is named, with or without a known hash, and not kept', async (_, text, message) => {
    const server = await serve({ '/m.onnx': file(Buffer.from(text)) });
    for (const options of [{}, { sha256: sha256(body) }]) {
      await expect(resolveModel(`${server.url}/m.onnx`, { cacheDir, ...quick, ...options })).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        message: expect.stringMatching(message) as string,
      });
    }
    expect(readdirSync(join(cacheDir, 'urls'))).toEqual([]);
    expect(server.seen).toHaveLength(2);
  });
});

describe('an address whose content changed', () => {
  it('is downloaded again only with refresh, and the old file stays if that fails', async () => {
    const other = noise(1000, 5);
    const server = await serve({
      '/m.onnx': [file(body), (_, response) => void response.writeHead(403).end(), file(other)],
    });
    const url = `${server.url}/m.onnx`;
    const { path } = await resolveModel(url, { cacheDir, ...quick });
    await expect(resolveModel(url, { cacheDir, ...quick, refresh: true })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
    expect(await resolveModel(url, { cacheDir, ...quick })).toMatchObject({ sha256: sha256(body), from: 'cache' });
    expect(await resolveModel(url, { cacheDir, ...quick, refresh: true })).toMatchObject({
      sha256: sha256(other),
      from: 'download',
      path,
    });
    expect(await resolveModel(url, { cacheDir, ...quick })).toMatchObject({ sha256: sha256(other), from: 'cache' });
    await expect(resolveModel(url, { cacheDir, ...quick, refresh: true, sha256: sha256(body) })).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    await expect(resolveModel(url, { cacheDir, offline: true, refresh: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('of the zoo without a known hash too; one with a known hash is only downloaded again', async () => {
    const server = await serve({ '/scrfd_34g.onnx': [file(body), file(noise(1000, 5))] });
    const options = { cacheDir, baseUrl: server.url, acceptLicense: true, ...quick };
    await resolveModel('scrfd_34g', options);
    expect(await resolveModel('scrfd_34g', options)).toMatchObject({ sha256: sha256(body), from: 'cache' });
    expect(await resolveModel('scrfd_34g', { ...options, refresh: true })).toMatchObject({
      sha256: sha256(noise(1000, 5)),
      from: 'download',
    });
    expect(server.seen).toHaveLength(2);
  });

  // The moments at which a process can be killed between the file and its pin.
  it.each(['a file without a pin', 'a pin without a file'])('%s is no trap', async (state) => {
    const server = await serve({ '/m.onnx': file(body) });
    const url = `${server.url}/m.onnx`;
    const { path } = await resolveModel(url, { cacheDir, ...quick });
    rmSync(state === 'a pin without a file' ? path : `${path}.json`);
    expect(await resolveModel(url, { cacheDir, ...quick })).toMatchObject({ sha256: sha256(body), from: 'download' });
    expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toMatchObject({ sha256: sha256(body) });
  });
});

it.each([
  'http://',
  'http://[',
  'https://%',
  'file://host/m.onnx',
  'file:///a%2Fb.onnx',
  'file:///%E0%A4%A.onnx',
  'file://[',
])('%s, which names nothing, is an error of the argument', async (text) => {
  if (text === 'file://host/m.onnx' && process.platform === 'win32') return;
  await expect(resolveModel(text, { cacheDir, ...quick })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
