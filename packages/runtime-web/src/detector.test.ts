import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { iou, type Face, type ImageSource } from '@facedet/core';
import { createDetector as createNodeDetector, readImage } from '@facedet/runtime-node';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch, startSite, type Site } from './fixtures/browser.fixture.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sample = `${root}examples/sample.png`;
const photo = `${root}../shared/images/six_people.jpg`;
const weights = `${root}packages/models/weights/scrfd_0.5g_kps.onnx`;
const official = `${root}../shared/models/scrfd_500m_kps.onnx`;
const shared = existsSync(official) && existsSync(photo);
if (!shared) console.warn('Browser tests on a photograph are skipped: ../shared is missing.');

/** A picture and weights to look with, by name. */
const CASES = { sample: { picture: sample, model: weights }, photo: { picture: photo, model: official } };

describe.skipIf(!browserPath)('createDetector in Chromium [needs a browser]', { timeout: 180_000 }, () => {
  let site: Site;
  let bare: Site;
  let browser: Browser;
  let gpuBrowser: Browser;
  beforeAll(async () => {
    [site, bare, browser, gpuBrowser] = await Promise.all([
      startSite(),
      startSite({ isolated: false, engine: false }),
      launch(),
      launch({ gpu: true }),
    ]);
    for (const s of [site, bare]) {
      for (const [name, { picture, model }] of Object.entries(CASES)) {
        if (!existsSync(picture)) continue;
        s.serve(`/${name}.picture`, readFileSync(picture), 'application/octet-stream');
        s.serve(`/${name}.onnx`, readFileSync(model), 'application/octet-stream');
      }
      s.serve(
        '/corrupt.onnx',
        new Uint8Array(3000).map((_, i) => (i * 37) & 255),
        'application/octet-stream',
      );
    }
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), gpuBrowser?.close(), site?.close(), bare?.close()]);
  });

  async function open(s = site, b = browser): Promise<{ page: Page; problems: string[] }> {
    const page = await b.newPage();
    const problems: string[] = [];
    page.on('console', (m) => m.type() === 'error' && problems.push(m.text()));
    page.on('pageerror', (e) => problems.push(e.message));
    await page.goto(s.url);
    await page.waitForFunction(() => 'facedet' in globalThis);
    return { page, problems };
  }

  const detect = (page: Page, name: string, options: object) =>
    page.evaluate(
      async ([n, o]) => {
        const detector = await facedet.createDetector({
          model: new URL(`/${n}.onnx`, location.href),
          wasmPaths: '/ort/',
          inputSize: 640,
          worker: () => new Worker('/worker.js', { type: 'module' }),
          ...o,
        });
        const blob = await (await fetch(`/${n}.picture`)).blob();
        const faces = await detector.detect(blob);
        const result = { faces, selection: detector.selection, times: detector.lastTimes };
        await detector.dispose();
        return result;
      },
      [name, options] as const,
    );

  async function expected(name: keyof typeof CASES, inputSize = 640): Promise<Face[]> {
    const detector = await createNodeDetector({ model: CASES[name].model, inputSize, workers: 1 });
    try {
      return await detector.detect((await readImage(CASES[name].picture)) as ImageSource);
    } finally {
      await detector.dispose();
    }
  }

  function same(actual: Face[], wanted: Face[]): void {
    expect(actual).toHaveLength(wanted.length);
    for (const face of wanted) {
      const best = actual.reduce((a, b) => (iou(a.box, face.box) > iou(b.box, face.box) ? a : b));
      expect(iou(best.box, face.box)).toBeGreaterThanOrEqual(0.95);
      expect(Math.abs(best.score - face.score)).toBeLessThanOrEqual(0.02);
    }
  }

  for (const name of ['sample', 'photo'] as const) {
    const skip = name === 'photo' && !shared;
    const label = name === 'photo' ? 'six_people.jpg [needs ../shared]' : 'the painted sample';
    it.skipIf(skip).each([1, 2])(`finds Node's faces on ${label}, WASM with %i threads`, async (threads) => {
      const { page, problems } = await open();
      const { faces, selection, times } = await detect(page, name, { provider: 'wasm', threads });
      expect(selection).toEqual({ provider: 'wasm', threads, reasons: [] });
      expect(times!.detect).toBeGreaterThan(0);
      same(faces, await expected(name));
      expect(faces.length).toBeGreaterThanOrEqual(5);
      expect(problems).toEqual([]);
      await page.close();
    });

    // The software adapter takes half a minute: one of the pictures is enough.
    it.skipIf(skip || (name === 'sample' && shared))(
      `finds Node's faces on ${label}, WebGPU on the software adapter`,
      { timeout: 240_000 },
      async (context) => {
        const { page, problems } = await open(site, gpuBrowser);
        const adapter = await page.evaluate(async () =>
          Boolean(
            await (
              navigator as unknown as { gpu?: { requestAdapter(): Promise<object | null> } }
            ).gpu?.requestAdapter(),
          ),
        );
        if (!adapter) {
          console.warn('WebGPU is not tested: this Chromium gives no adapter, not even in software.');
          context.skip();
        }
        const { faces, selection } = await detect(page, name, { inputSize: 320 });
        expect(selection).toEqual({ provider: 'webgpu', threads: 1, reasons: [] });
        same(faces, await expected(name, 320));
        expect(problems).toEqual([]);
        await page.close();
      },
    );
  }

  it("finds the same faces in every kind of the browser's pictures, in a worker and inline", async () => {
    const { page, problems } = await open();
    const counts = await page.evaluate(async () => {
      const options = {
        model: new URL('/sample.onnx', location.href),
        wasmPaths: '/ort/',
        inputSize: 640,
        provider: 'wasm',
        threads: 1,
      } as const;
      const blob = await (await fetch('/sample.picture')).blob();
      const bitmap = await createImageBitmap(blob);
      const image = new Image();
      image.src = URL.createObjectURL(blob);
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
      const context = canvas.getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
      offscreen.getContext('2d')!.drawImage(bitmap, 0, 0);
      const data = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const video = document.createElement('video');
      Object.assign(video, { srcObject: canvas.captureStream(25), muted: true });
      const paint = setInterval(() => context.drawImage(bitmap, 0, 0), 40);
      await video.play();
      const frame = new VideoFrame(bitmap, { timestamp: 0 });
      const sources = {
        blob,
        bitmap,
        image,
        canvas,
        offscreen,
        data,
        video,
        frame,
        pixels: { data: data.data, width: data.width, height: data.height, format: 'rgba' as const },
      };
      const result: Record<string, number[]> = {};
      for (const worker of [() => new Worker('/worker.js', { type: 'module' }), false] as const) {
        const detector = await facedet.createDetector({ ...options, worker });
        for (const [name, source] of Object.entries(sources))
          (result[name] ??= []).push((await detector.detect(source)).length);
        await detector.dispose();
      }
      clearInterval(paint);
      frame.close();
      return result;
    });
    const [wanted] = counts['blob']!;
    expect(wanted).toBeGreaterThanOrEqual(5);
    for (const [name, found] of Object.entries(counts)) expect([name, ...found]).toEqual([name, wanted, wanted]);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('leaves no bitmap of a file open, in a worker and inline', async () => {
    const { page } = await open();
    const widths = await page.evaluate(async () => {
      const make = globalThis.createImageBitmap;
      const made: ImageBitmap[] = [];
      globalThis.createImageBitmap = (async (...args: Parameters<typeof make>) => {
        const bitmap = await make(...args);
        made.push(bitmap);
        return bitmap;
      }) as typeof make;
      const blob = await (await fetch('/sample.picture')).blob();
      const result: number[][] = [];
      for (const worker of [() => new Worker('/worker.js', { type: 'module' }), false] as const) {
        const detector = await facedet.createDetector({
          model: new URL('/sample.onnx', location.href),
          wasmPaths: '/ort/',
          inputSize: 320,
          provider: 'wasm',
          threads: 1,
          worker,
        });
        await detector.detect(blob);
        await detector.dispose();
        result.push(made.splice(0).map(({ width }) => width)); // 0 where it is closed or handed over
      }
      return result;
    });
    expect(widths).toEqual([
      [0, 0],
      [0, 0],
    ]);
    await page.close();
  });

  it("scales a bitmap as the detector's own bilinear does", async () => {
    const { page } = await open();
    const worst = await page.evaluate(async () => {
      const blob = await (await fetch('/sample.picture')).blob();
      const bitmap = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      const full = {
        data: context.getImageData(0, 0, bitmap.width, bitmap.height).data,
        width: bitmap.width,
        height: bitmap.height,
        format: 'rgba' as const,
      };
      const source = await facedet.imageSource(bitmap);
      const result: number[] = [];
      for (const [w, h] of [
        [640, 427],
        [320, 213],
        [480, 320],
      ] as const) {
        const [ours, theirs] = [facedet.resizeBilinear(full, w, h), await source.rasterize(w, h)];
        let sum = 0;
        for (let i = 0; i < w * h; i++)
          for (let c = 0; c < 3; c++) sum += Math.abs(ours.data[3 * i + c]! - theirs.data[4 * i + c]!);
        result.push(sum / (3 * w * h));
      }
      return result;
    });
    console.log(
      `mean difference of createImageBitmap from bilinear, of 255: ${worst.map((v) => v.toFixed(2)).join(', ')}`,
    );
    for (const v of worst) expect(v).toBeLessThan(0.5);
    await page.close();
  });

  it('says why it runs on one thread without cross-origin isolation, and that the engine is missing', async () => {
    const { page } = await open(bare);
    const code = await page.evaluate(async () =>
      facedet
        .createDetector({
          model: new URL('/sample.onnx', location.href),
          wasmPaths: '/ort/',
          provider: 'wasm',
          worker: false,
        })
        .then(
          () => 'opened',
          (e: { code?: string; message: string }) => `${e.code}: ${e.message}`,
        ),
    );
    expect(code).toMatch(/^DEPENDENCY_MISSING: .*wasmPaths/);
    const { reason } = await page.evaluate(() => ({ reason: facedet.environment() }));
    expect(reason.threads).toBe(false);
    await page.close();
  });

  it.each([
    ['/corrupt.onnx', {}, /^MODEL_UNUSABLE: /],
    ['/nothing.onnx', { load: { attempts: 1 } }, /NOT_FOUND: .*nothing\.onnx/],
  ])('refuses the model %s', async (path, options, wanted) => {
    const { page } = await open();
    const error = await page.evaluate(
      async ([p, o]) =>
        facedet
          .createDetector({
            model: new URL(p, location.href),
            wasmPaths: '/ort/',
            worker: () => new Worker('/worker.js', { type: 'module' }),
            ...o,
          })
          .then(
            () => 'opened',
            (e: { code?: string; message: string }) => `${e.code}: ${e.message}`,
          ),
      [path, options] as const,
    );
    expect(error).toMatch(wanted);
    await page.close();
  });

  it('reports that its worker could not be loaded', async () => {
    const { page } = await open();
    const error = await page.evaluate(async () =>
      facedet
        .createDetector({ model: new Uint8Array(8), worker: () => new Worker('/missing.js', { type: 'module' }) })
        .then(
          () => 'opened',
          (e: { code?: string; message: string }) => `${e.code}: ${e.message}`,
        ),
    );
    expect(error).toMatch(/^WORKER_FAILED: /);
    await page.close();
  });

  it('goes on with WASM when the GPU is lost, and says so', { timeout: 240_000 }, async (context) => {
    const { page } = await open(site, gpuBrowser);
    const result = await page.evaluate(async () => {
      const { gpu } = navigator as unknown as { gpu?: { requestAdapter(): Promise<object | null> } };
      const adapter = await gpu?.requestAdapter();
      if (!adapter) return null;
      // The engine's device is caught as it is made, and destroyed between two detections.
      let device: { destroy(): void } | undefined;
      const prototype = Object.getPrototypeOf(adapter) as {
        requestDevice(...a: unknown[]): Promise<{ destroy(): void }>;
      };
      const request = prototype.requestDevice;
      prototype.requestDevice = async function (...a) {
        device = await request.apply(this, a);
        return device;
      };
      const detector = await facedet.createDetector({
        model: new URL('/sample.onnx', location.href),
        wasmPaths: '/ort/',
        inputSize: 320,
        provider: 'webgpu',
        worker: false,
      });
      const blob = await (await fetch('/sample.picture')).blob();
      const before = (await detector.detect(blob)).length;
      const first = detector.selection;
      device!.destroy();
      await new Promise((done) => setTimeout(done, 50));
      const after = (await detector.detect(blob)).length;
      const again = (await detector.detect(blob)).length;
      return { before, after, again, first: first.provider, second: detector.selection };
    });
    if (!result) {
      console.warn('The loss of a GPU is not tested: this Chromium gives no WebGPU adapter.');
      context.skip();
    }
    expect(result!.first).toBe('webgpu');
    expect(result!.second.provider).toBe('wasm');
    expect(result!.second.reasons.join()).toContain('given up');
    expect([result!.after, result!.again]).toEqual([result!.before, result!.before]);
    await page.close();
  });
});
