import { FaceDetError } from '@facedet/core';

/**
 * Where ONNX Runtime runs the model. The binaries from the registry include `cpu`, `dml` on Windows and `coreml` on
 * macOS; for `cuda` and `tensorrt` see the README.
 */
export type ExecutionProvider = 'cpu' | 'cuda' | 'tensorrt' | 'dml' | 'coreml';

/** Options of `onnxBackend`. */
export interface OnnxBackendOptions {
  /** In order of preference; `cpu` always comes last. By default only that. */
  providers?: ExecutionProvider | readonly ExecutionProvider[];
  /**
   * Threads inside one run, at least 1; by default 1. Several one-threaded sessions have a higher
   * throughput than one session with several threads.
   */
  threads?: number;
  /** How far ONNX Runtime rewrites the model when it loads; by default `all`. */
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** What ONNX Runtime may write to standard error, process-wide; by default `fatal`, as every error is thrown too. */
  logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal';
}

/** A provider that was requested and is not available. */
export interface ProviderFallback {
  readonly provider: ExecutionProvider;
  /** One sentence. */
  readonly reason: string;
}

const PROVIDERS: readonly ExecutionProvider[] = ['cpu', 'cuda', 'tensorrt', 'dml', 'coreml'];
/** From the most to the least verbose; ONNX Runtime takes the index. */
export const LEVELS = ['verbose', 'info', 'warning', 'error', 'fatal'] as const;
const OPTIMIZATIONS = ['disabled', 'basic', 'extended', 'all'] as const;

/** Options with every default filled in. Throws `INVALID_ARGUMENT`. */
export function checkOptions(
  options: OnnxBackendOptions,
): { providers: readonly ExecutionProvider[] } & Required<Omit<OnnxBackendOptions, 'providers'>> {
  const { providers = 'cpu', threads = 1, graphOptimization = 'all', logLevel = 'fatal' } = options;
  const wanted = [...new Set([...(typeof providers === 'string' ? [providers] : providers), 'cpu' as const])];
  const refuse = (expected: string, value: unknown) =>
    new FaceDetError('INVALID_ARGUMENT', `Expected ${expected} but received ${String(value)}.`);
  for (const provider of wanted)
    if (!PROVIDERS.includes(provider)) throw refuse(`${PROVIDERS.join(', ')} for providers`, provider);
  if (!Number.isInteger(threads) || threads < 1) throw refuse('a positive integer for threads', threads);
  if (!OPTIMIZATIONS.includes(graphOptimization))
    throw refuse(`${OPTIMIZATIONS.join(', ')} for graphOptimization`, graphOptimization);
  if (!LEVELS.includes(logLevel)) throw refuse(`${LEVELS.join(', ')} for logLevel`, logLevel);
  return { providers: wanted.slice(0, wanted.indexOf('cpu') + 1), threads, graphOptimization, logLevel };
}
