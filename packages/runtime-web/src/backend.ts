import { FaceDetError, type InferenceBackend, type SessionOptions } from '@facedet/core';
import { environment } from './environment.ts';
import type { WasmPaths } from './ort.ts';
import { openModel, type WebProvider } from './providers.ts';
import { webSession, type WebSession } from './session.ts';

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
  const { provider = 'auto', wasmPaths } = options;
  const { threads, reason } = threadsFor(options.threads);
  const opened = await openModel(bytes, { provider, threads, wasmPaths, signal });
  return webSession(opened, bytes, threads, reason);
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
