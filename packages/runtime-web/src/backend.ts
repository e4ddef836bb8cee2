import {
  FaceDetError,
  isFaceDetError,
  type InferenceBackend,
  type InferenceSession,
  type RunOptions,
  type SessionOptions,
  type Tensor,
  type TensorInfo,
} from '@facedet/core';
import { disposedError } from '@facedet/core/engine';
import { agree } from './agreement.ts';
import { disposable } from './disposable.ts';
import { environment } from './environment.ts';
import { loadOrt, type Ort, type OrtSession, type WasmPaths } from './ort.ts';

/** Where a model runs. */
export type WebProvider = 'webgpu' | 'wasm';

/** Options of `webBackend`. */
export interface WebBackendOptions {
  /** `auto` (the default) takes WebGPU where it works and agrees with WASM, else WASM. */
  provider?: WebProvider | 'auto';
  /** Threads of WASM; by default up to 4 on a cross-origin isolated page, else 1. More than 1 needs that isolation. */
  threads?: number;
  /**
   * Location of onnxruntime-web's .wasm and .mjs files: a folder's URL that ends in a slash, or both files' URLs. By
   * default where the bundler put them.
   */
  wasmPaths?: WasmPaths;
}

/** The provider in use, and why not a faster one. */
export interface WebSelection {
  readonly provider: WebProvider;
  /** Threads of WASM; 1 with WebGPU. */
  readonly threads: number;
  /** One sentence for each faster provider that is not used, fastest first; empty if there is no faster one. */
  readonly reasons: readonly string[];
}

/** A session that reports what it runs on. When a GPU is lost, `selection` changes. */
export interface WebSession extends InferenceSession, AsyncDisposable {
  readonly selection: WebSelection;
}

/** A backend on onnxruntime-web. */
export interface WebBackend extends InferenceBackend {
  createSession(model: Uint8Array | string | URL, options?: SessionOptions): Promise<WebSession>;
}

/**
 * onnxruntime-web: WebGPU where it works and agrees with WASM on a first check, else WASM SIMD with threads where the
 * page is cross-origin isolated, else with one. A GPU that is lost on the way is replaced by WASM; the run that met the
 * loss is done again. Throws `INVALID_ARGUMENT` for options out of range. Sessions reject with `MODEL_NOT_FOUND`,
 * `MODEL_UNUSABLE` and `DEPENDENCY_MISSING`, and with `PROVIDER_UNAVAILABLE` where `provider: 'webgpu'` was asked for
 * and can't be had.
 */
