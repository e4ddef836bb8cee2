import { openDemo, untilRunning } from './site.ts';

// Measures the running demo: tasks that held up the page, the heap over time, and the frame rate beside bare onnxruntime-web on the same
// model and canvas, in turn in one browser. Run it on a quiet machine: node --import tsx or `pnpm --filter @facedet/demo measure [minutes]`.

const minutes = Number(process.argv[2] ?? 1);
const { url, browser, close } = await openDemo({ args: ['--enable-precise-memory-info', '--js-flags=--expose-gc'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await page.goto(url);
const loaded = performance.now();
await page.reload(); // warm: files and weights are in the browser's caches
const start = performance.now();
await page.waitForFunction(() => (JSON.parse(document.getElementById('stage')!.dataset['faces'] ?? '[]') as unknown[]).length > 0, undefined, { timeout: 60_000 });
console.log(`first face after a warm start: ${((performance.now() - start) / 1000).toFixed(2)} s (page loaded first in ${((start - loaded) / 1000).toFixed(2)} s)`);
await untilRunning(page);
await page.waitForTimeout(5000);

await page.evaluate(() => {
  const tasks: number[] = [];
  Object.assign(globalThis, { longTasks: tasks });
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
});
const heap: number[] = [];
const rates: number[] = [];
for (let t = 0; t < minutes * 60; t += 10) {
  await page.waitForTimeout(10_000);
  const [used, fps] = await page.evaluate(() => {
    (globalThis as { gc?: () => void }).gc?.();
    return [(performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 2 ** 20, Number(document.getElementById('figure-fps')!.textContent)] as const;
  });
  heap.push(used);
  rates.push(fps);
}
const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
console.log(`page tasks over 50 ms in ${minutes} min: ${tasks.length}${tasks.length ? `, the longest ${Math.round(Math.max(...tasks))} ms` : ''}`);
console.log(`heap after collection, MiB, every 10 s: ${heap.map((v) => v.toFixed(1)).join(' ')}`);
console.log(`frames a second, median: ${median(rates).toFixed(1)}`);
await close();
