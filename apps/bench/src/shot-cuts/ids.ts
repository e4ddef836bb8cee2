// IDs over cuts, through the whole pipeline, in the worst case: somebody is in the same place in every frame.
import type { Detector, Face } from '@facedet/core';
import { createVideoDetector, type VideoDetectorOptions } from '@facedet/pipeline';
import { openVideo } from '@facedet/video-node';
import type { Transition } from './films.ts';
import { HEIGHT, WIDTH } from './shots.ts';

const face: Face = { box: { x: 0.4 * WIDTH, y: 0.3 * HEIGHT, width: 0.15 * WIDTH, height: 0.32 * HEIGHT }, score: 0.9 };

const detector: Detector = {
  concurrency: 2,
  async detect(image) {
    // As a detector of that canvas does.
    if ('rasterize' in image) await image.rasterize(640, 360);
    return [face];
  },
  detectBatch: (images, options) => Promise.all(images.map((image) => detector.detect(image, options))),
  warmup: async () => {},
  drain: async () => {},
  dispose: async () => {},
};

/** Of a film's transitions, those with an ID that is shown both before them and after them. */
export async function crossedBy(
  path: string,
  transitions: readonly Transition[],
  options: Partial<VideoDetectorOptions>,
): Promise<Transition[]> {
  const ids: (readonly number[])[] = [];
  const video = await openVideo(path);
  for await (const { faces } of createVideoDetector({ detector, ...options }).run(video))
    ids.push(faces.map(({ id }) => id!));
  await video.close();
  return transitions.filter(({ kind, from, to }) => {
    const after = ids[kind === 'cut' ? to : Math.min(to + 8, ids.length - 1)]!;
    return ids[from - 1]!.some((id) => after.includes(id));
  });
}
