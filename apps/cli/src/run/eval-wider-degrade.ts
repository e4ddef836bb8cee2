import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Box, Face, PixelBuffer } from '@facedet/core';
import { coverLower, darken, evaluateWider, formatWiderPredictions, gaussianBlur, parseWiderPredictions, scoredBoxes, shrink, type DegradedFigures, type ScoredBoxes, type WiderImage } from '@facedet/eval';
import type { ResolvedModel } from '@facedet/models/node';
import { encodeImage, readImage } from '@facedet/runtime-node';
import { writeOutputSync } from '@facedet/files';
import type { Context } from '../shared/context.ts';
import { openDetector } from '../shared/detector.ts';
import { inOrder } from '../shared/in-order.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { progress } from '../shared/progress.ts';
import { predictionsPath } from './eval-wider-data.ts';
import { evaluationDefaults, picturePath, type PictureFolder } from './eval-wider-detect.ts';

interface Condition {
  /** As tables show it. */
  name: string;
  /** Its folder. */
  folder: string;
  apply(picture: PixelBuffer, faces: readonly Box[]): PixelBuffer | Promise<PixelBuffer>;
}

const conditions: readonly Condition[] = [
  { name: 'clean', folder: 'clean', apply: (picture) => picture },
  ...[1, 2, 3].map((sigma) => ({ name: `blur σ ${sigma} px`, folder: `blur-${sigma}`, apply: (picture: PixelBuffer) => gaussianBlur(picture, sigma) })),
  ...[80, 50, 20].map((quality) => ({ name: `JPEG quality ${quality}`, folder: `jpeg-${quality}`, apply: (picture: PixelBuffer) => compressed(picture, quality) })),
  ...[1.5, 2, 3].map((gamma) => ({ name: `darkened γ ${gamma}`, folder: `dark-${gamma}`, apply: (picture: PixelBuffer) => darken(picture, gamma) })),
  ...[0.25, 0.5].map((part) => ({ name: `lower ${100 * part} % of faces covered`, folder: `covered-${100 * part}`, apply: (picture: PixelBuffer, faces: readonly Box[]) => coverLower(picture, faces, part) })),
  ...[2, 4].map((factor) => ({ name: `shrunk to 1/${factor}`, folder: `shrunk-${factor}`, apply: (picture: PixelBuffer) => shrink(picture, factor) })),
];

async function compressed(picture: PixelBuffer, quality: number): Promise<PixelBuffer> {
  return (await readImage(await encodeImage(picture, { format: 'jpeg', quality }))).pixels();
}

/** Detects faces in worse and worse versions of the images, with CLAHE and without, and gives AP for each. With a folder, a run that was broken off goes on. */
export async function evaluateDegraded(context: Context, images: readonly WiderImage[], pictures: PictureFolder, flags: DetectorFlags, model: ResolvedModel, folder?: string): Promise<DegradedFigures[]> {
  const found = new Map<string, Map<string, ScoredBoxes>>();
  const keys = conditions.flatMap((condition) => [false, true].map((clahe) => `${condition.folder}${clahe ? '-clahe' : ''}`));
  for (const key of keys) found.set(key, new Map());
  const path = (key: string, name: string): string | undefined => folder && predictionsPath(join(folder, 'degraded', key), name);
  const isDone = (key: string, name: string): boolean => {
    const file = path(key, name);
    if (found.get(key)!.has(name)) return true;
    if (!file || !existsSync(file)) return false;
    found.get(key)!.set(name, parseWiderPredictions(readFileSync(file), file));
    return true;
  };
  const todo = images.filter(({ name }) => keys.filter((key) => !isDone(key, name)).length > 0);
  const keep = (key: string, name: string, faces: readonly Face[]): void => {
    const text = formatWiderPredictions(name, scoredBoxes(faces));
    const file = path(key, name);
    if (file) writeOutputSync(file, text);
    found.get(key)!.set(name, parseWiderPredictions(text, `${name}.txt`));
  };
  if (todo.length > 0) {
    const open = (clahe: boolean) => openDetector(context, { ...flags, model: model.path, clahe }, { defaults: evaluationDefaults });
    const [plain, equalised] = [await open(false), await open(true)];
    const bar = await progress(context, { total: images.length, label: 'degraded', unit: 'images' });
    bar.update(images.length - todo.length);
    const detectOne = async (image: WiderImage): Promise<void> => {
      const { signal } = context;
      const faces = boxesOf(image);
      try {
        const source = await readImage(picturePath(pictures, image.name), { signal });
        const pixels = await source.pixels({ signal });
        for (const { folder: key, apply } of conditions) {
          signal.throwIfAborted();
          if (isDone(key, image.name) && isDone(`${key}-clahe`, image.name)) continue;
          const worse = await apply(pixels, faces);
          const scale = { x: pixels.width / worse.width, y: pixels.height / worse.height };
          const [without, with_] = await Promise.all([plain, equalised].map(({ detector }) => detector.detect(worse, { signal })));
          keep(key, image.name, without!.map((face) => scaled(face, scale)));
          keep(`${key}-clahe`, image.name, with_!.map((face) => scaled(face, scale)));
        }
        source.close();
      } catch (error) {
        if (signal.aborted) throw error;
        context.fail(picturePath(pictures, image.name), error);
      }
      bar.tick();
    };
    try {
      for await (const _ of inOrder(todo, plain.detector.concurrency, detectOne)) context.signal.throwIfAborted();
    } finally {
      bar.stop();
      await Promise.all([plain.detector.dispose(), equalised.detector.dispose()]);
    }
  }
  const apOf = (key: string) => Object.fromEntries(Object.entries(evaluateWider(images, found.get(key)!).figures).map(([subset, { ap }]) => [subset, ap]));
  return conditions.map(({ name, folder: key }) => ({ condition: name, ap: apOf(key), clahe: apOf(`${key}-clahe`) }));
}

function boxesOf({ boxes }: WiderImage): Box[] {
  return Array.from({ length: boxes.length / 4 }, (_, f) => ({ x: boxes[4 * f]!, y: boxes[4 * f + 1]!, width: boxes[4 * f + 2]!, height: boxes[4 * f + 3]! }));
}

function scaled({ box, score }: Face, { x, y }: { x: number; y: number }): Face {
  return { box: { x: box.x * x, y: box.y * y, width: box.width * x, height: box.height * y }, score };
}
