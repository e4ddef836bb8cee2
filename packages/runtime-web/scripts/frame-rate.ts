import { readFileSync } from 'node:fs';
import { launch, startSite } from '../src/fixtures/browser.fixture.ts';

// Frames per second (fps) of the whole detector (an ImageBitmap in, faces out, in its worker) beside bare
// onnxruntime-web on the same model and canvas, in turn in one page: pnpm --filter @facedet/runtime-web frame-rate
// [model.onnx]

const weights = process.argv[2] ?? new URL('../../models/weights/scrfd_0.5g_kps.onnx', import.meta.url);
const site = await startSite();
site.serve('/model.onnx', readFileSync(weights), 'application/octet-stream');
site.serve('/sample.picture', readFileSync(new URL('../../../examples/sample.png', import.meta.url)), 'image/png');
const browser = await launch();
const page = await browser.newPage();
// The script's compiler names functions by a helper that the page lacks.
await page.addInitScript('globalThis.__name = (f) => f');
await page.goto(site.url);
await page.waitForFunction(() => 'facedet' in globalThis);
const rounds = await page.evaluate(async () => {
  const model = new Uint8Array(await (await fetch('/model.onnx')).arrayBuffer());
  const bitmap = await createImageBitmap(await (await fetch('/sample.picture')).blob(), {
    resizeWidth: 960,
    resizeHeight: 540,
  });
  const session = await facedet.webBackend({ provider: 'wasm', threads: 1, wasmPaths: '/ort/' }).createSession(model);
  const feeds = {
    [session.inputs[0]!.name]: { type: 'float32', data: new Float32Array(3 * 384 * 640), dims: [1, 3, 384, 640] },
  };
  const detector = await facedet.createDetector({
    model,
    provider: 'wasm',
    threads: 1,
    wasmPaths: '/ort/',
    inputSize: 640,
    scoreThreshold: 0.1,
    worker: () => new Worker('/worker.js', { type: 'module' }),
  });
  const FRAMES = 10;
  const bare = async () => {
    const start = performance.now();
    for (let i = 0; i < FRAMES; i++) await session.run(feeds);
    return (1000 * FRAMES) / (performance.now() - start);
  };
  const whole = async () => {
    const start = performance.now();
    let left = FRAMES;
    const lane = async () => {
      while (left-- > 0) await detector.detect(bitmap);
    };
    await Promise.all(Array.from({ length: detector.concurrency }, lane));
    return (1000 * FRAMES) / (performance.now() - start);
  };
  await bare();
  await whole();
  const result: { bare: number; whole: number }[] = [];
  for (let i = 0; i < 5; i++) result.push({ bare: await bare(), whole: await whole() });
  return result;
});
const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
console.log(`bare onnxruntime-web, frames per second: ${median(rounds.map((r) => r.bare)).toFixed(1)}`);
console.log(`detector with worker, frames per second: ${median(rounds.map((r) => r.whole)).toFixed(1)}`);
console.log(`ratio, median of ${rounds.length} pairs: ${median(rounds.map((r) => r.whole / r.bare)).toFixed(3)}`);
await browser.close();
await site.close();
