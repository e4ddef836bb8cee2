import {
  createDetector as createInline,
  FaceDetError,
  type DetectionOptions,
  type Detector,
  type DetectOptions,
  type Face,
  type ImageSource,
} from '@facedet/core';
import {
  checkImage,
  checkOptionNames,
  DETECT_OPTIONS,
  DETECTION_OPTIONS,
  detectionSettings,
  disposedError,
  inFlight,
  planPasses,
  settingsForCall,
  warmupInputSize,
  type DetectionSettings,
} from '@facedet/core/engine';
import { loadModel, type LoadModelOptions } from '@facedet/models/web';
import { webBackend, type WebBackendOptions } from './backend.ts';
import { disposable } from './disposable.ts';
import { handOver } from './handover.ts';
import { imageSource, type WebImage } from './image-source.ts';
import type { WebSelection, WebSession } from './session.ts';
import { openPort, type WorkerPort } from './worker-port.ts';
import type { FromWorker, WebPass, WorkerTimes } from './worker-protocol.ts';

/** Options of `createDetector`. */
export interface WebDetectorOptions extends DetectionOptions, WebBackendOptions {
  /** A model's bytes, its URL, or its name in the zoo; by default the weights that come with @facedet/models. */
  model?: Uint8Array | string | URL;
  /** How a model is fetched, kept and verified. */
  load?: LoadModelOptions;
  /**
   * `true` (the default) runs in a module worker, `false` in this thread, which then blocks; a function makes a worker
   * whose script calls `serveDetector`.
   */
  worker?: boolean | (() => Worker);
  /** Aborts loading. */
  signal?: AbortSignal;
}

const KNOWN = [...DETECTION_OPTIONS, 'model', 'load', 'worker', 'signal', 'provider', 'threads', 'wasmPaths'];

/** A `Detector` that also takes the browser's own pictures. */
export interface WebDetector extends Detector, AsyncDisposable {
  /** What the model runs on, and why on no faster provider. It changes when a GPU is lost. */
  readonly selection: WebSelection;
  /** Milliseconds of the last detection inside the worker; null inline or before the first. */
  readonly lastTimes: WorkerTimes | null;
  detect(image: ImageSource | WebImage, options?: DetectOptions): Promise<Face[]>;
  detectBatch(images: readonly (ImageSource | WebImage)[], options?: DetectOptions): Promise<Face[][]>;
}

/**
 * A detector in the browser, by default in a worker of its own, so that the page never waits for the model. Rejects
 * with what `loadModel` and `webBackend` reject with, with `MODEL_INPUT_UNSUPPORTED` and `MODEL_OUTPUTS_UNSUPPORTED`,
 * and with `WORKER_FAILED` where the worker's script can't be loaded or dies.
 */
export async function createDetector(options: WebDetectorOptions = {}): Promise<WebDetector> {
  const { worker = true, signal } = options;
  checkOptionNames(options, KNOWN, '', 'the options of createDetector');
  const settings = detectionSettings(options);
  const backend = backendOptions(options);
  webBackend(backend); // refuses bad options here, not in the worker
  const model =
    options.model instanceof Uint8Array
      ? options.model
      : await loadModel(options.model, { ...options.load, ...(signal && { signal }) });
  signal?.throwIfAborted();
  if (worker === false) return inline(model, backend, options);

  const port = openPort(
    typeof worker === 'function'
      ? worker()
      : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'facedet' }),
  );
  try {
    const opened = await port.ask({ type: 'open', model, backend, settings }, [], signal);
    return inWorker(port, opened as Opened, settings);
  } catch (error) {
    port.end(disposedError('detector'));
    throw error;
  }
}

type Opened = Extract<FromWorker, { type: 'opened' }>;

