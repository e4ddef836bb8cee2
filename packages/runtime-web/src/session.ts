import type { InferenceSession, RunOptions, Tensor, TensorInfo } from '@facedet/core';
import { disposedError } from '@facedet/core/engine';
import { disposable } from './disposable.ts';
import type { Ort, OrtSession } from './ort.ts';
import { createWasm, messageOf, type OpenedModel, type WebProvider } from './providers.ts';

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

/**
 * A session over an opened model. If a run on WebGPU fails, WASM replaces it, with `threads` threads, and the run is
 * repeated. `threadsReason` says why WASM gets no more threads.
 */
export function webSession(
  { ort, session, provider, reasons }: OpenedModel,
  bytes: Uint8Array,
  threads: number,
  threadsReason: string | undefined,
): WebSession {
  const onWasm = (why: readonly string[]): WebSelection => ({
    provider: 'wasm',
    threads,
    reasons: threadsReason ? [...why, threadsReason] : why,
  });
  let selection: WebSelection = provider === 'wasm' ? onWasm(reasons) : { provider, threads: 1, reasons };
  let current = session;
  let disposed: Promise<void> | undefined;

  const attempt = (feeds: Record<string, Tensor>) => runSession(ort, current, selection.provider, feeds);

  async function fallBack(error: unknown): Promise<void> {
    // The error of a lost device looks like that of any other failure; if WASM fails too, the device is not the cause.
    const replacement = await createWasm(ort, bytes);
    if (disposed) {
      await replacement.release();
      throw disposedError('session');
    }
    await current.release().catch(() => {});
    current = replacement;
    selection = onWasm([...selection.reasons, `WebGPU was given up while running: ${messageOf(error)}`]);
  }

  return disposable<WebSession>({
    inputs: tensorInfo(session.inputMetadata),
    outputs: tensorInfo(session.outputMetadata),
    get selection() {
      return selection;
    },
    async run(feeds, { signal }: RunOptions = {}) {
      signal?.throwIfAborted();
      if (disposed) throw disposedError('session');
      try {
        const result = await attempt(feeds);
        signal?.throwIfAborted();
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        if (selection.provider !== 'webgpu' || disposed) throw error;
        await fallBack(error);
        return attempt(feeds);
      }
    },
    dispose: () => (disposed ??= current.release()),
  });
}

async function runSession(
  ort: Ort,
  session: OrtSession,
  provider: WebProvider,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  const given: Record<string, InstanceType<Ort['Tensor']>> = {};
  for (const [name, { type, data, dims }] of Object.entries(feeds))
    given[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
  const results = await session.run(given);
  const out: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(results)) {
    // On the GPU the data is fetched; in WASM it is a view that the next run may overwrite.
    const data = (await value.getData()) as Tensor['data'];
    out[name] = {
      type: value.type,
      data: provider === 'wasm' ? (data.slice() as Tensor['data']) : data,
      dims: value.dims,
    };
    value.dispose();
  }
  return out;
}

interface OrtValue {
  readonly name: string;
  readonly type?: string;
  readonly shape?: readonly (number | string)[];
}

function tensorInfo(metadata: readonly OrtValue[]): TensorInfo[] {
  return metadata.map((v) => ({ name: v.name, type: v.type ?? 'float32', ...(v.shape ? { shape: v.shape } : {}) }));
}
