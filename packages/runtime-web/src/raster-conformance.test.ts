import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, launch, startSite, type Site } from './fixtures/browser.fixture.ts';

describe.skipIf(!browserPath)('imageSource in Chromium [needs a browser]', { timeout: 180_000 }, () => {
  let site: Site;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    [site, browser] = await Promise.all([startSite(), launch()]);
    page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => 'facedet' in globalThis);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), site?.close()]);
  });

  it.each([
    'ImageData',
    'ImageBitmap',
    'OffscreenCanvas',
    'canvas element',
    'PNG file',
    'image element',
    'VideoFrame',
    'frame of a stream',
  ])('passes the conformance suite with %s', async (kind) => {
    const { names, failures } = await page.evaluate(async (k) => {
      const create = async ({
        data,
        width,
        height,
      }: {
        data: Uint8Array | Uint8ClampedArray;
        width: number;
        height: number;
      }) => {
        const rgba = new ImageData(width, height);
        for (let i = 0; i < width * height; i++)
          rgba.data.set([data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!, 255], 4 * i);
        if (k === 'ImageData') return facedet.imageSource(rgba);
        if (k === 'ImageBitmap') return facedet.imageSource(await createImageBitmap(rgba));
        const offscreen = new OffscreenCanvas(width, height);
        offscreen.getContext('2d')!.putImageData(rgba, 0, 0);
        if (k === 'OffscreenCanvas') return facedet.imageSource(offscreen);
        if (k === 'VideoFrame') return facedet.imageSource(new VideoFrame(offscreen, { timestamp: 0 }));
        if (k === 'canvas element') {
          const canvas = Object.assign(document.createElement('canvas'), { width, height });
          canvas.getContext('2d')!.putImageData(rgba, 0, 0);
          return facedet.imageSource(canvas);
        }
        if (k === 'frame of a stream') {
          const canvas = Object.assign(document.createElement('canvas'), { width, height });
          const context = canvas.getContext('2d')!;
          const stream = canvas.captureStream(50);
          const paint = setInterval(() => context.putImageData(rgba, 0, 0), 10);
          const frames = facedet.streamFrames(stream);
          // The first frame may have been taken before the canvas was painted.
          (await frames.next()).value?.close();
          const { value: frame } = await frames.next();
          clearInterval(paint);
          await frames.return();
          for (const track of stream.getTracks()) track.stop();
          if (!frame) throw new Error('Expected a frame of the stream but received none.');
          return frame;
        }
        const blob = await offscreen.convertToBlob({ type: 'image/png' });
        if (k === 'PNG file') return facedet.imageSource(blob);
        const image = new Image();
        image.src = URL.createObjectURL(blob);
        await image.decode();
        return facedet.imageSource(image);
      };
      const names: string[] = [];
      const failures: string[] = [];
      for (const { name, run } of facedet.rasterSourceConformance({ create })) {
        names.push(name);
        await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
      }
      return { names, failures };
    }, kind);
    expect(failures).toEqual([]);
    expect(names.length).toBeGreaterThan(15);
  });

  it('shows in a bitmap what it shows in pixels, and says that a picture was closed', async () => {
    const { differences, codes } = await page.evaluate(async () => {
      const data = new ImageData(40, 30);
      for (let i = 0; i < 1200; i++) data.data.set([6 * (i % 40), 8 * Math.floor(i / 40), 90, 255], 4 * i);
      const bitmap = await createImageBitmap(data);
      const source = await facedet.imageSource(bitmap);
      const canvas = new OffscreenCanvas(1, 1);
      const differences: number[] = [];
      for (const region of [
        undefined,
        { x: 4, y: 6, width: 20, height: 10 },
        { x: 4.5, y: 6.25, width: 20, height: 10.5 },
        { x: -7, y: 20, width: 30, height: 30 },
      ]) {
        for (const [w, h] of [
          [20, 10],
          [33, 47],
          [5, 4],
        ] as const) {
          const options = region ? { region } : {};
          const [pixels, shown] = [await source.rasterize(w, h, options), await source.bitmap(w, h, options)];
          [canvas.width, canvas.height] = [w, h];
          const context = canvas.getContext('2d')!;
          context.drawImage(shown, 0, 0);
          const read = context.getImageData(0, 0, w, h).data;
          const step = pixels.format === 'rgb' ? 3 : 4;
          let most = 0;
          for (let i = 0; i < w * h; i++)
            for (let c = 0; c < 3; c++) most = Math.max(most, Math.abs(pixels.data[step * i + c]! - read[4 * i + c]!));
          differences.push(most);
        }
      }
      const codes: unknown[] = [];
      const code = (error: { code?: string }) => void codes.push(error.code);
      await source.bitmap(4, 0).catch(code);
      await source.bitmap(4, 4, { region: { x: 0, y: 0, width: NaN, height: 4 } }).catch(code);
      bitmap.close();
      await Promise.resolve(source.rasterize(4, 4)).catch(code);
      await source.bitmap(4, 4, { region: { x: 0.5, y: 0, width: 4, height: 4 } }).catch(code);
      return { differences, codes };
    });
    expect(differences).toEqual(new Array(12).fill(0));
    expect(codes).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'DISPOSED', 'DISPOSED']);
  });
});
