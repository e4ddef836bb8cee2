import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { checkOptionNames, received } from '@facedet/checks';
import {
  FaceDetError,
  type DetectionOptions,
  type DetectOptions,
  type Detector,
  type Face,
  type ImageSource,
} from '@facedet/core';
import {
  checkImage,
  DETECT_OPTIONS,
  DETECTION_OPTIONS,
  detectionSettings,
  inFlight,
  planPasses,
  semaphore,
  settingsForCall,
  warmupInputSize,
} from '@facedet/core/engine';
import { resolveBackendModule, type BackendModule } from './backend-module.ts';
import { modelHash, moduleHash } from './fingerprint.ts';
import { handOver, spareBuffers } from './handover.ts';
import { portableModel } from './model.ts';
import { checkOptions, type OnnxBackendOptions } from './onnx-options.ts';
import { silenceTelemetry } from './onnxruntime.ts';
import { createPool } from './pool.ts';
import type { ReadyInfo, WorkerSetup } from './worker-protocol.ts';

/** Options of `createDetector`: detection, ONNX Runtime and the pool. */
export interface PoolDetectorOptions extends DetectionOptions, OnnxBackendOptions {
  /** The model's bytes, or its path or URL. */
  model: Uint8Array | string | URL;
  /**
   * Worker threads, each with a session of its own: the number of images processed at once. By default one per core
   * (one in all with a GPU provider), each session with one thread, which has the highest throughput. With `workers: 1`
   * the session uses all cores, which is fastest for a single image.
   */
  workers?: number;
  /** Threads inside each session; by default the cores divided by `workers`. */
  threads?: number;
  /**
   * Seconds that one run may take before it rejects with `RUN_TIMEOUT` and its thread is replaced; by default any time.
   * Lower ends a hung engine sooner, and slow runs too. (An engine that never returns from native code may keep the
   * process from ending.)
   */
  runTimeout?: number;
  /** An engine other than ONNX Runtime; the options of ONNX Runtime then don't apply. */
  backend?: BackendModule;
}

const KNOWN = [
  ...DETECTION_OPTIONS,
  'model',
  'workers',
  'threads',
  'runTimeout',
  'backend',
  'providers',
  'graphOptimization',
  'logLevel',
];

/** A `Detector` whose sessions live in threads of their own. */
export interface PoolDetector extends Detector {
  /** Model, settings and engine, from which `processVideo` knows whether it may continue an interrupted run. */
  readonly fingerprint: Readonly<Record<string, unknown>>;
  /** What runs the model: the backend's name, the provider, and the providers that were not available. */
  readonly info: ReadyInfo;
  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A detector on a pool of threads, so that the caller's event loop stays free. Images are taken in order; each is done
 * by one thread. Pixels that a source makes for a call are handed over without a copy; a caller's own `PixelBuffer` is
 * copied once, into memory that is reused, unless it is in a `SharedArrayBuffer`.
 *
 * Rejects with `INVALID_ARGUMENT`, `MODEL_NOT_FOUND`, `MODEL_UNUSABLE` and core's other `MODEL_…`, `BACKEND_UNUSABLE`,
 * `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. A preferred provider that is not available is a process warning and is
 * listed in `info.fallbacks`. `detect` rejects with `WORKER_CRASHED` where its thread ends (another takes its place),
 * `RUN_TIMEOUT` after `runTimeout`, and as core's detector. A run that goes on for 30 s after its call was aborted ends
 * with its thread too.
 */
export async function createDetector(options: PoolDetectorOptions): Promise<PoolDetector> {
  checkOptionNames(options, KNOWN, '', 'the options of createDetector');
  const settings = detectionSettings(options);
  const { runTimeout } = options;
  checkRunTimeout(runTimeout);
  const { workers, threads } = division(options);
  const setup: WorkerSetup = {
    backend: backendChoice(options, threads),
    model: await portableModel(options.model, options.backend === undefined),
    settings,
  };
  const spare = spareBuffers(2 * workers);
  silenceTelemetry();
  const pool = await createPool({ size: workers, setup, onReuse: spare.put, runTimeout });
  const { info } = pool;
  const fingerprint = await fingerprintOf(setup, info);
  warnOfFallbacks(info);

  // While each thread works on one image, the pixels of the next are made; more would only fill memory.
  const turn = semaphore(2 * workers);
  const calls = inFlight('detector');

  function detect(image: ImageSource, call: DetectOptions): Promise<Face[]> {
    return calls.run(call.signal, async (signal) => {
      checkImage(image);
      const planned = settingsForCall(settings, call);
      const release = await turn(signal);
      try {
        const plan = planPasses(image.width, image.height, planned, info.model);
        const { passes, reuse, transfer } = await handOver(image, plan, spare, signal);
        const { scoreThreshold, rotate } = planned;
        return [...(await pool.run({ type: 'detect', passes, scoreThreshold, rotate, reuse }, transfer, signal))];
      } finally {
        release();
      }
    });
  }

  const dispose = () => calls.end(() => pool.dispose());
  return {
    concurrency: workers,
    rotate: settings.rotate,
    fingerprint,
    info,
    async detect(image, call = {}) {
      checkOptionNames(call, DETECT_OPTIONS, '', 'the options of detect');
      return detect(image, call);
    },
    async detectBatch(images, call = {}) {
      checkOptionNames(call, DETECT_OPTIONS, '', 'the options of detectBatch');
      images.forEach(checkImage);
      const { signal } = call;
      // The first failure ends the others' wait too.
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      setMaxListeners(0, both); // every image listens
      try {
        return await Promise.all(images.map((image) => detect(image, { ...call, signal: both })));
      } finally {
        stop.abort();
      }
    },
    warmup: () => pool.everywhere({ type: 'warmup', ...warmupInputSize(settings, info.model) }),
    drain: calls.drain,
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function checkRunTimeout(runTimeout: number | undefined): void {
  if (runTimeout !== undefined && !(runTimeout > 0 && runTimeout <= 2e6))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected seconds from above 0 to 2,000,000 for runTimeout but received ${received(runTimeout)}.`,
    );
}

