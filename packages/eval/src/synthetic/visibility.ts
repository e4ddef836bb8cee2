import type { Box } from '@facedet/core';
import { faceBoxOf, faceSamples, hides, landmarksOf, type Head } from './head.ts';
import type { SceneFace } from './scene.ts';

/** A face hidden by less than this share counts as not occluded. */
const OCCLUDED_FROM = 0.1;

/** What is true of one face: `nearer` people and `boxes` (things in front of everybody) may hide it. */
export function truthOf(
  id: number,
  head: Head,
  nearer: readonly Head[],
  boxes: readonly Box[],
  width: number,
  height: number,
): SceneFace {
  const samples = faceSamples(head);
  let [visible, hidden] = [0, 0];
  for (const { x, y } of samples) {
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    if (
      boxes.some((box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height) ||
      nearer.some((other) => hides(other, x, y))
    )
      hidden++;
    else visible++;
  }
  return {
    id,
    box: faceBoxOf(head),
    landmarks: landmarksOf(head),
    visibility: visible / samples.length,
    occlusion: hidden / samples.length,
    occluded: hidden / samples.length >= OCCLUDED_FROM,
  };
}
