import { join } from 'node:path';
import type { Box, Detector, Face, PixelBuffer } from '@facedet/core';
import { evaluateWider, type ScoredBoxes, type WiderImage } from '@facedet/eval/wider';
import { encodeImage, readImage } from '@facedet/runtime-node';
import { coverLower, darken, gaussianBlur, shrink } from '../eval/degrade.ts';
import type { DegradedAp } from '../eval/wider-report.ts';
import { openDetector } from '../shared/detector.ts';
import { inOrder } from '../shared/in-order.ts';
import { progress } from '../shared/progress.ts';
import { loadPredictions, picturePath, storePredictions } from './eval-wider-data.ts';
import type { DetectionRun } from './eval-wider-detect.ts';
import { evaluationDefaults } from './eval-wider-resume.ts';

interface Condition {
  /** The name in tables. */
  name: string;
  /** The folder of its predictions. */
  folder: string;
  apply(picture: PixelBuffer, faces: readonly Box[]): PixelBuffer | Promise<PixelBuffer>;
}

/** A condition for each value of a parameter. */
function each(
  values: readonly number[],
  label: (value: number) => readonly [name: string, folder: string],
  apply: (picture: PixelBuffer, value: number, faces: readonly Box[]) => PixelBuffer | Promise<PixelBuffer>,
): Condition[] {
  return values.map((value) => {
    const [name, folder] = label(value);
    return { name, folder, apply: (picture, faces) => apply(picture, value, faces) };
  });
}

const conditions: readonly Condition[] = [
  { name: 'clean', folder: 'clean', apply: (picture) => picture },
  ...each([1, 2, 3], (sigma) => [`blur σ ${sigma} px`, `blur-${sigma}`], gaussianBlur),
  ...each([80, 50, 20], (quality) => [`JPEG quality ${quality}`, `jpeg-${quality}`], compress),
  ...each([1.5, 2, 3], (gamma) => [`darkened γ ${gamma}`, `dark-${gamma}`], darken),
  ...each(
    [0.25, 0.5],
    (fraction) => [`lower ${100 * fraction} % of faces covered`, `covered-${100 * fraction}`],
    (picture, fraction, faces) => coverLower(picture, faces, fraction),
  ),
  ...each([2, 4], (factor) => [`shrunk to 1/${factor}`, `shrunk-${factor}`], shrink),
];

async function compress(picture: PixelBuffer, quality: number): Promise<PixelBuffer> {
  return (await readImage(await encodeImage(picture, { format: 'jpeg', quality }))).pixels();
}

/** The key of a condition's predictions, with CLAHE or without. */
function keyOf({ folder }: Condition, clahe: boolean): string {
  return clahe ? `${folder}-clahe` : folder;
}

/**
 * Detects faces in degraded versions of the images, with CLAHE and without, and returns AP for each. With a folder,
 * existing results are reused.
 */
export async function evaluateDegraded(run: DetectionRun): Promise<DegradedAp[]> {
  const { images } = run;
  const predictions = new DegradedPredictions(run.folder);
  const remaining = images.filter(({ name }) => predictions.missing(name).length > 0);
  if (remaining.length > 0) await detectDegraded(run, remaining, predictions);
  const apOf = (key: string): Record<string, number> => {
    const { metrics } = evaluateWider(images, predictions.of(key));
    return Object.fromEntries(Object.entries(metrics).map(([subset, { ap }]) => [subset, ap]));
  };
  return conditions.map((condition) => ({
    condition: condition.name,
    ap: apOf(keyOf(condition, false)),
    clahe: apOf(keyOf(condition, true)),
  }));
}

/** Predictions by condition and image, stored in a folder if there is one. */
class DegradedPredictions {
  readonly #byKey = new Map<string, Map<string, ScoredBoxes>>();
  readonly #folder: string | undefined;

  constructor(folder: string | undefined) {
    this.#folder = folder;
    for (const condition of conditions)
      for (const clahe of [false, true]) this.#byKey.set(keyOf(condition, clahe), new Map());
  }