/** A detector whose model is open in a worker. */
function inWorker(port: WorkerPort, opened: Opened, settings: DetectionSettings): WebDetector {
  const { model } = opened;
  let { selection } = opened;
  let lastTimes: WorkerTimes | null = null;
  const calls = inFlight('detector');

  async function detectBatch(
    images: readonly (ImageSource | WebImage)[],
    options: DetectOptions = {},
  ): Promise<Face[][]> {
    checkOptionNames(options, DETECT_OPTIONS, '', 'the options of detect');
    return calls.run(options.signal, (stop) => send(images, settingsForCall(settings, options), stop));
  }

  async function send(
    images: readonly (ImageSource | WebImage)[],
    call: DetectionSettings,
    stop: AbortSignal,
  ): Promise<Face[][]> {
    const transfer: Transferable[] = [];
    const lists: WebPass[][] = [];
    try {
      for (const image of images) {
        const source = await sourceOf(image);
        checkImage(source);
        try {
          const passes = planPasses(source.width, source.height, call, model);
          lists.push(await handOver(source, passes, transfer, stop));
        } finally {
          release(source, image);
        }
      }
      stop.throwIfAborted();
    } catch (error) {
      for (const item of transfer) if (item instanceof ImageBitmap) item.close();
      throw error;
    }
    const { scoreThreshold, rotate } = call;
    const answer = (await port.ask(
      { type: 'detect', images: lists, scoreThreshold, rotate },
      [...new Set(transfer)],
      stop,
    )) as Extract<FromWorker, { type: 'faces' }>;
    ({ selection, times: lastTimes } = answer);
    return answer.faces.map((faces) => [...faces]);
  }

  return disposable<WebDetector>({
    // While the worker processes one picture, the pixels of the next one are made.
    concurrency: 2,
    rotate: settings.rotate,
    get selection() {
      return selection;
    },
    get lastTimes() {
      return lastTimes;
    },
    detectBatch,
    detect: async (image, detectOptions) => (await detectBatch([image], detectOptions))[0]!,
    warmup: () =>
      calls.run(undefined, async (stop) => {
        const { width, height } = warmupInputSize(settings, model);
        await port.ask({ type: 'warmup', width, height }, [], stop);
      }),
    drain: calls.drain,
    dispose: () => calls.end(async () => port.end(disposedError('detector'))),
  });
}

/** A detector in the calling thread. */
async function inline(
  model: Uint8Array,
  backend: WebBackendOptions,
  options: WebDetectorOptions,
): Promise<WebDetector> {
  const engine = webBackend(backend);
  let session: WebSession | undefined;
  const own = Object.fromEntries(DETECTION_OPTIONS.map((name) => [name, options[name]])) as DetectionOptions;
  const detector = await createInline({
    ...own,
    model,
    backend: { name: engine.name, createSession: async (bytes, o) => (session = await engine.createSession(bytes, o)) },
  });
  const detectBatch: WebDetector['detectBatch'] = async (images, detectOptions) => {
    const sources = await Promise.all(images.map(sourceOf));
    try {
      return await detector.detectBatch(sources, detectOptions);
    } finally {
      sources.forEach((source, i) => release(source, images[i]!));
    }
  };
  return disposable<WebDetector>({
    ...detector,
    get selection() {
      return session!.selection;
    },
    lastTimes: null,
    detectBatch,
    detect: async (image, detectOptions) => (await detectBatch([image], detectOptions))[0]!,
  });
}

async function sourceOf(image: ImageSource | WebImage): Promise<ImageSource> {
  if (image === null || typeof image !== 'object')
    throw new FaceDetError('INVALID_IMAGE', `Expected a picture but received ${String(image)}.`);
  if ('rasterize' in image || ('format' in image && 'data' in image)) return image as ImageSource;
  return imageSource(image as WebImage);
}

/** Closes what `sourceOf` decoded; the caller's own stays open. */
function release(source: ImageSource, image: ImageSource | WebImage): void {
  if (source !== image && 'close' in source) source.close?.();
}

/** The options of the backend, as they can be sent to a worker. */
function backendOptions({ provider, threads, wasmPaths }: WebBackendOptions): WebBackendOptions {
  return {
    ...(provider && { provider }),
    ...(threads !== undefined && { threads }),
    ...(wasmPaths && { wasmPaths: absolute(wasmPaths) }),
  };
}

/** Relative paths mean the page, not the worker's script. */
function absolute(paths: NonNullable<WebBackendOptions['wasmPaths']>): NonNullable<WebBackendOptions['wasmPaths']> {
  const full = (path: string | URL) => new URL(path, globalThis.location?.href).href;
  return typeof paths === 'string'
    ? full(paths)
    : { ...(paths.wasm ? { wasm: full(paths.wasm) } : {}), ...(paths.mjs ? { mjs: full(paths.mjs) } : {}) };
}
