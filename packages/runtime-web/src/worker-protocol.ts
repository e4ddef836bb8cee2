import type { Face } from '@facedet/core';
import type { DetectionSettings, ErrorData, ModelShape, Pass, PassPixels } from '@facedet/core/engine';
import type { WebBackendOptions } from './backend.ts';
import type { WebSelection } from './session.ts';

/**
 * A pass with its pixels, or with the bitmap that they are read from in the worker; a pass that is scaled down from
 * another one has neither.
 */
export type WebPass = PassPixels | { readonly pass: Pass; readonly bitmap: ImageBitmap | null };

/** To the worker; each is answered by a `FromWorker` of the same `id`. */
export type ToWorker =
  | {
      readonly id: number;
      readonly type: 'open';
      readonly model: Uint8Array;
      readonly backend: WebBackendOptions;
      readonly settings: DetectionSettings;
    }
  | {
      readonly id: number;
      readonly type: 'detect';
      readonly images: readonly (readonly WebPass[])[];
      readonly scoreThreshold: number;
      readonly rotate: DetectionSettings['rotate'];
    }
  | { readonly id: number; readonly type: 'warmup'; readonly width: number; readonly height: number };

/** Milliseconds of one detection in the worker. */
export interface WorkerTimes {
  /** Reading bitmaps back into memory. */
  readonly read: number;
  /** Tensor, inference, decoding and suppression. */
  readonly detect: number;
}

/** From the worker. */
export type FromWorker =
  | { readonly id: number; readonly type: 'opened'; readonly model: ModelShape; readonly selection: WebSelection }
  | {
      readonly id: number;
      readonly type: 'faces';
      readonly faces: readonly Face[][];
      readonly selection: WebSelection;
      readonly times: WorkerTimes;
    }
  | { readonly id: number; readonly type: 'warm' }
  | { readonly id: number; readonly type: 'failed'; readonly error: ErrorData };
