import { FaceDetError, isFaceDetError } from '@facedet/core';
import { agree } from './agreement.ts';
import { environment } from './environment.ts';
import { loadOrt, type Ort, type OrtSession, type WasmPaths } from './ort.ts';

/** Where a model runs. */
export type WebProvider = 'webgpu' | 'wasm';

/** Options of `openModel`. */
export interface OpenOptions {
  readonly provider: WebProvider | 'auto';
  /** Threads of WASM. */
  readonly threads: number;
  readonly wasmPaths: WasmPaths | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A model on a provider. */
export interface OpenedModel {
  readonly ort: Ort;
  readonly session: OrtSession;
  readonly provider: WebProvider;
  /** Why WebGPU is not used; empty if it is, or was not requested. */
  readonly reasons: readonly string[];
}

/** Opens a model on WebGPU if it is requested and works, else on WASM. Rejects if only WebGPU is accepted. */
export async function openModel(bytes: Uint8Array, options: OpenOptions): Promise<OpenedModel> {
  const { provider, threads, wasmPaths, signal } = options;
  let ort: Ort | undefined;
  let wasm: OrtSession | undefined;
  const reasons: string[] = [];
  if (provider !== 'wasm') {
    try {
      await checkAdapter();
      ort = await loadOrt('webgpu', threads, wasmPaths);
      // WASM first: its error shows that the model is bad and not the GPU, its results are compared with the GPU's, and
      // it stays in use if the GPU fails.
      wasm = await createWasm(ort, bytes);
      const session = await createWebgpu(ort, bytes, wasm, signal);
      await wasm.release().catch(() => {});
      return { ort, session, provider: 'webgpu', reasons };
    } catch (error) {
      if (signal?.aborted || isFaceDetError(error)) {
        await wasm?.release().catch(() => {});
        signal?.throwIfAborted();
        throw error;
      }
      const message = `WebGPU is not used: ${messageOf(error)}`;
      if (provider === 'webgpu') {
        await wasm?.release();
        throw new FaceDetError(
          'PROVIDER_UNAVAILABLE',
          `Expected WebGPU. ${message} Leave provider at auto to run on WASM.`,
          { cause: error },
        );
      }
      reasons.push(message);
    }
  }
  ort ??= await loadOrt('wasm', threads, wasmPaths);
  wasm ??= await createWasm(ort, bytes);
  return { ort, session: wasm, provider: 'wasm', reasons };
}

async function checkAdapter(): Promise<void> {
  if (!environment().webgpu)
    throw new Error(
      'this browser has no WebGPU here (navigator.gpu is missing: an old browser, a page without HTTPS, ' +
        'or switched off).',
    );
  const { gpu } = globalThis.navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } };
  if (!(await gpu?.requestAdapter().catch(() => null)))
    throw new Error('this browser has WebGPU but gives no adapter: no usable GPU.');
}

/** A session on WebGPU whose first result agrees with that of `wasm`. */
async function createWebgpu(
  ort: Ort,
  bytes: Uint8Array,
  wasm: OrtSession,
  signal: AbortSignal | undefined,
): Promise<OrtSession> {
  const gpu = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'], logSeverityLevel: 3 });
  if (signal?.aborted) {
    await gpu.release().catch(() => {});
    signal.throwIfAborted();
  }
  const disagreement = await agree(ort, gpu, wasm).catch((error: unknown) => error);
  if (disagreement) {
    await gpu.release().catch(() => {});
    throw disagreement instanceof Error
      ? disagreement
      : new Error(`its first result is not that of WASM: ${String(disagreement)}.`);
  }
  return gpu;
}

/** A session on WASM. Rejects with `DEPENDENCY_MISSING` or `MODEL_UNUSABLE`. */
export async function createWasm(ort: Ort, bytes: Uint8Array): Promise<OrtSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (cause) {
    const message = messageOf(cause);
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

/** The text of an error of the engine. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
