import type { InferenceBackend, InferenceSession, SessionOptions } from './backend.ts';
import { createEngine, disposedError, type DetectionEngine } from './engine.ts';
import { letterbox } from './geometry.ts';
import { checkImage } from './pixels.ts';
import { planPasses, rasterizePasses } from './plan.ts';
import { detectionSettings, settingsForCall, type DetectionOptions } from './settings.ts';
import type { DetectOptions, Detector, Face, ImageSource } from './types.ts';

/** Options of `createDetector`. */
export interface DetectorOptions extends DetectionOptions {
  /** The inference engine. */
  backend: InferenceBackend;
  /** The model's bytes, or a path or URL that the backend understands. */
  model: Uint8Array | string | URL;
  /** Handed to the backend's `createSession`. */
  session?: SessionOptions;
}

/**
 * A detector on one session of any engine, in the calling thread. Calls wait for one another, in order.
 * Rejects with `INVALID_ARGUMENT` for options out of range, and with `MODEL_…` for a model that can't be used.
 */
export async function createDetector(options: DetectorOptions): Promise<Detector> {
  const settings = detectionSettings(options);
  let session: InferenceSession | null = await options.backend.createSession(options.model, options.session);
  let engine: DetectionEngine;
  try {
    engine = createEngine(session, settings);
  } catch (error) {
    await session.dispose();
    throw error;
  }

  let last: Promise<unknown> = Promise.resolve();
  let warm: Promise<void> | null = null;
  /** Runs after all earlier calls, whatever became of them. */
  function queue<T>(work: () => Promise<T>): Promise<T> {
    const next = last.then(() => {
      if (!session) throw disposedError('detector');
      return work();
    });
    last = next.catch(() => {});
    return next;
  }

  async function detectBatch(images: readonly ImageSource[], { signal, inputSize }: DetectOptions = {}): Promise<Face[][]> {
    if (!session) throw disposedError('detector');
    images.forEach(checkImage);
    const call = settingsForCall(settings, inputSize);
    return queue(async () => {
      const passes = [];
      for (const image of images) {
        signal?.throwIfAborted();
        passes.push(await rasterizePasses(image, planPasses(image.width, image.height, call, engine.model), signal));
      }
      return engine.detect(passes, signal ? { signal } : {});
    });
  }

  return {
    concurrency: 1,
    detectBatch,
    detect: async (image, detectOptions) => (await detectBatch([image], detectOptions))[0]!,
    warmup() {
      warm ??= queue(() => {
        const { canvasWidth, canvasHeight } = warmupCanvas(settings, engine.model);
        return engine.warmup(canvasWidth, canvasHeight);
      });
      return warm;
    },
    async dispose() {
      const ended = session;
      session = null;
      await last;
      await ended?.dispose();
    },
  };
}

/** The canvas that a 16:9 picture would get; the usual one is not known before the first image. */
export function warmupCanvas(settings: ReturnType<typeof detectionSettings>, model: DetectionEngine['model']): { canvasWidth: number; canvasHeight: number } {
  if (model.width !== null && model.height !== null) return { canvasWidth: model.width, canvasHeight: model.height };
  return letterbox(1920, 1080, settings.sizes[0]!, settings.preset);
}
