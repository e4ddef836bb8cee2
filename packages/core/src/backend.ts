/** The element types that face models use. */
export type TensorType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'float16' | 'bool' | (string & {});

/**
 * Name, element type and shape of a model's input or output. A dimension that is not fixed is a string (its name) or
 * -1.
 */
export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** Undefined where the model (or the engine) does not tell. */
  readonly shape?: readonly (number | string)[];
}

/** A dense tensor in row-major order. */
export interface Tensor {
  readonly type: TensorType;
  /** `data.length` is the product of `dims`. */
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Uint16Array;
  readonly dims: readonly number[];
}

/** Options of one inference. */
export interface RunOptions {
  /**
   * Aborts the wait for the result; an engine that can't stop a run in the middle still rejects with the signal's
   * reason.
   */
  signal?: AbortSignal;
}

/** Options of `createSession`; engines add their own by declaration of their backends. */
export interface SessionOptions {
  /** Aborts loading. */
  signal?: AbortSignal;
}

/** An inference engine: what third parties implement, held by `backendConformance` of `@facedet/core/testing`. */
export interface InferenceBackend {
  /** For messages and statistics: `onnxruntime-node`, `onnxruntime-web/webgpu`, … */
  readonly name: string;
  /** Loads a model from its bytes, a path or a URL; rejects with `MODEL_UNUSABLE` where it is none. */
  createSession(model: Uint8Array | string | URL, options?: SessionOptions): Promise<InferenceSession>;
}

/** A loaded model. Callers run one inference at a time. */
export interface InferenceSession {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Runs the model. `feeds` may be reused by the caller as soon as the promise settles; results are the caller's. */
  run(feeds: Record<string, Tensor>, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Frees the model; a later `run` rejects with `DISPOSED`. */
  dispose(): Promise<void>;
}
