import type { Box, Landmarks } from '@facedet/core';
import { type Head, faceBoxOf, faceSamples, landmarksOf, occludes } from './head.ts';

/** Ground truth of one face in a frame. */
export interface SceneFace {
  /** From 1; a person has the same ID before and after an absence. */
  readonly id: number;
  /** From forehead to chin, in pixels; may extend beyond the picture, and includes occluded parts. */
  readonly box: Box;
  readonly landmarks: Landmarks;
  /** Fraction of the face that is in the picture and not occluded, 0 to 1. */
  readonly visibility: number;
  /** Fraction of the face that a person or an object in front occludes, 0 to 1. */
  readonly occlusion: number;
  /** Whether `occlusion` is at least 0.1. */
  readonly occluded: boolean;
}

/** From this occlusion on, a face counts as occluded. */
const MIN_OCCLUSION = 0.1;

/** What may be in front of people, and the size of the picture in pixels. */
export interface Surroundings {
  readonly width: number;
  readonly height: number;
  /** An object in front of all people. */
  readonly occluder?: Box | undefined;
}

/**
 * Ground truth of all faces.
 *
 * @param people in the order of painting: each may be occluded by those after it.
 */
export function groundTruthOf(
  people: readonly { readonly id: number; readonly head: Head }[],
  surroundings: Surroundings,
): SceneFace[] {
  const heads = people.map(({ head }) => head);
  return people.map(({ id, head }, i) => {
    const { visibility, occlusion } = visibilityOf(head, heads.slice(i + 1), surroundings);
    return {
      id,
      box: faceBoxOf(head),
      landmarks: landmarksOf(head),
      visibility,
      occlusion,
      occluded: occlusion >= MIN_OCCLUSION,
    };
  });
}

function visibilityOf(head: Head, nearer: readonly Head[], { width, height, occluder }: Surroundings) {
  const samples = faceSamples(head);
  const count = samples.length / 2;
  let visible = 0;
  let hidden = 0;
  for (let k = 0; k < samples.length; k += 2) {
    const x = samples[k]!;
    const y = samples[k + 1]!;
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    if ((occluder && contains(occluder, x, y)) || nearer.some((other) => occludes(other, x, y))) hidden++;
    else visible++;
  }
  return { visibility: visible / count, occlusion: hidden / count };
}

function contains(box: Box, x: number, y: number): boolean {
  return x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
}
