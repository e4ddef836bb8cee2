import type { InferenceSession } from './backend.ts';
import { DetectionRun } from './detection-run.ts';
import { mergeDetections } from './merge.ts';
import type { ModelShape } from './model-shape.ts';
import type { Rotation } from './options.ts';
import { EVIDENCE_SCORE } from './orientation.ts';
import { findRotations } from './orientation-search.ts';
import type { PassPixels } from './pass.ts';
import { SessionRunner } from './session-runner.ts';
import type { DetectionSettings } from './settings.ts';
import type { Face } from './types.ts';

/** Options of `DetectionEngine.detect`; each replaces the engine's own setting for this call. */
export interface EngineOptions {
  readonly scoreThreshold?: number;
  readonly rotate?: DetectionSettings['rotate'];
  readonly signal?: AbortSignal;
}

/**
 * The part of a detector that belongs to one session: pixels in, faces out. It runs where the session is, which may be
 * a worker.
 */
export interface DetectionEngine {
  readonly model: ModelShape;
  /**
   * Resolves to the faces of each image by falling score, in source pixels; an image is the pixels of its passes. One
   * call at a time.
   */
  detect(images: readonly (readonly PassPixels[])[], options?: EngineOptions): Promise<Face[][]>;
  /** Runs the model once at an input size, so that the inference engine plans its memory. */
  warmup(inputWidth: number, inputHeight: number): Promise<void>;
}

/**
 * Creates a detection engine on a session. Throws `MODEL_INPUT_UNSUPPORTED` or `MODEL_OUTPUTS_UNSUPPORTED` if the model
 * is not an SCRFD detector.
 */
export function createEngine(session: InferenceSession, settings: DetectionSettings): DetectionEngine {
  const runner = new SessionRunner(session, settings);
  const { model } = runner;
  const rules = { preset: settings.preset, fixed: model };

  return {
    model,
    warmup: (inputWidth, inputHeight) => runner.warmup(inputWidth, inputHeight),

    async detect(images, { signal, scoreThreshold = settings.scoreThreshold, rotate = settings.rotate } = {}) {
      // Detections of low scores are evidence for later passes and rotations, though not results.
      const minScore = Math.min(scoreThreshold, EVIDENCE_SCORE);
      const run = new DetectionRun(runner, images, { rules, minScore, signal });
      let found: Rotation[] | null = null;
      if (rotate === 'auto') found = await findRotations(run);
      else await run.runPasses(images.map((_, image) => ({ image, rotations: rotate })));
      return run.detections.map((detections, image) =>
        mergeDetections(detections, {
          ...settings,
          // In rotations other than the image's own, only confident faces count.
          minScore: (rotation) => (!found || rotation === found[image] ? scoreThreshold : (1 + scoreThreshold) / 2),
        }),
      );
    },
  };
}
