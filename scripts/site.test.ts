// The documentation site: every code block runs, every page is listed, and the built pages pass axe at two widths.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch } from './browser.ts';
// @ts-expect-error: plain JavaScript
import { modelFile } from './lib/model.mjs';
// @ts-expect-error: plain JavaScript
import { blocksOf, runBlock } from './lib/readme.mjs';
// @ts-expect-error: plain JavaScript
import { execute, root } from './lib/workspace.mjs';
// @ts-expect-error: plain JavaScript
import { sections } from '../apps/docs/.vitepress/pages.mjs';
// @ts-expect-error: plain JavaScript
import { unlistedPages } from '../apps/docs/scripts/llms.mjs';

interface Block {
  file: string;
  line: number;
  language: string;
  code: string;
}

const site = join(root, 'apps', 'docs');
const guide = join(site, 'guide');
// Inside the site's folder, where the packages are found.
const folder = join(site, '.cache', 'blocks');
const cli = join(root, 'apps', 'cli', 'dist', 'main.js');
const pages = readdirSync(guide).filter((file) => file.endsWith('.md'));
/** Blocks that run in a page, not in Node. */
const IN_PAGE = 'web-page.md';

/** Runs the built command. */
function facedet(...args: string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', (bytes) => (text += bytes));
    child.on('close', (code) => (code === 0 ? done() : failed(new Error(text))));
  });
}

describe('guides of the documentation site', () => {
  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'bin'), { recursive: true });
    mkdirSync(join(folder, 'photos'));
    writeFileSync(join(folder, 'bin', 'facedet'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, {
      mode: 0o755,
    });
    const { readImage, writeImage } = await import('../packages/runtime-node/src/index.ts');
    const picture = await readImage(join(root, 'examples', 'sample.png'));
    await writeImage(join(folder, 'photo.jpg'), await picture.pixels());
    copyFileSync(join(folder, 'photo.jpg'), join(folder, 'photos', 'group.jpg'));
    copyFileSync(modelFile(), join(folder, 'model.onnx'));
    await facedet('synth', '-o', 'film.mp4', '--duration', '2', '--width', '320', '--height', '180', '--seed', '3');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('lists every page', () => expect(unlistedPages()).toEqual([]));

  it('lists only pages that exist', () => {
    const links = sections.flatMap(({ items }: { items: { link: string }[] }) => items.map(({ link }) => link));
    const missing = links.filter((link: string) => link.startsWith('/guide/') && !existsSync(join(site, `${link}.md`)));
    expect(missing).toEqual([]);
  });

  it('has fences of known languages, and JSON that parses', () => {
    for (const page of pages) {
      const text = readFileSync(join(guide, page), 'utf8');
      const fences = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
      for (const [, language, code] of fences) {
        expect(['sh', 'js', 'ts', 'json', 'text', 'yaml', 'html'], `${page}: ${language}`).toContain(language);
        if (language === 'json') expect(() => JSON.parse(code!), page).not.toThrow();
      }
    }
  });

  it('names only options that the command has', () => {
    const reference = readFileSync(join(site, 'reference', 'cli.md'), 'utf8');
    const sections = reference.split(/^## /m).slice(1);
    const unknown = pages.flatMap((page) => {
      const blocks = [...readFileSync(join(guide, page), 'utf8').matchAll(/^```(?:sh|text)\n([\s\S]*?)^```$/gm)];
      const lines = blocks.flatMap(([, code]) => code!.split('\n')).filter((line) => line.startsWith('facedet '));
      return lines.flatMap((line) => {
        const section = sections.find((text) => line.startsWith(text.slice(0, text.indexOf('\n')))) ?? '';
        const options = line.match(/(?<= )--?[a-z][a-z-]*/g) ?? [];
        return options.filter((name) => !section.includes(name)).map((name) => `${page}: ${line}: ${name}`);
      });
    });
    expect(unknown).toEqual([]);
  });

  const blocks: Block[] = pages.filter((page) => page !== IN_PAGE).flatMap((page) => blocksOf(join(guide, page)));
  // The clone and build of the first page is what this test runs after.
  const runnable = blocks.filter(({ code }) => !code.includes('quickstart'));
  it.each(runnable.map((block) => [`${block.file}:${block.line} (${block.language})`, block] as const))(
    '%s runs',
    async (_, block) => {
      const PATH = `${join(folder, 'bin')}:${process.env['PATH']}`;
      const { code, output } = await runBlock(block, { cwd: folder, env: { PATH, CI: 'true' } });
      expect(code, output).toBe(0);
    },
  );
});

