import { availableParallelism } from 'node:os';
import type { DetectionOptions } from '@facedet/core';
import { createDetector, type PoolDetector } from '@facedet/runtime-node';
import type { Context } from './context.ts';
import { modelError } from './errors.ts';
import { detectionOptions, type DetectorFlags } from './model-option.ts';
import { resolveModelFlag } from './resolve-model.ts';

/** A detector that has run once. */
export interface OpenDetector {
  readonly detector: PoolDetector;
  /** How messages name the model: as the user did. */
  readonly model: string;
}

/**
 * The detector that the flags ask for, loaded and warmed up. Any failure ends the command with exit code 2 and a line
 * that names the model. `images` is how many there will be, as far as it is known; one image needs no second worker.
 */
export async function openDetector(
  context: Context,
  flags: DetectorFlags,
  { defaults, images = Infinity }: { defaults?: DetectionOptions; images?: number } = {},
): Promise<OpenDetector> {
  const options = detectionOptions(flags, defaults);
  const { path, label } = await resolveModelFlag(context, flags);
  let detector: PoolDetector | undefined;
  try {
    const workers = flags.workers ?? (images < availableParallelism() ? Math.max(images, 1) : undefined);
    detector = await createDetector({
      ...options,
      model: path,
      ...(workers !== undefined && { workers }),
      ...(flags.threads !== undefined && { threads: flags.threads }),
      ...(flags.provider && { providers: flags.provider }),
    });
    await detector.warmup();
    return { detector, model: label };
  } catch (error) {
    await detector?.dispose();
    throw context.signal.aborted ? error : modelError(label, error);
  }
}
