import { availableParallelism, cpus } from 'node:os';
import { createDetector, type InferenceBackend, type PixelBuffer } from '@facedet/core';
import { onnxBackend, type OnnxBackend } from '@facedet/runtime-node';
import type { Context } from '../shared/context.ts';
import { modelError } from '../shared/errors.ts';
import type { Provider } from '../shared/model-option.ts';
import { round, table } from '../shared/output.ts';
import { progress } from '../shared/progress.ts';
import { resolveModelFlag } from '../shared/resolve-model.ts';

export interface BenchFlags {
  acceptLicense?: boolean;
  sizes: number[];
  runs: number;
  threads?: number;
  provider?: Provider[];
  json?: boolean;
}

/** Figures of one canvas; times in milliseconds. */
interface Figures {
  size: number;
  runs: number;
  /** Pixels in, faces out. */
  median: number;
  p95: number;
  fps: number;
  /** Medians of what makes it up: pixels → tensor, inference, tensors → faces. */
  pre: number;
  run: number;
  post: number;
}

export async function run(context: Context, flags: BenchFlags, name: string | undefined): Promise<void> {
  const {
    path,
    label,
    name: model,
  } = await resolveModelFlag(context, { ...flags, ...(name !== undefined && { model: name }) });
  const threads = flags.threads ?? availableParallelism();
  const image = scene();
  const bar = await progress(context, { total: flags.sizes.length * flags.runs, label: model, unit: 'images' });
  const results: Figures[] = [];
  let provider = 'cpu';
  try {
    for (const size of flags.sizes) {
      context.signal.throwIfAborted();
      const stopwatch = timed(onnxBackend({ threads, ...(flags.provider && { providers: flags.provider }) }));
      const detector = await createDetector({
        backend: stopwatch.backend,
        model: path,
        inputSize: { width: size, height: size },
        rotate: 0,
      });
      provider = stopwatch.provider();
      try {
        results.push(
          await measure({
            runs: flags.runs,
            size,
            detect: () => detector.detect(image, { signal: context.signal }),
            inside: stopwatch.inside,
            tick: bar.tick,
          }),
        );
      } finally {
        await detector.dispose();
      }
    }
  } catch (error) {
    throw context.signal.aborted ? error : modelError(label, error);
  } finally {
    bar.stop();
  }
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
  };
  if (flags.json) {
    const report = { model, provider, threads, machine, image: `${image.width}x${image.height} rgb`, results };
    return context.write(`${JSON.stringify(report)}\n`);
  }
  const rows = results.map(({ size, median, p95, fps, pre, run, post }) => [
    `${size}x${size}`,
    ...[median, p95, pre, run, post].map((ms) => ms.toFixed(2)),
    fps.toFixed(1),
  ]);
  const plain = table(['input', 'median ms', 'p95 ms', 'pre', 'run', 'post', 'FPS'], rows, context.colors.bold);
  await context.write(
    `${model} on ${provider}, ${threads} thread${threads === 1 ? '' : 's'} · ${machine.cpu} · Node ` +
      `${machine.node}\n${plain}`,
  );
}

interface Measurement {
  readonly runs: number;
  readonly size: number;
  readonly detect: () => Promise<unknown>;
  /** Start and end of the last inference, in milliseconds. */
  readonly inside: () => { from: number; to: number };
  /** Called after each run. */
  readonly tick: () => void;
}

async function measure({ runs, size, detect, inside, tick }: Measurement): Promise<Figures> {
  for (let i = 0; i < 3; i++) await detect(); // warm-up: allocations, caches, JIT
  const total: number[] = [];
  const parts: [pre: number[], run: number[], post: number[]] = [[], [], []];
  for (let i = 0; i < runs; i++) {
    const begin = performance.now();
    await detect();
    const end = performance.now();
    const { from, to } = inside();
    total.push(end - begin);
    [from - begin, to - from, end - to].forEach((ms, k) => parts[k]!.push(ms));
    tick();
  }
  const [pre, inference, post] = parts.map((values) => round(quantile(values, 0.5), 3)) as [number, number, number];
  const median = quantile(total, 0.5);
  return {
    size,
    runs,
    median: round(median, 3),
    p95: round(quantile(total, 0.95), 3),
    fps: round(1000 / median, 2),
    pre,
    run: inference,
    post,
  };
}

/** A backend that records the start and end of its last run. */
function timed(backend: OnnxBackend): {
  backend: InferenceBackend;
  inside: () => { from: number; to: number };
  provider: () => string;
} {
  let from = 0;
  let to = 0;
  let provider = 'cpu';
  return {
    inside: () => ({ from, to }),
    provider: () => provider,
    backend: {
      name: backend.name,
      async createSession(model, options) {
        const session = await backend.createSession(model, options);
        provider = session.provider;
        return {
          inputs: session.inputs,
          outputs: session.outputs,
          dispose: () => session.dispose(),
          async run(feeds, runOptions) {
            from = performance.now();
            const result = await session.run(feeds, runOptions);
            to = performance.now();
            return result;
          },
        };
      },
    },
  };
}

/** A full-HD picture with the same pixels on every machine: smooth colors and some noise. */
function scene(width = 1920, height = 1080): PixelBuffer {
  const data = new Uint8Array(width * height * 3);
  let seed = 1;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      const noise = seed >>> 28;
      data[at] = 100 + 80 * Math.sin(x / 90) + noise;
      data[at + 1] = 110 + 70 * Math.sin(y / 70) + noise;
      data[at + 2] = 120 + 60 * Math.sin((x + y) / 110) + noise;
    }
  }
  return { data, width, height, format: 'rgb' };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)]!;
}