  of(key: string): Map<string, ScoredBoxes> {
    return this.#byKey.get(key)!;
  }

  /** The keys for which an image has no predictions yet; stored ones are loaded. */
  missing(name: string): string[] {
    return [...this.#byKey.keys()].filter((key) => !this.has(key, name));
  }

  has(key: string, name: string): boolean {
    if (this.of(key).has(name)) return true;
    const stored = loadPredictions(this.#folderOf(key), name);
    if (stored) this.of(key).set(name, stored);
    return stored !== null;
  }

  add(key: string, name: string, faces: readonly Face[]): void {
    this.of(key).set(name, storePredictions(this.#folderOf(key), name, faces));
  }

  #folderOf(key: string): string | undefined {
    return this.#folder && join(this.#folder, 'degraded', key);
  }
}

async function detectDegraded(
  run: DetectionRun,
  remaining: readonly WiderImage[],
  predictions: DegradedPredictions,
): Promise<void> {
  const { context, images, pictures, flags, model } = run;
  const open = (clahe: boolean) =>
    openDetector(context, { ...flags, model: model.path, clahe }, { defaults: evaluationDefaults });
  const [plain, equalized] = [await open(false), await open(true)];
  const detectors = { plain: plain.detector, equalized: equalized.detector };
  const bar = await progress(context, { total: images.length, label: 'degraded', unit: 'images' });
  bar.update(images.length - remaining.length);
  const detectOne = async (image: WiderImage): Promise<void> => {
    try {
      await detectConditions(run, image, detectors, predictions);
    } catch (error) {
      if (context.signal.aborted) throw error;
      context.fail(picturePath(pictures, image.name), error);
    }
    bar.tick();
  };
  try {
    for await (const _ of inOrder(remaining, detectors.plain.concurrency, detectOne)) context.signal.throwIfAborted();
  } finally {
    bar.stop();
    await Promise.all([detectors.plain.dispose(), detectors.equalized.dispose()]);
  }
}

/** Detects faces in one image under all missing conditions. */
async function detectConditions(
  { context: { signal }, pictures }: DetectionRun,
  image: WiderImage,
  { plain, equalized }: { plain: Detector; equalized: Detector },
  predictions: DegradedPredictions,
): Promise<void> {
  const { name } = image;
  const pixels = await pixelsOf(picturePath(pictures, name), signal);
  for (const condition of conditions) {
    signal.throwIfAborted();
    const [plainKey, equalizedKey] = [keyOf(condition, false), keyOf(condition, true)];
    if (predictions.has(plainKey, name) && predictions.has(equalizedKey, name)) continue;
    const degraded = await condition.apply(pixels, boxesOf(image));
    const scale = { x: pixels.width / degraded.width, y: pixels.height / degraded.height };
    const detect = async (detector: Detector) =>
      (await detector.detect(degraded, { signal })).map((face) => scaled(face, scale));
    const [plainFaces, equalizedFaces] = await Promise.all([detect(plain), detect(equalized)]);
    predictions.add(plainKey, name, plainFaces);
    predictions.add(equalizedKey, name, equalizedFaces);
  }
}

async function pixelsOf(path: string, signal: AbortSignal): Promise<PixelBuffer> {
  const picture = await readImage(path, { signal });
  try {
    return await picture.pixels({ signal });
  } finally {
    picture.close();
  }
}

function boxesOf({ boxes }: WiderImage): Box[] {
  return Array.from({ length: boxes.length / 4 }, (_, f) => {
    const [x = 0, y = 0, width = 0, height = 0] = boxes.subarray(4 * f, 4 * f + 4);
    return { x, y, width, height };
  });
}

function scaled({ box, score }: Face, { x, y }: { x: number; y: number }): Face {
  return { box: { x: box.x * x, y: box.y * y, width: box.width * x, height: box.height * y }, score };
}
