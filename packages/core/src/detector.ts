import { checkOptionNames } from '@facedet/checks';
import type { InferenceBackend, InferenceSession, SessionOptions } from './backend.ts';
import { checkImage } from './check-image.ts';
import { createEngine } from './detection-engine.ts';
import { inFlight } from './in-flight.ts';
import { fitToModel, type FixedSides, type Size } from './letterbox.ts';
import type { DetectionOptions, DetectOptions } from './options.ts';
import { rasterizePasses } from './pass-pixels.ts';
import type { PassPixels } from './pass.ts';
import { planPasses } from './plan.ts';
import { semaphore } from './semaphore.ts';
import {
  DETECT_OPTIONS,
  DETECTION_OPTIONS,
  detectionSettings,
  settingsForCall,
  type DetectionSettings,
} from './settings.ts';
import type { Detector, Face, ImageSource } from './types.ts';

/** Options of `createDetector`. */
export interface DetectorOptions extends DetectionOptions {
  /** The inference engine. */
  backend: InferenceBackend;
  /** The model's bytes, or a path or URL that the backend accepts. */
  model: Uint8Array | string | URL;
  /** Options of the backend's `createSession`. */
  session?: SessionOptions;
}

/**
 * Creates a detector on one session of any inference engine, in the calling thread. Inference runs one call at a time,
 * in the order of the calls; the pixels of the next call are prepared meanwhile. Rejects with `INVALID_ARGUMENT` for
 * options out of range or with unknown names, and with `MODEL_…` for a model that can't be used.
 */
export async function createDetector(options: DetectorOptions): Promise<Detector> {
  checkOptionNames(options, [...DETECTION_OPTIONS, 'backend', 'model', 'session'], '', 'the options of createDetector');
  const settings = detectionSettings(options);
  const session = await options.backend.createSession(options.model, options.session);
  try {
    return detectorOn(session, settings);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

function detectorOn(session: InferenceSession, settings: DetectionSettings): Detector {
  const engine = createEngine(session, settings);
  const calls = inFlight('detector');
  // One call holds the session while another prepares its pixels; more would only take memory.
  const callPermit = semaphore(2);
  const sessionPermit = semaphore(1);
  let warm: Promise<void> | null = null;

  /** Uses the session after all earlier requests. */
  async function withSession<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const release = await sessionPermit(signal);
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
    const callSettings = settingsForCall(settings, call);
    const { scoreThreshold, rotate } = callSettings;
    return calls.run(call.signal, async (signal) => {
      const release = await callPermit(signal);
      try {
        const passes: PassPixels[][] = [];
        for (const image of images) {
          signal.throwIfAborted();
          const plan = planPasses(image.width, image.height, callSettings, engine.model);
          passes.push(await rasterizePasses(image, plan, signal));
        }
        return await withSession(signal, () => engine.detect(passes, { scoreThreshold, rotate, signal }));
      } finally {
        release();
      }
    });
  }

  function warmup(): Promise<void> {
    const { width, height } = warmupInputSize(settings, engine.model);
    const run = calls.run(undefined, (signal) => withSession(signal, () => engine.warmup(width, height)));
    // A failure may be temporary: the next call tries again.
    run.catch(() => {
      if (warm === run) warm = null;
    });
    return run;
  }

  return {
    concurrency: 1,
    rotate: settings.rotate,
    detectBatch,
    detect: async (image, call) => (await detectBatch([image], call))[0]!,
    warmup: () => (warm ??= warmup()),
    drain: calls.drain,
    dispose: () =>
      calls.end(async () => {
        // A run that has started reads its input until it ends.
        const release = await sessionPermit();
        await session.dispose();
        release();
      }),
  };
}

/** The input size of a 16:9 image: the actual one is not known before the first image. */
export function warmupInputSize(settings: DetectionSettings, model: FixedSides): Size {
  const box = fitToModel({ width: 1920, height: 1080 }, settings.sizes[0]!, settings.preset, model);
  return { width: box.inputWidth, height: box.inputHeight };
}
