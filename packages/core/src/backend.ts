/** Name, element type and shape of a model's input or output. */
export interface TensorInfo {
  readonly name: string;
  readonly type: Tensor['type'];
  /** A free dimension is a string (its name) or -1. Undefined if the model or the engine does not declare a shape. */
  readonly shape?: readonly (number | string)[];
}

/** A dense tensor in row-major order. */
export interface Tensor {
  /** The element type; those that face detection models use are listed. */
  readonly type: 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'float16' | 'bool' | (string & {});
  /** `data.length` is the product of `dims`. */
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Uint16Array;
  readonly dims: readonly number[];
}

/** Options of one inference. */
export interface RunOptions {
  /**
   * Aborts the call: its promise rejects with the signal's reason, even if the engine itself can't stop the run.
   */
  signal?: AbortSignal;
}

/** Options of `createSession`; backends may add their own. */
export interface SessionOptions {
  /** Aborts loading; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * An inference engine, the interface that third parties implement and test with `backendConformance` of
 * `@facedet/core/testing`.
 */
export interface InferenceBackend {
  /** The name shown in messages and statistics: `onnxruntime-node`, `onnxruntime-web/webgpu`, … */
  readonly name: string;
  /** Loads a model from its bytes, a path or a URL; rejects with `MODEL_UNUSABLE` if it can't be loaded. */
  createSession(model: Uint8Array | string | URL, options?: SessionOptions): Promise<InferenceSession>;
}

/** A loaded model. Callers run one inference at a time. */
export interface InferenceSession {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /**
   * Runs the model. The caller may reuse `feeds` as soon as the promise settles, and owns the tensors that it resolves
   * to.
   */
  run(feeds: Record<string, Tensor>, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Frees the model; a later `run` rejects with `DISPOSED`. */
  dispose(): Promise<void>;
}
