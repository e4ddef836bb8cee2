import type { Face } from '@facedet/core';
import type { DetectionSettings, ErrorData, ModelShape, PassPixels } from '@facedet/core/engine';
import type { OnnxBackendOptions, ProviderFallback } from './onnx-options.ts';

/** What a worker is born with; plain data. */
export interface WorkerSetup {
  readonly backend:
    | { readonly kind: 'onnx'; readonly options: OnnxBackendOptions }
    | { readonly kind: 'module'; readonly module: string; readonly options: unknown };
  /** Bytes, or a path or URL as text (a `URL` can't be sent). */
  readonly model: Uint8Array | { readonly text: string; readonly url: boolean };
  readonly settings: DetectionSettings;
}

/** A task. `reuse` are the buffers that the pool wants back. */
export type Task =
  | {
      readonly type: 'detect';
      readonly passes: readonly PassPixels[];
      readonly scoreThreshold: number;
      readonly rotate: DetectionSettings['rotate'];
      readonly reuse: readonly ArrayBuffer[];
    }
  | { readonly type: 'warmup'; readonly width: number; readonly height: number };

/** To a worker; it answers each task, in order, and `end` with `ended`. */
export type ToWorker = Task | { readonly type: 'end' };

/** What a loaded model is. */
export interface ReadyInfo {
  /** The backend's name. */
  readonly backend: string;
  readonly model: ModelShape;
  /** ONNX Runtime's provider and those that failed before it; undefined for other backends. */
  readonly provider: string | undefined;
  readonly fallbacks: readonly ProviderFallback[];
}

/** From a worker. */
export type FromWorker =
  | { readonly type: 'ready'; readonly info: ReadyInfo }
  | { readonly type: 'refused'; readonly error: ErrorData }
  | { readonly type: 'done'; readonly faces: readonly Face[]; readonly reuse: readonly ArrayBuffer[] }
  | { readonly type: 'failed'; readonly error: ErrorData; readonly reuse: readonly ArrayBuffer[] }
  | { readonly type: 'ended' };
