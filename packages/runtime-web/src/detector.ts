import {
  bytesPerPixel,
  createDetector as createInline,
  FaceDetError,
  isRasterSource,
  rowStride,
  type DetectionOptions,
  type Detector,
  type DetectOptions,
  type Face,
  type ImageSource,
  type PixelBuffer,
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
  rasterizePasses,
  settingsForCall,
  unpackError,
  warmupInputSize,
  type ModelShape,
} from '@facedet/core/engine';
import { loadModel, type LoadModelOptions } from '@facedet/models/web';
import { webBackend, type WebBackendOptions, type WebSelection, type WebSession } from './backend.ts';
import { disposable } from './disposable.ts';
import { hasBitmap, imageSource, type WebImage } from './image-source.ts';
import type { FromWorker, ToWorker, WebPass, WorkerTimes } from './worker-protocol.ts';

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
  const { provider, threads, wasmPaths, worker = true, signal } = options;
  checkOptionNames(options, KNOWN, '', 'the options of createDetector');
  const settings = detectionSettings(options);
  const backend: WebBackendOptions = {
    ...(provider && { provider }),
    ...(threads !== undefined && { threads }),
    ...(wasmPaths && { wasmPaths: absolute(wasmPaths) }),
  };
  webBackend(backend); // refuses bad options here, not in the worker
  const model =
    options.model instanceof Uint8Array
      ? options.model
      : await loadModel(options.model, { ...options.load, ...(signal && { signal }) });
  signal?.throwIfAborted();
  if (worker === false) return inline(model, backend, options);

  const port = talkTo(
    typeof worker === 'function'
      ? worker()
      : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'facedet' }),
  );
  let opened: Extract<FromWorker, { type: 'opened' }>;
  try {
    opened = (await port.ask({ type: 'open', model, backend, settings }, [], signal)) as typeof opened;
  } catch (error) {
    port.end(disposedError('detector'));
    throw error;
  }
  const shape: ModelShape = opened.model;
  let { selection } = opened;
  let lastTimes: WorkerTimes | null = null;
  const calls = inFlight('detector');

  async function passesOf(
    image: ImageSource,
    call: typeof settings,
    transfer: Transferable[],
    stop?: AbortSignal,
  ): Promise<WebPass[]> {
    const passes = planPasses(image.width, image.height, call, shape);
    if (hasBitmap(image)) {
      const result: WebPass[] = [];
      for (const pass of passes) {
        if (pass.from !== null) {
          result.push({ pass, bitmap: null });
          continue;
        }
        const { region } = pass;
        const whole = region.width === image.width && region.height === image.height;
        const bitmap = await image.bitmap(pass.width, pass.height, {
          ...(whole ? {} : { region }),
          ...(stop ? { signal: stop } : {}),
        });
        transfer.push(bitmap);
        result.push({ pass, bitmap });
      }
      return result;
    }
    const made = await rasterizePasses(image, passes, stop);
    // Passes that share their pixels go on sharing them.
    const moved = new Map(made.map(({ pixels }) => [pixels, movable(pixels, isRasterSource(image), transfer)]));
    return made.map((item) => ({ ...item, pixels: moved.get(item.pixels)! }));
  }

  async function detectBatch(
    images: readonly (ImageSource | WebImage)[],
    options: DetectOptions = {},
  ): Promise<Face[][]> {
    checkOptionNames(options, DETECT_OPTIONS, '', 'the options of detect');
    return calls.run(options.signal, (stop) => send(images, settingsForCall(settings, options), stop));
  }

  async function send(
    images: readonly (ImageSource | WebImage)[],
    call: typeof settings,
    stop: AbortSignal,
  ): Promise<Face[][]> {
    const transfer: Transferable[] = [];
    const lists: WebPass[][] = [];
    try {
      for (const image of images) {
        const source = await sourceOf(image);
        checkImage(source);
        try {
          lists.push(await passesOf(source, call, transfer, stop));
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
        const { width, height } = warmupInputSize(settings, shape);
        await port.ask({ type: 'warmup', width, height }, [], stop);
      }),
    drain: calls.drain,
    dispose: () => calls.end(async () => port.end(disposedError('detector'))),
  });
}

/** The same in the calling thread. */
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

/**
 * Pixels as they can be sent to a worker. What a source made for this call is handed over where it fills its memory; a
 * caller's own pixels, and a part of something larger, are copied; shared memory stays where it is.
 */
function movable(pixels: PixelBuffer, isMade: boolean, transfer: Transferable[]): PixelBuffer {
  const { width, height, format, stride, data } = pixels;
  // Only what the contract names: a video frame may carry methods, which cannot be sent.
  const plain = { width, height, format, ...(stride === undefined ? {} : { stride }) };
  const { buffer } = data;
  if (!(buffer instanceof ArrayBuffer)) return { ...plain, data };
  if (isMade && buffer.byteLength === data.byteLength && !transfer.includes(buffer)) {
    transfer.push(buffer);
    return { ...plain, data };
  }
  const size = rowStride(pixels) * (height - 1) + width * bytesPerPixel(format);
  const copy = new Uint8Array(data.subarray(0, size));
  transfer.push(copy.buffer);
  return { ...plain, data: copy };
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

/** Relative paths mean the page, not the worker's script. */
function absolute(paths: NonNullable<WebBackendOptions['wasmPaths']>): NonNullable<WebBackendOptions['wasmPaths']> {
  const full = (path: string | URL) => new URL(path, globalThis.location?.href).href;
  return typeof paths === 'string'
    ? full(paths)
    : { ...(paths.wasm ? { wasm: full(paths.wasm) } : {}), ...(paths.mjs ? { mjs: full(paths.mjs) } : {}) };
}

type Question = ToWorker extends infer T ? (T extends { id: number } ? Omit<T, 'id'> : never) : never;

/** Questions and answers by number; a worker that fails rejects all that wait. */
function talkTo(worker: Worker) {
  const waiting = new Map<number, { resolve(answer: FromWorker): void; reject(error: unknown): void }>();
  let next = 0;
  let dead: unknown = null;
  const end = (error: unknown) => {
    dead ??= error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const question = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.type === 'failed') question?.reject(unpackError(data.error));
    else question?.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    end(
      new FaceDetError(
        'WORKER_FAILED',
        `Expected the detector's worker to run but it ended: ` +
          `${event.message || 'its script could not be loaded'}. Check that the bundler made a module worker of ` +
          'it, or pass worker: () => new Worker(…) or worker: false.',
      ),
    );
  };
  worker.onmessageerror = () =>
    end(new FaceDetError('WORKER_FAILED', "Expected messages that can be cloned but the worker's could not be read."));
  return {
    end,
    ask(question: Question, transfer: Transferable[], signal?: AbortSignal): Promise<FromWorker> {
      if (dead) return Promise.reject(dead as Error);
      return new Promise((resolve, reject) => {
        const id = next++;
        const abort = () => {
          waiting.delete(id);
          reject(signal!.reason as Error);
        };
        const settle =
          <T>(done: (value: T) => void) =>
          (value: T) => {
            signal?.removeEventListener('abort', abort);
            done(value);
          };
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
        signal?.addEventListener('abort', abort, { once: true });
        try {
          worker.postMessage({ ...question, id } as ToWorker, transfer);
        } catch (error) {
          waiting.get(id)?.reject(error);
          waiting.delete(id);
        }
      });
    },
  };
}
