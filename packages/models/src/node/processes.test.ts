import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { file, noise, sha256, startServer } from '@facedet/http/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resolveModel } from './resolve.ts';

let folder: string;
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facedet-processes-'));
  script = join(folder, 'resolve.cjs');
  await build({
    stdin: {
      contents: `import { resolveModel } from './resolve.ts';
        resolveModel(process.argv[2], { cacheDir: process.argv[3] }).then(
          ({ sha256, from }) => console.log(JSON.stringify({ sha256, from })),
          (error) => {
            console.error(error.code, error.message);
            process.exit(1);
          },
        );`,
      resolveDir: import.meta.dirname,
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    conditions: ['@facedet/source'],
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(url: string, cacheDir: string) {
  const child = spawn(process.execPath, [script, url, cacheDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (bytes) => (output += bytes));
  child.stderr.on('data', (bytes) => (output += bytes));
  return {
    child,
    done: new Promise<{ code: number | null; output: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, output })),
    ),
  };
}

describe('several processes', () => {
  it('that want one model at once download it once, and all get it whole', async () => {
    const body = noise(1_000_000);
    const server = await startServer({ '/m.onnx': file(body, { slow: 30 }) });
    const cacheDir = join(folder, 'together');
    const results = await Promise.all([1, 2, 3].map(() => run(`${server.url}/m.onnx`, cacheDir).done));
    await server.close();
    for (const { code, output } of results) {
      expect(output).toContain(sha256(body));
      expect(code).toBe(0);
    }
    expect(server.seen).toHaveLength(1);
    expect(results.map(({ output }) => JSON.parse(output).from).sort()).toEqual(['cache', 'cache', 'download']);
    const names = readdirSync(join(cacheDir, 'urls'));
    expect(names.filter((name) => !/\.onnx(\.json)?$/.test(name))).toEqual([]);
  });

  it('of which one was killed in the middle: the next goes on at once, where it stopped', async () => {
    const body = noise(1_000_000, 2);
    const server = await startServer({
      '/m.onnx': [file(body, { etag: '"x"', slow: 50 }), file(body, { etag: '"x"' })],
    });
    const cacheDir = join(folder, 'killed');
    const { child, done } = run(`${server.url}/m.onnx`, cacheDir);
    const part = () => {
      const name = readdirSync(join(cacheDir, 'urls')).find((entry) => entry.endsWith('.partial'));
      return name ? readFileSync(join(cacheDir, 'urls', name)).length : 0;
    };
    await vi.waitFor(() => expect(part()).toBeGreaterThan(100_000), { timeout: 20_000, interval: 20 });
    child.kill('SIGKILL');
    await done;
    const started = performance.now();
    const { path, sha256: hash } = await resolveModel(`${server.url}/m.onnx`, { cacheDir });
    await server.close();
    expect(hash).toBe(sha256(body));
    expect(readFileSync(path).equals(body)).toBe(true);
    expect(server.seen[1]!.range).toMatch(/^bytes=[1-9]\d{5,}-$/);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

it('HTTP_PROXY is used, and NO_PROXY spares hosts from it', async () => {
  const body = noise(10_000, 4);
  const server = await startServer({ '/m.onnx': file(body) });
  const through: string[] = [];
  // Whatever host is asked for lies behind this proxy only.
  const proxy = createServer((request, response) => {
    through.push(`${request.method} ${request.url}`);
    forward(
      { port: server.port, host: '127.0.0.1', path: new URL(request.url!).pathname, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    ).end();
  });
  proxy.on('connect', (request, socket) => {
    through.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const cacheDir = join(folder, 'proxy');
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'FACEDET_MODELS'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('HTTP_PROXY', address);
  vi.stubEnv('HTTPS_PROXY', address);
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  try {
    expect(await resolveModel('http://models.invalid/m.onnx', { cacheDir })).toMatchObject({ sha256: sha256(body) });
    expect(through).toEqual(['GET http://models.invalid/m.onnx']);
    expect(await resolveModel(`${server.url}/m.onnx`, { cacheDir })).toMatchObject({ sha256: sha256(body) });
    expect(through).toHaveLength(1);
    await expect(resolveModel('https://models.invalid/m.onnx', { cacheDir, attempts: 1 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
    expect(through[1]).toBe('CONNECT models.invalid:443');
    vi.stubEnv('HTTPS_PROXY', 'socks5://127.0.0.1:1');
    await expect(resolveModel('https://models.invalid/m.onnx', { cacheDir })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('HTTPS_PROXY'),
    });
  } finally {
    vi.unstubAllEnvs();
    proxy.closeAllConnections();
    proxy.close();
    await server.close();
  }
});
