import { execFile } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch } from '../../scripts/browser.ts';

const examples = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.json': 'application/json',
  '.css': 'text/css',
};

/** A plain static server, as any host is, with the two headers that give WASM its threads. */
function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = join(examples, path.endsWith('/') ? `${path}index.html` : path);
    if (path.includes('..') || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

describe.skipIf(!browserPath)('pages with FaceDet [needs a browser]', () => {
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([serve(), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  it.each([
    ['a plain script', 'web-plain/', []],
    ['Vite', 'web-vite/dist/', ['vite', 'build', '--logLevel', 'error']],
    ['webpack', 'web-webpack/dist/', ['webpack', '--no-stats']],
  ] as const)('%s: finds the faces of the sample', { timeout: 180_000 }, async (_, path, build) => {
    const folder = join(examples, path.split('/')[0]!);
    if (build.length)
      await run(
        process.execPath,
        [
          join(folder, 'node_modules', build[0] === 'vite' ? 'vite/bin/vite.js' : 'webpack-cli/bin/cli.js'),
          ...build.slice(1),
        ],
        { cwd: folder },
      );
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(e.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`);
    await page.waitForFunction(() => document.getElementById('result')!.textContent !== 'Looking…', undefined, {
      timeout: 60_000,
    });
    expect(await page.textContent('#result')).toMatch(/^[5-6] faces, on (wasm|webgpu)$/);
    expect(problems).toEqual([]);
    await page.close();
  });
});
