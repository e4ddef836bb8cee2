import {
  FaceDetError,
  type InferenceBackend,
  type InferenceSession,
  type SessionOptions,
  type Tensor,
  type TensorInfo,
} from '@facedet/core';
import { disposedError } from '@facedet/core/engine';
import type { InferenceSession as OrtSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe } from './bytes.ts';
import { modelSource } from './model.ts';
import {
  checkOptions,
  LEVELS,
  type ExecutionProvider,
  type OnnxBackendOptions,
  type ProviderFallback,
} from './onnx-options.ts';
import { loadOnnxRuntime, type OnnxRuntime } from './onnxruntime.ts';
import { oneLine } from '@facedet/files';

/** A session of `onnxBackend`. */
export interface OnnxSession extends InferenceSession {
  /** The provider that runs the model. */
  readonly provider: ExecutionProvider;
  /** The providers that were preferred and failed; empty where the first choice runs. */
  readonly fallbacks: readonly ProviderFallback[];
  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An `InferenceBackend` on onnxruntime-node. */
export interface OnnxBackend extends InferenceBackend {
  createSession(model: Uint8Array | string | URL, options?: SessionOptions): Promise<OnnxSession>;
}

/**
 * ONNX Runtime in the calling thread. Its `run` blocks the thread's event loop for the whole inference: a program that
 * does anything else meanwhile takes `createDetector` of this package, which keeps sessions in threads of their own.
 *
 * Where a preferred provider is not available, the next is taken and the session's `fallbacks` say why. `createSession`
 * rejects with `MODEL_NOT_FOUND`, `MODEL_UNUSABLE`, `DEPENDENCY_MISSING` or `DEPENDENCY_BROKEN`. Throws
 * `INVALID_ARGUMENT` for options out of range.
 */
export function onnxBackend(options: OnnxBackendOptions = {}): OnnxBackend {
  const { providers, threads, graphOptimization, logLevel } = checkOptions(options);
  return {
    name: 'onnxruntime-node',
    async createSession(model, { signal } = {}) {
      const source = await modelSource(model, signal);
      const ort = await loadOnnxRuntime();
      ort.env.logLevel = logLevel;
      const common: OrtSession.SessionOptions = {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: graphOptimization,
        logSeverityLevel: LEVELS.indexOf(logLevel) as 0 | 1 | 2 | 3 | 4,
      };
      const fallbacks: ProviderFallback[] = [];
      for (const provider of providers) {
        signal?.throwIfAborted();
        if (provider !== 'cpu' && !isBuiltIn(ort, provider)) {
          fallbacks.push({
            provider,
            reason:
              `onnxruntime-node ${ort.env.versions.node ?? ''} has no such provider on ` +
              `${process.platform}-${process.arch}.`,
          });
          continue;
        }
        try {
          const executionProviders = provider === 'cpu' ? ['cpu'] : [provider, 'cpu'];
          const create = (source: string | Uint8Array) =>
            typeof source === 'string'
              ? ort.InferenceSession.create(source, { ...common, executionProviders })
              : ort.InferenceSession.create(source, { ...common, executionProviders });
          return wrap(ort, await create(source), provider, fallbacks);
        } catch (cause) {
          const reason = oneLine((cause as Error).message);
          if (provider === 'cpu')
            throw new FaceDetError(
              'MODEL_UNUSABLE',
              `Expected an ONNX model but ${describe(model)} can't be loaded: ${reason} It may be truncated ` +
                'or no ONNX file at all; get it again.',
              { cause },
            );
          fallbacks.push({ provider, reason });
        }
      }
      throw new Error('unreachable: cpu is always the last provider');
    },
  };
}

/** Which providers this installation can offer, without loading a model: for diagnoses. */
export async function availableProviders(): Promise<{
  version: string;
  providers: readonly { name: string; bundled: boolean }[];
}> {
  const ort = await loadOnnxRuntime();
  return {
    version: ort.env.versions.node ?? 'unknown',
    providers: ort.listSupportedBackends().map(({ name, bundled }) => ({ name, bundled })),
  };
}

/** ONNX Runtime drops a provider it was built without and only warns, so it is asked beforehand. */
function isBuiltIn(ort: OnnxRuntime, provider: ExecutionProvider): boolean {
  return ort.listSupportedBackends().some(({ name }) => name === provider);
}

function wrap(
  ort: OnnxRuntime,
  session: OrtSession,
  provider: ExecutionProvider,
  fallbacks: readonly ProviderFallback[],
): OnnxSession {
  let last: Promise<unknown> = Promise.resolve();
  let disposed: Promise<void> | undefined;
  const dispose = () => (disposed ??= last.then(() => session.release()));
  return {
    provider,
    fallbacks,
    inputs: session.inputMetadata.map(tensorInfo),
    outputs: session.outputMetadata.map(tensorInfo),
    async run(feeds, { signal } = {}) {
      if (disposed) throw disposedError('session');
      signal?.throwIfAborted();
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(ort, tensor)]));
      // Shapes that an export declares for another canvas are not held against the run's: its tensors bring their own.
      const running = session.run(inputs).catch((cause: Error) => {
        throw new FaceDetError('RUN_FAILED', `ONNX Runtime could not run the model: ${oneLine(cause.message)}`, {
          cause,
        });
      });
      last = running.catch(() => undefined);
      const outputs = await running;
      // The run can't be stopped in the middle, and the input is the engine's until it ends.
      signal?.throwIfAborted();
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(tensor as OrtTensor)]));
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function tensorInfo(info: OrtSession.ValueMetadata): TensorInfo {
  return info.isTensor
    ? { name: info.name, type: info.type, shape: info.shape }
    : { name: info.name, type: 'not a tensor' };
}

function toOrt(ort: OnnxRuntime, { type, data, dims }: Tensor): OrtTensor {
  return new ort.Tensor(type as 'float32', data as Float32Array, dims);
}

function fromOrt({ type, data, dims }: OrtTensor): Tensor {
  // Newer Node gives half floats as Float16Array; the contract has their bits.
  if (type === 'float16' && !(data instanceof Uint16Array)) {
    const { buffer, byteOffset, length } = data as unknown as {
      buffer: ArrayBuffer;
      byteOffset: number;
      length: number;
    };
    return { type, data: new Uint16Array(buffer, byteOffset, length), dims };
  }
  return { type, data: data as Float32Array, dims };
}
