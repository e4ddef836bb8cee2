// What a detection costs beside its model, what a pool of threads brings, and how free it leaves the event loop, on a
// 1080p RGB buffer. node apps/bench/run.mjs detector [--model MODEL.onnx] [--rounds 5] [--count 200] [--json]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import {
  createDetector as createInThread,
  type Detector,
  type Face,
  type InferenceBackend,
  type InputSize,
  type PixelBuffer,
} from '@facedet/core';
import { createDetector, onnxBackend, readImage } from '@facedet/runtime-node';
import { sharedFolder } from './shared/folder.ts';
import { cpuTime, machine, median } from './shared/measure.ts';
import { table } from './shared/table.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});
const model = options.model ?? sharedFolder('models', 'scrfd_2.5g.onnx');
const rounds = Number(options.rounds);
const count = Number(options.count);
const WORKERS = 2;
const SIZES: [string, InputSize][] = [
  ['640 × 384', 640],
  ['640 × 640', { width: 640, height: 640 }],
  ['832 × 480', { pixels: 409_600 }],
];

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(Math.floor(q * values.length), values.length - 1)]!;

/** A photograph at 1080p, as a decoder would give it. */
async function photograph(): Promise<PixelBuffer> {
  const image = await readImage(sharedFolder('images', 'six_people.jpg'));
  return image.rasterize(1920, 1080);
}

/** A backend that notes when each run begins and ends. */
function timed(backend: InferenceBackend): { backend: InferenceBackend; last: { begin: number; end: number } } {
  const last = { begin: 0, end: 0 };
  return {
    last,
    backend: {
      ...backend,
      async createSession(bytes, sessionOptions) {
        const session = await backend.createSession(bytes, sessionOptions);
        return {
          ...session,
          async run(feeds, runOptions) {
            last.begin = cpuTime();
            const outputs = await session.run(feeds, runOptions);
            last.end = cpuTime();
            return outputs;
          },
        };
      },
    },
  };
}

interface Overhead {
  canvas: string;
  faces: number;
  before: number;
  run: number;
  after: number;
  /** Median over the calls of (before + after) / run, both of the same call. */
  share: number;
}

/** CPU time before, in and after the model, of each call. */
async function overhead(canvas: string, inputSize: InputSize, image: PixelBuffer): Promise<Overhead> {
  const { backend, last } = timed(onnxBackend());
  const detector = await createInThread({ backend, model, inputSize, rotate: 0 });
  let faces: Face[] = [];
  for (let i = 0; i < 5; i++) faces = await detector.detect(image);
  const samples: [number, number, number][] = [];
  for (let i = 0; i < Math.max(count / 4, 20); i++) {
    const begin = cpuTime();
    await detector.detect(image);
    const end = cpuTime();
    samples.push([last.begin - begin, last.end - last.begin, end - last.end]);
  }
  await detector.dispose();
  const [before, run, after] = [0, 1, 2].map((k) => median(samples.map((s) => s[k]!))) as [number, number, number];
  return { canvas, faces: faces.length, before, run, after, share: median(samples.map(([b, r, a]) => (b + a) / r)) };
}

/** Images per second with two calls in flight per session, so that no session waits for input. */
async function throughput(detector: Detector, image: PixelBuffer, images: number): Promise<number> {
  let next = 0;
  const begin = performance.now();
  const lane = async () => {
    while (next++ < images) await detector.detect(image);
  };
  await Promise.all(Array.from({ length: 2 * detector.concurrency }, lane));
  return (1000 * images) / (performance.now() - begin);
}

/** Pictures per second from the files' bytes to faces, decoding included. */
async function fromFiles(detector: Detector, files: readonly Uint8Array[]): Promise<number> {
  let next = 0;
  const begin = performance.now();
  const lane = async () => {
    for (let i = next++; i < files.length; i = next++) {
      const picture = await readImage(files[i]!);
      await detector.detect(picture);
      picture.close();
    }
  };
  await Promise.all(Array.from({ length: 2 * detector.concurrency }, lane));
  return (1000 * files.length) / (performance.now() - begin);
}

interface LoopDelay {
  detector: string;
  p50: number;
  p99: number;
  max: number;
}