export function webBackend(options: WebBackendOptions = {}): WebBackend {
  const { provider = 'auto' } = options;
  if (!['auto', 'webgpu', 'wasm'].includes(provider))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected auto, webgpu or wasm for provider but received ${String(provider)}.`,
    );
  if (options.threads !== undefined && !(Number.isInteger(options.threads) && options.threads >= 1))
    throw new FaceDetError(
      'INVALID_ARGUMENT',
      `Expected a positive integer for threads but received ${String(options.threads)}.`,
    );
  return {
    name: `onnxruntime-web/${provider}`,
    async createSession(model, { signal } = {}) {
      signal?.throwIfAborted();
      const bytes = await bytesOf(model, signal);
      const session = await openSession(bytes, options, signal);
      if (signal?.aborted) {
        await session.dispose();
        signal.throwIfAborted();
      }
      return session;
    },
  };
}

/** Threads that WASM gets here, and why not more. */
export function threadsFor(
  wanted: number | undefined,
  { threads, cores } = environment(),
): { threads: number; reason?: string } {
  if (!threads) {
    return {
      threads: 1,
      reason:
        `WASM runs on one thread${wanted && wanted > 1 ? `, not on ${wanted}` : ''}: the page is not ` +
        'cross-origin isolated. Serve it with Cross-Origin-Opener-Policy: same-origin and ' +
        'Cross-Origin-Embedder-Policy: require-corp.',
    };
  }
  return { threads: wanted ?? Math.min(Math.max(cores - 1, 1), 4) };
}

async function openSession(bytes: Uint8Array, options: WebBackendOptions, signal?: AbortSignal): Promise<WebSession> {
  const { provider = 'auto' } = options;
  const here = environment();
  const reasons: string[] = [];
  const { threads, reason } = threadsFor(options.threads, here);
  let ort: Ort | null = null;
  let current: OrtSession | null = null;
  let on: WebProvider = 'wasm';

  if (provider !== 'wasm') {
    try {
      if (!here.webgpu)
        throw new Error(
          'this browser has no WebGPU here (navigator.gpu is missing: an old browser, a page without HTTPS, ' +
            'or switched off).',
        );
      if (!(await hasAdapter())) throw new Error('this browser has WebGPU but gives no adapter: no usable GPU.');
      ort = await loadOrt('webgpu', threads, options.wasmPaths);
      // WASM first: it tells a bad model from a bad GPU, is what the GPU is held against, and goes on where the GPU
      // does not.
      current = await createWasm(ort, bytes);
      const gpu = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'], logSeverityLevel: 3 });
      if (signal?.aborted) {
        await gpu.release().catch(() => {});
        signal.throwIfAborted();
      }
      const disagreement = await agree(ort, gpu, current).catch((error: unknown) => error);
      if (disagreement) {
        await gpu.release().catch(() => {});
        throw disagreement instanceof Error
          ? disagreement
          : new Error(`its first result is not that of WASM: ${String(disagreement)}.`);
      }
      await current.release().catch(() => {});
      current = gpu;
      on = 'webgpu';
    } catch (error) {
      if (signal?.aborted || isFaceDetError(error)) {
        await current?.release().catch(() => {});
        signal?.throwIfAborted();
        throw error;
      }
      const message = `WebGPU is not used: ${error instanceof Error ? error.message : String(error)}`;
      if (provider === 'webgpu') {
        await current?.release();
        throw new FaceDetError(
          'PROVIDER_UNAVAILABLE',
          `Expected WebGPU. ${message} Leave provider at auto to run on WASM.`,
          { cause: error },
        );
      }
      reasons.push(message);
    }
  }
  if (on === 'wasm' && reason) reasons.push(reason);
  if (!current) {
    ort = await loadOrt('wasm', threads, options.wasmPaths);
    current = await createWasm(ort, bytes);
  }
  const engine = ort!;
  let selection: WebSelection = { provider: on, threads: on === 'wasm' ? threads : 1, reasons };
  let disposed: Promise<void> | undefined;

  const info = (metadata: readonly OrtValue[]): TensorInfo[] =>
    metadata.map((v) => ({ name: v.name, type: v.type ?? 'float32', ...(v.shape ? { shape: v.shape } : {}) }));
  const session = current;
  const [inputs, outputs] = [info(session.inputMetadata), info(session.outputMetadata)];

  async function attempt(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    const given: Record<string, InstanceType<Ort['Tensor']>> = {};
    for (const [name, { type, data, dims }] of Object.entries(feeds))
      given[name] = new engine.Tensor(type as 'float32', data as Float32Array, dims);
    const results = await current!.run(given);
    const out: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(results)) {
      // On the GPU the data is fetched; in WASM it is a view that the next run may overwrite.
      const data = (await value.getData()) as Tensor['data'];
      out[name] = { type: value.type, data: on === 'wasm' ? (data.slice() as Tensor['data']) : data, dims: value.dims };
      value.dispose();
    }
    return out;
  }

  return disposable<WebSession>({
    inputs,
    outputs,
    get selection() {
      return selection;
    },
    async run(feeds, { signal: runSignal }: RunOptions = {}) {
      runSignal?.throwIfAborted();
      if (disposed) throw disposedError('session');
      try {
        const result = await attempt(feeds);
        runSignal?.throwIfAborted();
        return result;
      } catch (error) {
        runSignal?.throwIfAborted();
        if (on !== 'webgpu' || disposed) throw error;
        // The error of a lost device looks like that of any other failure; if WASM fails too, the device is not the
        // cause.
        const replacement = await createWasm(engine, bytes);
        if (disposed) {
          await replacement.release();
          throw disposedError('session');
        }
        await current?.release().catch(() => {});
        current = replacement;
        on = 'wasm';
        selection = {
          provider: 'wasm',
          threads,
          reasons: [
            ...selection.reasons,
            `WebGPU was given up while running: ${error instanceof Error ? error.message : String(error)}`,
            ...(reason ? [reason] : []),
          ],
        };
        return attempt(feeds);
      }
    },
    dispose: () => (disposed ??= current!.release()),
  });
}

interface OrtValue {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

async function createWasm(ort: Ort, bytes: Uint8Array): Promise<OrtSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // The engine's own files are missing far more often than a browser lacks WebAssembly.
    if (
      /no available backend|both async and sync fetching|failed to fetch|dynamically imported module/i.test(message)
    ) {
      throw new FaceDetError(
        'DEPENDENCY_MISSING',
        'Expected the .wasm and .mjs files of onnxruntime-web beside the page but they could not be loaded: ' +
          `${message}. Copy them from node_modules/onnxruntime-web/dist and say where they are by wasmPaths.`,
        { cause },
      );
    }
    throw new FaceDetError(
      'MODEL_UNUSABLE',
      `Expected an ONNX model but ONNX Runtime can't read these ${bytes.length} bytes: ${message}`,
      { cause },
    );
  }
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = globalThis.navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } };
  return Boolean(await gpu?.requestAdapter().catch(() => null));
}

async function bytesOf(model: Uint8Array | string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  if (model instanceof Uint8Array) {
    if (!model.length) throw new FaceDetError('MODEL_UNUSABLE', 'Expected an ONNX model but received 0 bytes.');
    return model;
  }
  let response: Response;
  try {
    response = await fetch(model, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw new FaceDetError(
      'MODEL_NOT_FOUND',
      `Expected a model at ${String(model)} but it could not be fetched; check the URL, the network and CORS.`,
      { cause },
    );
  }
  if (!response.ok)
    throw new FaceDetError(
      'MODEL_NOT_FOUND',
      `Expected a model at ${String(model)} but the server answered ${response.status}.`,
    );
  return new Uint8Array(await response.arrayBuffer());
}
