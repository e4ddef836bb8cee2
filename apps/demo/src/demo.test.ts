import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch } from '../../../scripts/browser.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sample = fileURLToPath(new URL('../../../examples/sample.png', import.meta.url));
const weights = fileURLToPath(new URL('../../../packages/models/weights/scrfd_0.5g_kps.onnx', import.meta.url));
const built = existsSync(`${root}dist/index.html`);
if (!built) console.warn('The demo is not tested: it is not built (pnpm build).');

interface Shown {
  id: number | null;
  box: { x: number; y: number; width: number; height: number };
  score: number;
}

// A busy machine of two cores takes its time; these limits only end what hangs.
describe.skipIf(!browserPath || !built)(
  'the demo in Chromium [needs a browser and a build]',
  { timeout: 240_000 },
  () => {
    let server: PreviewServer;
    let url: string;
    let browser: Browser;
    beforeAll(async () => {
      server = await preview({
        root,
        configFile: `${root}vite.config.ts`,
        logLevel: 'error',
        preview: { port: 4300, host: '127.0.0.1' },
      });
      url = server.resolvedUrls!.local[0]!;
      browser = await launch();
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    async function open({ b = browser, size = { width: 1280, height: 900 }, before = async (_: Page) => {} } = {}) {
      const context = await b.newContext({ viewport: size, acceptDownloads: true });
      const page = await context.newPage();
      const problems: string[] = [];
      const foreign: string[] = [];
      page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
      page.on('pageerror', (e) => problems.push(e.message));
      page.on('request', (r) => !r.url().startsWith(url) && !/^(blob|data):/.test(r.url()) && foreign.push(r.url()));
      await before(page);
      await page.goto(url);
      return { page, problems, foreign, close: () => context.close() };
    }

    const faces = (page: Page) =>
      page.evaluate(() => JSON.parse(document.getElementById('stage')!.dataset['faces'] ?? '[]') as Shown[]);
    const rate = (page: Page) =>
      page.waitForFunction(() => Number(document.getElementById('figure-fps')!.textContent) > 0, undefined, {
        timeout: 120_000,
      });
    const message = (page: Page) =>
      page.waitForSelector('#message:not([hidden])', { timeout: 90_000 }).then((m) => m.textContent());

    it('finds the people of the scene and keeps them apart', async () => {
      const { page, problems, foreign, close } = await open();
      await page.waitForFunction(
        () => (JSON.parse(document.getElementById('stage')!.dataset['faces'] ?? '[]') as unknown[]).length >= 4,
        undefined,
        { timeout: 120_000 },
      );
      const first = await faces(page);
      await page.waitForTimeout(3000);
      const later = await faces(page);
      const ids = new Set(first.map((f) => f.id));
      expect(later.filter((f) => ids.has(f.id)).length).toBeGreaterThanOrEqual(3);
      expect(Number(await page.textContent('#figure-tracks'))).toBeLessThanOrEqual(8);
      expect(await page.textContent('#selection')).toMatch(/Running on WASM with \d+ thread/);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      expect(foreign).toEqual([]);
      expect(problems).toEqual([]);
      await close();
    });

    it('detects in a picture from disk, and again when a setting changes', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      await page.setInputFiles('#file', sample);
      await page.waitForFunction(
        () =>
          document.getElementById('source-file')!.getAttribute('aria-pressed') === 'true' &&
          document.getElementById('figure-fps')!.textContent === '–',
        undefined,
        { timeout: 90_000 },
      );
      await page.waitForFunction(() => Number(document.getElementById('figure-faces')!.textContent) >= 5, undefined, {
        timeout: 90_000,
      });
      await page.selectOption('[name=hide]', 'blur');
      await page.waitForTimeout(500);
      await page.fill('#score', '0.95');
      await page.waitForFunction(() => document.getElementById('figure-faces')!.textContent === '0', undefined, {
        timeout: 90_000,
      });
      expect(problems).toEqual([]);
      await close();
    });

    /** Opens a picture and waits until the picture, not the scene before it, is shown. */
    async function openPicture(page: Page, name: string, buffer: Buffer) {
      await page.setInputFiles('#file', { name, mimeType: 'image/png', buffer });
      await page.waitForFunction(
        () =>
          document.getElementById('source-file')!.getAttribute('aria-pressed') === 'true' &&
          document.getElementById('figure-fps')!.textContent === '–',
        undefined,
        { timeout: 90_000 },
      );
      await page.waitForFunction(() => document.getElementById('overlay')!.hidden, undefined, { timeout: 90_000 });
    }
    const facesAre = (page: Page, count: number) =>
      page.waitForFunction((n) => document.getElementById('figure-faces')!.textContent === String(n), count, {
        timeout: 90_000,
      });

    it('finds faces upside down, in the orientation chosen only, and hides them', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      const turned = await sharp(sample).rotate(180).png().toBuffer();
      await openPicture(page, 'turned.png', turned);
      expect(await page.inputValue('[name=rotate]')).toBe('auto');
      await facesAre(page, 6);
      const auto = await faces(page);
      await page.selectOption('[name=rotate]', '0');
      await page.waitForFunction(() => Number(document.getElementById('figure-faces')!.textContent) <= 1, undefined, {
        timeout: 90_000,
      });
      await page.selectOption('[name=rotate]', '180');
      await facesAre(page, 6);
      expect(await faces(page)).toEqual(auto);
      await page.selectOption('[name=rotate]', 'auto');
      const done = page.waitForEvent('download', { timeout: 90_000 });
      await page.setInputFiles('#anonymize-file', { name: 'turned.png', mimeType: 'image/png', buffer: turned });
      const anonymous = await done;
      expect(anonymous.suggestedFilename()).toBe('turned-anonymous.png');
      await openPicture(page, 'hidden.png', readFileSync((await anonymous.path())!));
      await facesAre(page, 0);
      expect(problems).toEqual([]);
      await close();
    });

    it('finds a face that is larger than the picture by default, which one pass at 640 does not', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      // The face is 75 × 97 pixels at 672, 115: 88 pixels around its center show it at 110 % of the height.
      const closeUp = await sharp(sample)
        .extract({ left: 666, top: 120, width: 88, height: 88 })
        .resize(900, 900)
        .png()
        .toBuffer();
      await openPicture(page, 'close-up.png', closeUp);
      await facesAre(page, 1);
      const [face] = await faces(page);
      expect(face!.box.width).toBeGreaterThan(600);
      await page.selectOption('[name=size]', '640');
      await facesAre(page, 0);
      expect(problems).toEqual([]);
      await close();
    });

    it('says what to do where the camera is denied, and shows the scene on', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      await page.click('#source-camera');
      expect(await message(page)).toMatch(/camera/i);
      await page.waitForFunction(
        () => document.getElementById('source-scene')!.getAttribute('aria-pressed') === 'true',
        undefined,
        { timeout: 90_000 },
      );
      await rate(page);
      expect(problems).toEqual([]);
      await close();
    });

    it('takes a camera', async () => {
      const fake = await launch({ args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
      const { page, problems, close } = await open({ b: fake });
      await rate(page);
      await page.click('#source-camera');
      await page.waitForFunction(
        () => document.getElementById('source-camera')!.getAttribute('aria-pressed') === 'true',
        undefined,
        { timeout: 90_000 },
      );
      await page.waitForFunction(
        () =>
          document.getElementById('overlay')!.hidden &&
          document.getElementById('stage')!.getAttribute('width') !== '800',
        undefined,
        { timeout: 90_000 },
      );
      expect(problems).toEqual([]);
      await close();
      await fake.close();
    });

    it('refuses an invalid model file and an invalid picture file, and goes on', async () => {
      const { page, close } = await open();
      await rate(page);
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.selectOption('[name=model]', 'file'),
      ]);
      await chooser.setFiles({
        name: 'broken.onnx',
        mimeType: 'application/octet-stream',
        buffer: Buffer.from('no model at all'),
      });
      expect(await message(page)).toMatch(/ONNX model/);
      await page.selectOption('[name=model]', 'default');
      await rate(page);
      await page.setInputFiles('#file', {
        name: 'text.jpg',
        mimeType: 'image/jpeg',
        buffer: Buffer.from('no picture'),
      });
      expect(await message(page)).toMatch(/can't decode/);
      await close();
    });

    it('takes another model file after an invalid one, even with the same name', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      const give = async (buffer: Buffer) => {
        const [chooser] = await Promise.all([
          page.waitForEvent('filechooser', { timeout: 30_000 }),
          page.selectOption('[name=model]', 'file'),
        ]);
        await chooser.setFiles({ name: 'mine.onnx', mimeType: 'application/octet-stream', buffer });
      };
      await give(Buffer.from('no model at all'));
      expect(await message(page)).toMatch(/ONNX model/);
      await page.selectOption('[name=model]', 'default');
      await give(readFileSync(weights));
      await page.waitForFunction(() => document.getElementById('overlay')!.hidden, undefined, { timeout: 90_000 });
      await rate(page);
      expect(await page.isHidden('#message')).toBe(true);
      expect(problems).toEqual([]);
      await close();
    });

    it('runs on WASM and says why where WebGPU was asked for and is missing', async () => {
      const { page, close } = await open();
      await rate(page);
      await page.selectOption('[name=provider]', 'webgpu');
      expect(await message(page)).toMatch(/WebGPU/);
      await rate(page);
      expect(await page.textContent('#selection')).toMatch(/WASM/);
      await close();
    });

    it('runs on one thread and says why where its host sends no isolation headers', async () => {
      const plain = await preview({
        root,
        configFile: false,
        logLevel: 'error',
        preview: { port: 4301, host: '127.0.0.1' },
      });
      const page = await browser.newPage();
      await page.goto(plain.resolvedUrls!.local[0]!);
      await rate(page);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
      expect(await page.textContent('#selection')).toBe('Running on WASM with 1 thread.');
      expect(await page.textContent('#reasons')).toContain('not cross-origin isolated');
      await page.close();
      await plain.close();
    });

    it('works on without a network once it is loaded', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      await page.context().setOffline(true);
      const seen = () => page.evaluate(() => document.getElementById('stage')!.dataset['faces']);
      const goesOn = async () => {
        const before = await seen();
        await page.waitForFunction((old) => document.getElementById('stage')!.dataset['faces'] !== old, before, {
          timeout: 90_000,
        });
      };
      await goesOn();
      // Another canvas needs another worker, whose script may be out of reach now: it starts, or the old one goes on
      // and the page says so.
      await page.selectOption('[name=size]', '320');
      await page.waitForFunction(() => document.getElementById('overlay')!.hidden, undefined, { timeout: 90_000 });
      await goesOn();
      expect(problems.filter((p) => !/ERR_INTERNET_DISCONNECTED/.test(p))).toEqual([]);
      await close();
    });

    it('saves JSONL and an MP4 of what is seen, and anonymizes that MP4', async () => {
      const { page, problems, close } = await open();
      await rate(page);
      await page.click('#record');
      await page.waitForTimeout(4000);
      const [mp4] = await Promise.all([page.waitForEvent('download'), page.click('#record')]);
      const recorded = readFileSync((await mp4.path())!);
      expect(mp4.suggestedFilename()).toBe('facedet.mp4');
      expect(recorded.subarray(4, 8).toString('latin1')).toBe('ftyp');
      expect(recorded.length).toBeGreaterThan(10_000);
      const [jsonl] = await Promise.all([page.waitForEvent('download'), page.click('#jsonl')]);
      const rows = readFileSync((await jsonl.path())!, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { frame: number; timestamp: number; faces: Shown[] });
      expect(rows.length).toBeGreaterThan(3);
      expect(rows.every((r, i) => i === 0 || r.timestamp > rows[i - 1]!.timestamp)).toBe(true);
      expect(rows.some((r) => r.faces.length >= 4)).toBe(true);
      const done = page.waitForEvent('download', { timeout: 180_000 });
      await page.setInputFiles('#anonymize-file', { name: 'scene.mp4', mimeType: 'video/mp4', buffer: recorded });
      const anonymous = await done;
      expect(anonymous.suggestedFilename()).toBe('scene-anonymous.mp4');
      // The detector finds no face in the resulting file.
      await page.setInputFiles(
        '#file',
        await anonymous
          .path()
          .then((path) => ({ name: 'scene.mp4', mimeType: 'video/mp4', buffer: readFileSync(path!) })),
      );
      await page.waitForFunction(
        () => document.getElementById('source-file')!.getAttribute('aria-pressed') === 'true',
        undefined,
        { timeout: 90_000 },
      );
      // A busy machine takes its time until the file's first frame replaces the last one of the scene.
      await page.waitForFunction(() => document.getElementById('stage')!.dataset['faces'] === '[]', undefined, {
        timeout: 60_000,
      });
      await page.waitForTimeout(3000);
      expect(await faces(page)).toEqual([]);
      expect(problems).toEqual([]);
      await close();
    });

    it('can be used by keyboard alone', async () => {
      const { page, close } = await open();
      await rate(page);
      const reached = new Set<string>();
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        reached.add(
          await page.evaluate(
            () =>
              document.activeElement?.id ||
              (document.activeElement as HTMLInputElement)?.name ||
              document.activeElement?.className ||
              '',
          ),
        );
      }
      for (const id of [
        'theme',
        'source-scene',
        'source-camera',
        'source-file',
        'pause',
        'track',
        'smooth',
        'compare',
        'score',
        'hide',
        'model',
        'size',
        'rotate',
        'provider',
        'record',
        'jsonl',
        'anonymize',
      ])
        expect(reached).toContain(id);
      await page.focus('[name=smooth]');
      await page.keyboard.press('Space');
      expect(await page.isChecked('[name=smooth]')).toBe(false);
      await close();
    });

    it.each([
      ['desktop', 1280, 900],
      ['phone', 390, 844],
    ] as const)('has no accessibility violation at %s width, light and dark', async (_, width, height) => {
      const { page, close } = await open({ size: { width, height } });
      await rate(page);
      // The library is handed to the page past its Content-Security-Policy, which forbids foreign scripts.
      const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      await page.evaluate(axe);
      for (const theme of ['light', 'dark']) {
        if ((await page.getAttribute('html', 'data-theme')) !== theme) await page.click('#theme');
        await page.waitForTimeout(300);
        const found = await page.evaluate(async () => {
          const { violations } = await (
            globalThis as unknown as {
              axe: {
                run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
              };
            }
          ).axe.run();
          return violations.map(
            (v) => `${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 100)} ${n.failureSummary}`).join(' | ')}`,
          );
        });
        expect(found).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      }
      await close();
    });
  },
);
