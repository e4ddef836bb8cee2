import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

// The frame rate of the running demo beside bare onnxruntime-web: the same weights, canvas and number of threads, in
// the same page.

const require = createRequire(import.meta.url);
const assets = fileURLToPath(new URL('../dist/assets/', import.meta.url));

/** What the site needs beside the demo for `compareRates`. */
export const rateScripts = {
  '/measure/bare-worker.js': fileURLToPath(new URL('./bare-worker.js', import.meta.url)),
  '/measure/ort.wasm.min.mjs': require.resolve('onnxruntime-web/wasm').replace(/[^/]*$/, 'ort.wasm.min.mjs'),
};

/** What counts the frames that the demo shows; to be called before the page loads. */
export async function countFrames(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const draw = CanvasRenderingContext2D.prototype.drawImage as (...args: unknown[]) => void;
    const counted = { frames: 0 };
    Object.assign(globalThis, { counted });
    CanvasRenderingContext2D.prototype.drawImage = function (this: CanvasRenderingContext2D, ...args: unknown[]) {
      if (this.canvas.id === 'stage') counted.frames++;
      draw.apply(this, args);
    } as typeof CanvasRenderingContext2D.prototype.drawImage;
  });
}

/** Frames per second of both, in turn: the demo runs while the bare engine waits, and vice versa. */
export async function compareRates(
  page: Page,
  { rounds = 5, seconds = 6 } = {},
): Promise<{ bare: number; demo: number }[]> {
  const weights = readdirSync(assets).find((name) => name.endsWith('.onnx'))!;
  const model = readFileSync(`${assets}${weights}`).toString('base64');
  const threads = Number(/(\d+) thread/.exec((await page.textContent('#selection'))!)?.[1]);
  const pause = (paused: boolean) =>
    page.evaluate((to) => {
      const button = document.getElementById('pause')!;
      if ((button.getAttribute('aria-pressed') === 'true') !== to) button.click();
    }, paused);
  await pause(true);
  // A picture of 16 : 9 at 640 a side: 640 × 360 on a canvas of whole 32s.
  await page.evaluate(
    async ([base64, count]) => {
      const worker = new Worker('/measure/bare-worker.js', { type: 'module' });
      const ask = (question: object) =>
        new Promise<number>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data as number);
          worker.onerror = (event) => reject(new Error(event.message));
          worker.postMessage(question);
        });
      Object.assign(globalThis, { askBare: ask });
      await ask({
        model: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer,
        threads: count,
        dims: [1, 3, 384, 640],
      });
    },
    [model, threads] as const,
  );
  const result: { bare: number; demo: number }[] = [];
  for (let i = 0; i < rounds; i++) {
    await page.waitForTimeout(1000);
    const bare = await page.evaluate(
      (s) => (globalThis as unknown as { askBare(question: object): Promise<number> }).askBare({ seconds: s }),
      seconds,
    );
    await pause(false);
    await page.waitForTimeout(1500);
    const demo = await page.evaluate(async (s) => {
      const { counted } = globalThis as unknown as { counted: { frames: number } };
      const [start, before] = [performance.now(), counted.frames];
      await new Promise((done) => setTimeout(done, 1000 * s));
      return (1000 * (counted.frames - before)) / (performance.now() - start);
    }, seconds);
    await pause(true);
    result.push({ bare, demo });
  }
  await pause(false);
  return result;
}