/** Milliseconds by which timers of this thread come late while `count` detections run. */
async function loopDelay(name: string, detector: Detector, image: PixelBuffer): Promise<LoopDelay> {
  await throughput(detector, image, 10);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await throughput(detector, image, count);
  histogram.disable();
  return {
    detector: name,
    p50: histogram.percentile(50) / 1e6,
    p99: histogram.percentile(99) / 1e6,
    max: histogram.max / 1e6,
  };
}

const image = await photograph();
const shares: Overhead[] = [];
for (const [name, size] of SIZES) shares.push(await overhead(name, size, image));

const single = await createInThread({ backend: onnxBackend(), model, inputSize: 640, rotate: 0 });
const pool = await createDetector({ model, workers: WORKERS, threads: 1, inputSize: 640, rotate: 0 });
await single.warmup();
await pool.warmup();
const pairs: { single: number; pool: number }[] = [];
for (let round = 0; round <= rounds; round++) {
  const pair = { single: await throughput(single, image, 20), pool: await throughput(pool, image, 40) };
  if (round > 0) pairs.push(pair); // the first warms up
}
const ratios = pairs.map((pair) => pair.pool / pair.single);
const folder = sharedFolder('wider', 'dev', 'images');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.jpg'))
  .sort()
  .slice(0, 40)
  .map((name) => readFileSync(join(folder, name)));
const filePairs = Array.from({ length: 3 }, () => ({ single: 0, pool: 0 }));
for (const pair of filePairs) {
  pair.single = await fromFiles(single, files);
  pair.pool = await fromFiles(pool, files);
}
const delays = [
  await loopDelay(`pool of ${WORKERS}`, pool, image),
  await loopDelay('in the calling thread', single, image),
];
await single.dispose();
await pool.dispose();

const result = {
  model,
  machine: machine(),
  overhead: shares,
  throughput: {
    single: median(pairs.map((p) => p.single)),
    pool: median(pairs.map((p) => p.pool)),
    ratio: median(ratios),
    lowest: quantile(ratios, 0),
    highest: quantile(ratios, 1),
    workers: WORKERS,
    rounds,
  },
  files: {
    count: files.length,
    single: median(filePairs.map((p) => p.single)),
    pool: median(filePairs.map((p) => p.pool)),
    ratio: median(filePairs.map((p) => p.pool / p.single)),
  },
  eventLoopDelay: delays,
};

if (options.json) {
  console.log(JSON.stringify(result, null, 2));
} else {
  const ms = (value: number) => value.toFixed(2);
  console.log(
    `${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}; ` +
      `${model.split('/').at(-1)} on a 1920 × 1080 RGB buffer\n`,
  );
  console.log(
    table(
      ['CPU time, one thread', 'before (ms)', 'run (ms)', 'after (ms)', 'outside the run'],
      shares.map((s) => [s.canvas, ms(s.before), ms(s.run), ms(s.after), `${(100 * s.share).toFixed(1)} %`]),
    ),
  );
  console.log();
  const { throughput: t } = result;
  console.log(
    table(
      ['640 × 384', 'images/s'],
      [
        ['one session in the calling thread, one thread', t.single.toFixed(1)],
        [`pool of ${WORKERS} such sessions`, t.pool.toFixed(1)],
        [`ratio (median of ${rounds} rounds, ${t.lowest.toFixed(2)}–${t.highest.toFixed(2)})`, t.ratio.toFixed(2)],
      ],
    ),
  );
  console.log();
  console.log(
    table(
      [`${result.files.count} JPEG files of 1024 pixels to faces`, 'pictures/s'],
      [
        ['one session in the calling thread', result.files.single.toFixed(1)],
        [`pool of ${WORKERS}`, result.files.pool.toFixed(1)],
        ['ratio', result.files.ratio.toFixed(2)],
      ],
    ),
  );
  console.log();
  console.log(
    table(
      [`event loop delay, ${count} detections`, 'p50 (ms)', 'p99 (ms)', 'max (ms)'],
      delays.map((d) => [d.detector, ms(d.p50), ms(d.p99), ms(d.max)]),
    ),
  );
}
