import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isFaceDetError, type Detector, type Face } from '@facedet/core';
import type { ScoredBoxes, WiderImage } from '@facedet/eval/wider';
import { writeOutputSync } from '@facedet/files';
import { readTrainingImages, type ResolvedModel } from '@facedet/models/node';
import { readImage } from '@facedet/runtime-node';
import type { Context } from '../shared/context.ts';
import { openDetector } from '../shared/detector.ts';
import { modelError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import type { DetectorFlags } from '../shared/model-option.ts';
import { progress } from '../shared/progress.ts';
import { loadPredictions, picturePath, storePredictions, type PictureFolder } from './eval-wider-data.ts';
import { evaluationDefaults, readJson } from './eval-wider-resume.ts';

/** A run of the detector over the images of an evaluation. */
export interface DetectionRun {
  context: Context;
  images: readonly WiderImage[];
  pictures: PictureFolder;
  flags: DetectorFlags;
  model: ResolvedModel;
  /** Where results are stored, so that an interrupted run can continue. */
  folder: string | undefined;
}

/** Removes the images that the default weights were trained on, and reports it. */
export async function withoutTrainingImages(
  context: Context,
  images: WiderImage[],
  model: ResolvedModel,
  include: boolean,
): Promise<WiderImage[]> {
  if (model.entry?.file.verification !== 'bundled') return images;
  const trained = new Set((await readTrainingImages()).map((path) => path.replace(/\.[^.]+$/, '')));
  const unseen = images.filter(({ name }) => !trained.has(name));
  const count = images.length - unseen.length;
  if (count === 0) return images;
  const part = `${count} of the ${images.length} images`;
  if (include) context.log(`facedet: ${model.name} was trained on ${part}: its metrics are too good`);
  else
    context.log(
      `facedet: excluding ${part}, which ${model.name} was trained on (--include-training-images keeps them)`,
    );
  return include ? images : unseen;
}

/** The results of the detector. */
export interface Detections {
  /** As parsed from the submission files. */
  predictions: Map<string, ScoredBoxes>;
  /** Faces with landmarks, for the images whose landmarks are evaluated. */
  faces: Map<string, Face[]>;
}

/** Where faces with landmarks are stored, which a submission file cannot hold. */
function facesPath(folder: string, name: string): string {
  return join(folder, 'landmarks', `${name}.json`);
}

/**
 * Runs the detector over the images and returns predictions as parsed from their files. With a folder, existing results
 * are reused and each image is stored as soon as it is done. An unreadable picture is reported and has no predictions.
 * Landmarks are kept for the names in `withLandmarks`.
 */
export async function detectAll(run: DetectionRun, withLandmarks: ReadonlySet<string>): Promise<Detections> {
  const { context, images, flags, model, folder } = run;
  const results: Detections = { predictions: new Map(), faces: new Map() };
  const remaining = images.filter(({ name }) => !folder || !restore(results, folder, name, withLandmarks.has(name)));
  if (remaining.length === 0) return results;
  const done = results.predictions.size;
  if (done > 0) context.log(`facedet: continuing after ${done} of ${images.length} images`);
  const options = { defaults: evaluationDefaults, images: remaining.length };
  const { detector } = await openDetector(context, { ...flags, model: model.path }, options);
  const bar = await progress(context, { total: images.length, label: model.name, unit: 'images' });
  bar.update(done);
  const detectOne = async ({ name }: WiderImage): Promise<void> => {
    context.signal.throwIfAborted();
    const found = await detectPicture(run, detector, name);
    if (found) store(results, found, { folder, name, withLandmarks: withLandmarks.has(name) });
    bar.tick();
  };
  try {
    for await (const _ of inOrder(remaining, detector.concurrency + 2, detectOne)) context.signal.throwIfAborted();
  } finally {
    bar.stop();
    await detector.dispose();
  }
  return results;
}

/** Adds the stored results of an image; false where there are none. */
function restore({ predictions, faces }: Detections, folder: string, name: string, withLandmarks: boolean): boolean {
  const stored = loadPredictions(folder, name);
  if (!stored) return false;
  if (withLandmarks) {
    if (!existsSync(facesPath(folder, name))) return false;
    faces.set(name, readJson(facesPath(folder, name)) as Face[]);
  }
  predictions.set(name, stored);
  return true;
}

/** The faces of a picture; null for an unreadable one, which is reported. */
async function detectPicture(
  { context, pictures, model }: DetectionRun,
  detector: Detector,
  name: string,
): Promise<Face[] | null> {
  const { signal } = context;
  const path = picturePath(pictures, name);
  try {
    const picture = await readImage(path, { signal });
    try {
      return await detector.detect(picture, { signal });
    } finally {
      picture.close();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(model.name, error);
    context.fail(path, error);
    return null;
  }
}

function store(
  { predictions, faces }: Detections,
  found: Face[],
  { folder, name, withLandmarks }: { folder: string | undefined; name: string; withLandmarks: boolean },
): void {
  // Before the predictions, whose file marks an image as done.
  if (withLandmarks) {
    faces.set(name, found);
    if (folder) writeOutputSync(facesPath(folder, name), `${JSON.stringify(found)}\n`);
  }
  predictions.set(name, storePredictions(folder, name, found));
}