async function fingerprintOf(setup: WorkerSetup, info: ReadyInfo): Promise<PoolDetector['fingerprint']> {
  const { backend, settings } = setup;
  return {
    model: await modelHash(setup.model),
    backend:
      backend.kind === 'onnx'
        ? (info.provider ?? info.backend)
        : { module: await moduleHash(backend.module), options: backend.options },
    settings,
  };
}

/** Emits one process warning per preferred provider that is not in use. */
function warnOfFallbacks({ provider: used, fallbacks }: ReadyInfo): void {
  for (const { provider, reason } of fallbacks)
    process.emitWarning(`The model runs on ${used}, not on ${provider}: ${reason}`, {
      type: 'FaceDetWarning',
      code: 'PROVIDER_FALLBACK',
    });
}

/** How the cores are divided between sessions and the threads inside them. */
export function division(
  { workers, threads, providers, backend }: Pick<PoolDetectorOptions, 'workers' | 'threads' | 'providers' | 'backend'>,
  cores = availableParallelism(),
): { workers: number; threads: number } {
  for (const [name, value] of Object.entries({ workers, threads })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new FaceDetError(
        'INVALID_ARGUMENT',
        `Expected a positive integer for ${name} but received ${String(value)}.`,
      );
  }
  if (workers !== undefined) return { workers, threads: threads ?? Math.max(Math.floor(cores / workers), 1) };
  const first = typeof providers === 'string' ? providers : providers?.[0];
  if (!backend && first !== undefined && first !== 'cpu') return { workers: 1, threads: threads ?? 1 };
  return { workers: Math.max(Math.floor(cores / (threads ?? 1)), 1), threads: threads ?? 1 };
}

function backendChoice(
  { backend, providers, graphOptimization, logLevel, threads: given }: PoolDetectorOptions,
  threads: number,
): WorkerSetup['backend'] {
  if (!backend)
    return {
      kind: 'onnx',
      options: checkOptions({
        threads,
        ...(providers && { providers }),
        ...(graphOptimization && { graphOptimization }),
        ...(logLevel && { logLevel }),
      }),
    };
  const foreign = Object.entries({ providers, graphOptimization, logLevel, threads: given }).find(
    ([, value]) => value !== undefined,
  );
  if (foreign)
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected no ${foreign[0]} beside backend.module, as it is an option of ONNX Runtime; put what your ` +
        'backend needs into backend.options.',
    );
  return { kind: 'module', module: resolveBackendModule(backend.module), options: backend.options };
}
