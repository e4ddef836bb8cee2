import { checkOptionNames } from '@facedet/checks';
import type { InferenceBackend, InferenceSession, SessionOptions } from './backend.ts';
import { inFlight } from './calls.ts';
import { createEngine, type DetectionEngine } from './engine.ts';
import { letterbox } from './geometry.ts';
import { checkImage } from './pixels.ts';
import { planPasses, rasterizePasses, type PassPixels } from './plan.ts';
import { semaphore } from './semaphore.ts';
import {
  DETECTION_OPTIONS,
  DETECT_OPTIONS,
  detectionSettings,
  settingsForCall,
  type DetectionOptions,
  type DetectionSettings,
} from './settings.ts';
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
 * A detector on one session of any engine, in the calling thread. Inference runs one call at a time, in the order of
 * the calls; while it does, the pixels of the next call are made. Rejects with `INVALID_ARGUMENT` for options out of
 * range or with unknown names, and with `MODEL_…` for a model that can't be used.
 */
export async function createDetector(options: DetectorOptions): Promise<Detector> {
  checkOptionNames(options, [...DETECTION_OPTIONS, 'backend', 'model', 'session'], '', 'the options of createDetector');
  const settings = detectionSettings(options);
  const session: InferenceSession = await options.backend.createSession(options.model, options.session);
  let engine: DetectionEngine;
  try {
    engine = createEngine(session, settings);
  } catch (error) {
    await session.dispose();
    throw error;
  }

  const calls = inFlight('detector');
  // One call holds the session while another makes its pixels; more would only fill memory.
  const places = semaphore(2);
  const sessionTurn = semaphore(1);
  let warm: Promise<void> | null = null;

  /** Has the session do something, after all that asked before. */
  async function withSession<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const release = await sessionTurn(signal);
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      release();
    }
  }

  async function detectBatch(images: readonly ImageSource[], call: DetectOptions = {}): Promise<Face[][]> {
    checkOptionNames(call, DETECT_OPTIONS, '', 'the options of detect');
    images.forEach(checkImage);
    const { scoreThreshold, rotate, ...planning } = settingsForCall(settings, call);
    return calls.run(call.signal, async (signal) => {
      const leave = await places(signal);
      try {
        const passes: PassPixels[][] = [];
        for (const image of images) {
          signal.throwIfAborted();
          const plan = planPasses(image.width, image.height, { ...planning, scoreThreshold, rotate }, engine.model);
          passes.push(await rasterizePasses(image, plan, signal));
        }
        return await withSession(signal, () => engine.detect(passes, { scoreThreshold, rotate, signal }));
      } finally {
        leave();
      }
    });
  }

  return {
    concurrency: 1,
    rotate: settings.rotate,
    detectBatch,
    detect: async (image, call) => (await detectBatch([image], call))[0]!,
    warmup() {
      if (!warm) {
        const { canvasWidth, canvasHeight } = warmupCanvas(settings, engine.model);
        const run = calls.run(undefined, (signal) =>
          withSession(signal, () => engine.warmup(canvasWidth, canvasHeight)),
        );
        warm = run;
        // A failure may pass: the next call tries again.
        run.catch(() => {
          if (warm === run) warm = null;
        });
      }
      return warm;
    },
    drain: calls.drain,
    dispose: () =>
      calls.end(async () => {
        // A run that has begun reads its input until it ends.
        const release = await sessionTurn();
        await session.dispose();
        release();
      }),
  };
}

/** The canvas that a 16:9 picture would get; the usual one is not known before the first image. */
export function warmupCanvas(
  settings: DetectionSettings,
  model: DetectionEngine['model'],
): { canvasWidth: number; canvasHeight: number } {
  return letterbox(1920, 1080, settings.sizes[0]!, settings.preset, model);
}
