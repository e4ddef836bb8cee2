import { compareRates, countFrames, rateScripts } from './rate.ts';
import { openDemo, untilRunning } from './site.ts';

// Measures the running demo: tasks that held up the page, the heap over time, and the frame rate beside bare
// onnxruntime-web on the same model and canvas, in turn in one page. Run it on a quiet machine: `pnpm --filter
// @facedet/demo measure [minutes]`; 0 minutes: the rate alone.

const minutes = Number(process.argv[2] ?? 1);
const { url, browser, close } = await openDemo({
  scripts: rateScripts,
  args: [
    '--use-fake-device-for-media-stream=fps=30',
    '--use-fake-ui-for-media-stream',
    '--enable-precise-memory-info',
    '--js-flags=--expose-gc',
  ],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
// The script's compiler names functions by a helper that the page lacks.
await page.addInitScript('globalThis.__name = (f) => f');
await countFrames(page);
await page.goto(url);
const loaded = performance.now();
await page.reload(); // warm: files and weights are in the browser's caches
const start = performance.now();
await page.waitForFunction(
  () => (JSON.parse(document.getElementById('stage')!.dataset['faces'] ?? '[]') as unknown[]).length > 0,
  undefined,
  { timeout: 60_000 },
);
console.log(
  `first face after a warm start: ${((performance.now() - start) / 1000).toFixed(2)} s (page loaded first in ` +
    `${((start - loaded) / 1000).toFixed(2)} s)`,
);
await untilRunning(page);
// One pass at a canvas that the bare engine can share; by default a second, small one is run for faces that fill the
// picture.
await page.selectOption('[name=size]', '640');
await untilRunning(page);
await page.waitForTimeout(5000);

await page.evaluate(() => {
  const tasks: number[] = [];
  Object.assign(globalThis, { longTasks: tasks });
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration))).observe({
    type: 'longtask',
  });
});
const heap: number[] = [];
for (let t = 0; t < minutes * 60; t += 10) {
  await page.waitForTimeout(10_000);
  heap.push(
    await page.evaluate(() => {
      (globalThis as { gc?: () => void }).gc?.();
      return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 2 ** 20;
    }),
  );
}
const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks);
if (minutes) {
  console.log(
    `page tasks over 50 ms in ${minutes} min: ` +
      `${tasks.length}${tasks.length ? `, the longest ${Math.round(Math.max(...tasks))} ms` : ''}`,
  );
  console.log(`heap after collection, MiB, every 10 s: ${heap.map((v) => v.toFixed(1)).join(' ')}`);
}
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
for (const source of ['scene', 'camera'] as const) {
  // The scene has 25 frames per second, the browser's synthetic camera 30: more can't be shown.
  if (source === 'camera') {
    await page.click('#source-camera');
    await page.waitForFunction(() => (document.getElementById('stage') as HTMLCanvasElement).width !== 800, undefined, {
      timeout: 60_000,
    });
  }
  const rounds = await compareRates(page);
  console.log(
    `${source}: frames per second in ${rounds.length} rounds, bare onnxruntime-web ` +
      `${rounds.map((r) => r.bare.toFixed(1)).join(' ')}, the demo ` +
      `${rounds.map((r) => r.demo.toFixed(1)).join(' ')}`,
  );
  console.log(`${source}: demo / bare, median ${median(rounds.map((r) => r.demo / r.bare)).toFixed(3)}`);
}
await close();
