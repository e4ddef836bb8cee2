import type { DetectionRun } from './detection-run.ts';
import type { Rotation } from './options.ts';
import { bestQuickRotation, evidenceFor, SEARCH_STAGES, strongerEvidence } from './orientation.ts';

/**
 * Finds the rotation of each image, and runs its passes on the way: upright first, then, as far as an image needs it,
 * the rotation that quick runs suggest, first among the quarter turns, then among the diagonals.
 */
export async function findRotations(run: DetectionRun): Promise<Rotation[]> {
  await run.runPasses(run.images.map((_, image) => ({ image, rotations: [0] })));
  const best = run.detections.map((detections) => evidenceFor(0, detections));
  for (const { rotations, isDone } of SEARCH_STAGES) {
    const unsure = run.images.map((_, image) => image).filter((image) => !isDone(best[image]!));
    const quick = await run.runQuick(unsure.map((image) => ({ image, rotations })));
    const chosen = unsure.flatMap((image) => {
      const evidence = rotations.map((rotation) => evidenceFor(rotation, quick[image]!));
      const rotation = bestQuickRotation(best[image]!, evidence);
      return rotation === null ? [] : [{ image, rotation }];
    });
    await run.runPasses(chosen.map(({ image, rotation }) => ({ image, rotations: [rotation] })));
    for (const { image, rotation } of chosen)
      best[image] = strongerEvidence(best[image]!, evidenceFor(rotation, run.detections[image]!));
  }
  return best.map(({ rotation }) => rotation);
}