describe('the built site', () => {
  const dist = join(site, '.vitepress', 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
  const built = new Map(files.map((file) => [`/${file}`, readFileSync(join(dist, file), 'utf8')]));

  // VitePress checks that the page of a link exists, not its heading.
  it('has a heading for each link to one', () => {
    const missing = [...built].flatMap(([from, html]) =>
      [...html.matchAll(/href="(\/[^"#]*)?#([^"]+)"/g)].flatMap(([, path, anchor]) => {
        const page = path === undefined ? from : path.endsWith('/') ? `${path}index.html` : `${path}.html`;
        const id = decodeURIComponent(anchor!);
        return id === 'VPContent' || built.get(page)?.includes(`id="${id}"`) ? [] : [`${from}: ${path ?? ''}#${id}`];
      }),
    );
    expect(missing).toEqual([]);
  });
});

describe.skipIf(!browserPath)('in a browser', () => {
  let server: Server;
  let address = '';
  const served = { folder: '' };
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
      const file = [path, `${path}.html`, join(path, 'index.html')]
        .map((each) => join(served.folder, each))
        .find((each) => extname(each) && existsSync(each));
      if (!file) return response.writeHead(404).end();
      const type = {
        '.html': 'text/html',
        '.js': 'text/javascript',
        '.mjs': 'text/javascript',
        '.css': 'text/css',
        '.wasm': 'application/wasm',
        '.svg': 'image/svg+xml',
      }[extname(file)];
      response.writeHead(200, { 'content-type': type ?? 'application/octet-stream' }).end(readFileSync(file));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => new Promise((closed) => server.close(closed)));

  it('the built site has no accessibility problem, wide and narrow', async () => {
    served.folder = join(site, '.vitepress', 'dist');
    const axe = createRequire(join(site, 'package.json')).resolve('axe-core/axe.min.js');
    const browser = await launch();
    try {
      for (const width of [1280, 390]) {
        for (const path of ['/', '/guide/getting-started', '/guide/migrate', '/packages/core', '/reference/cli']) {
          const page = await browser.newPage({ viewport: { width, height: 900 } });
          const foreign: string[] = [];
          page.on('request', (request) => request.url().startsWith(address) || foreign.push(request.url()));
          await page.goto(`${address}${path}`, { waitUntil: 'networkidle' });
          await page.addScriptTag({ path: axe });
          const { violations } = await page.evaluate(() =>
            (
              globalThis as unknown as {
                axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
              }
            ).axe.run(),
          );
          expect(violations.map(({ id, nodes }) => `${path} at ${width}: ${id}: ${nodes[0]!.html}`)).toEqual([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, `${path} at ${width} is wider than the window`).toBeLessThanOrEqual(0);
          expect(foreign.filter((url) => !url.startsWith('data:'))).toEqual([]);
          await page.close();
        }
      }
    } finally {
      await browser.close();
    }
  });

  it('the page of the guide runs with a camera', async () => {
    const [html] = /```html\n([\s\S]*?)^```$/m.exec(readFileSync(join(guide, IN_PAGE), 'utf8'))!.slice(1);
    const [script] = blocksOf(join(guide, IN_PAGE)) as Block[];
    const source = join(site, '.cache', 'page');
    rmSync(source, { recursive: true, force: true });
    mkdirSync(join(source, 'public', 'ort'), { recursive: true });
    writeFileSync(join(source, 'index.html'), html!);
    writeFileSync(join(source, 'main.js'), script!.code);
    const require = createRequire(join(site, 'package.json'));
    const ort = join(require.resolve('onnxruntime-web'), '..');
    for (const file of readdirSync(ort).filter((name) => /^ort-wasm.*\.(wasm|mjs)$/.test(name)))
      copyFileSync(join(ort, file), join(source, 'public', 'ort', file));
    const vite = await execute(process.execPath, [
      join(require.resolve('vite/package.json'), '..', 'bin', 'vite.js'),
      'build',
      source,
      '--base',
      './',
      '--logLevel',
      'error',
    ]);
    expect(vite.code, vite.output).toBe(0);
    served.folder = join(source, 'dist');
    const browser = await launch({ args: ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'] });
    try {
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`${address}/`);
      await page.waitForFunction(
        () => document.getElementById('status')!.textContent!.startsWith('Running on'),
        undefined,
        { timeout: 120_000 },
      );
      await page.waitForFunction(
        () => {
          // The canvas is transparent until a frame is drawn.
          const view = document.getElementById('view') as HTMLCanvasElement;
          return view.width === 640 && view.getContext('2d')!.getImageData(320, 240, 1, 1).data[3] === 255;
        },
        undefined,
        { timeout: 60_000 },
      );
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
