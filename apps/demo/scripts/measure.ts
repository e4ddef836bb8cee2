import { compareRates, countFrames, rateScripts } from './rate.ts';
import { openDemo, untilRunning } from './site.ts';

// Measures the running demo: tasks that held up the page, the heap over time, and the frame rate beside bare onnxruntime-web on the same
// model and canvas, in turn in one page. Run it on a quiet machine: `pnpm --filter @facedet/demo measure [minutes]`; 0 minutes: the rate alone.

const minutes = Number(process.argv[2] ?? 1);
const { url, browser, close } = await openDemo({ scripts: rateScripts, args: ['--enable-precise-memory-info', '--js-flags=--expose-gc'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
// The script's compiler names functions by a helper that the page lacks.
await page.addInitScript('globalThis.__name = (f) => f');
await countFrames(page);
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
for (let t = 0; t < minutes * 60; t += 10) {
  await page.waitForTimeout(10_000);
  heap.push(await page.evaluate(() => {
    (globalThis as { gc?: () => void }).gc?.();
    return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 2 ** 20;
  }));
}
const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
if (minutes) {
  console.log(`page tasks over 50 ms in ${minutes} min: ${tasks.length}${tasks.length ? `, the longest ${Math.round(Math.max(...tasks))} ms` : ''}`);
  console.log(`heap after collection, MiB, every 10 s: ${heap.map((v) => v.toFixed(1)).join(' ')}`);
}
const rounds = await compareRates(page);
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
console.log(`frames a second in ${rounds.length} rounds, bare onnxruntime-web: ${rounds.map((r) => r.bare.toFixed(1)).join(' ')}; the demo: ${rounds.map((r) => r.demo.toFixed(1)).join(' ')} (the scene has 25)`);
console.log(`demo / bare, median: ${median(rounds.map((r) => r.demo / r.bare)).toFixed(3)} (${median(rounds.map((r) => r.demo)).toFixed(1)} / ${median(rounds.map((r) => r.bare)).toFixed(1)})`);
await close();
