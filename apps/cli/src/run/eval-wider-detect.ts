import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFaceDetError, type Face } from '@facedet/core';
import { detectionSettings } from '@facedet/core/engine';
import { formatWiderPredictions, parseWiderPredictions, scoredBoxes, type ScoredBoxes, type WiderImage } from '@facedet/eval';
import { readTrainingImages, type ResolvedModel } from '@facedet/models/node';
import { readImage } from '@facedet/runtime-node';
import { writeOutputSync } from '@facedet/files';
import type { Context } from '../shared/context.ts';
import { openDetector } from '../shared/detector.ts';
import { CommandError, modelError } from '../shared/errors.ts';
import { inOrder } from '../shared/in-order.ts';
import { detectionOptions, type DetectorFlags } from '../shared/model-option.ts';
import { progress } from '../shared/progress.ts';
import { predictionsPath } from './eval-wider-data.ts';

/** An evaluation looks at every score: thresholds only cut its curves off. */
export const evaluationDefaults = { scoreThreshold: 0.02 };

/** Where the pictures of WIDER FACE lie. */
export interface PictureFolder {
  dataRoot: string;
  split: 'val' | 'train';
}

/** The path of an image's picture in WIDER's own layout. */
export function picturePath({ dataRoot, split }: PictureFolder, name: string): string {
  return join(dataRoot, `WIDER_${split}`, 'images', `${name}.jpg`);
}

/** Drops the images that the default weights have seen in training, and says so. */
export async function withoutTrainingImages(context: Context, images: WiderImage[], model: ResolvedModel, include: boolean): Promise<WiderImage[]> {
  if (model.entry?.file.verification !== 'bundled') return images;
  const seen = new Set((await readTrainingImages()).map((path) => path.replace(/\.[^.]+$/, '')));
  const fair = images.filter(({ name }) => !seen.has(name));
  const count = images.length - fair.length;
  if (count === 0) return images;
  if (include) context.log(`facedet: ${model.name} has seen ${count} of the ${images.length} images in training: its figures flatter it`);
  else context.log(`facedet: leaving out ${count} of the ${images.length} images, which ${model.name} has seen in training (--include-training-images keeps them)`);
  return include ? images : fair;
}

/** What decides about the predictions in a folder; written beside them, so that none are ever taken for another setting's. */
export interface Fingerprint {
  model: string;
  sha256: string;
  settings: ReturnType<typeof detectionSettings>;
}

/** The fingerprint of a run. */
export function fingerprintOf(flags: DetectorFlags, model: ResolvedModel): Fingerprint {
  return { model: model.name, sha256: model.sha256, settings: detectionSettings(detectionOptions(flags, evaluationDefaults)) };
}

const fingerprintFile = 'settings.json';

/** Throws with exit code 2 where the folder holds predictions of another model or other settings. */
export function claimFolder(folder: string, fingerprint: Fingerprint, images: readonly WiderImage[]): void {
  const path = join(folder, fingerprintFile);
  const own = JSON.parse(JSON.stringify(fingerprint)) as Fingerprint;
  if (!existsSync(path)) {
    const stray = images.find(({ name }) => existsSync(predictionsPath(folder, name)));
    if (stray) throw new CommandError('OUTPUT_IN_USE', `expected a new folder or one of an earlier run; it holds predictions (${stray.name}.txt) but no ${fingerprintFile} that tells of which model. Name another --output-dir, or score them with --predictions`, { exitCode: 2, input: folder });
    writeOutputSync(path, `${JSON.stringify(own, null, 2)}\n`);
    return;
  }
  const before = readJson(path) as Partial<Fingerprint>;
  if (hash(before) === hash(own)) return;
  const differing = before.sha256 !== own.sha256 ? `the model ${before.model}` : Object.keys(own.settings).filter((key) => hash(before.settings?.[key as 'preset']) !== hash(own.settings[key as 'preset'])).map((key) => `${key} ${JSON.stringify(before.settings?.[key as 'preset'])}`).join(', ');
  throw new CommandError('OUTPUT_IN_USE', `expected a new folder or one of a run with the same settings; its predictions were made with ${differing || 'other settings'}. Name another --output-dir`, { exitCode: 2, input: folder });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CommandError('MALFORMED_FILE', 'expected what an earlier run wrote as JSON; delete the file or name another --output-dir', { input: path, cause });
  }
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value) ?? '').digest('hex');
}

/** What the detector found. */
export interface Detections {
  /** As they read from the submission files. */
  predictions: Map<string, ScoredBoxes>;
  /** Faces with landmarks, of the images whose landmarks are wanted. */
  faces: Map<string, Face[]>;
}

/** Where the faces of an image with their landmarks lie, which a submission file has no place for. */
function facesPath(folder: string, name: string): string {
  return join(folder, 'landmarks', `${name}.json`);
}

/**
 * Runs the detector over the images and gives the predictions, as they read from their files. With a folder, what lies in it is not
 * done again and each image is written as soon as it is done. A picture that can't be read is reported and left without predictions. Landmarks are kept for the names in `withLandmarks`.
 */
export async function detectAll(context: Context, images: readonly WiderImage[], pictures: PictureFolder, flags: DetectorFlags, model: ResolvedModel, folder: string | undefined, withLandmarks: ReadonlySet<string>): Promise<Detections> {
  const predictions = new Map<string, ScoredBoxes>();
  const faces = new Map<string, Face[]>();
  const todo = images.filter(({ name }) => {
    const path = folder && predictionsPath(folder, name);
    if (!path || !existsSync(path)) return true;
    const landmarks = facesPath(folder, name);
    if (withLandmarks.has(name)) {
      if (!existsSync(landmarks)) return true;
      faces.set(name, readJson(landmarks) as Face[]);
    }
    predictions.set(name, parseWiderPredictions(readFileSync(path), path));
    return false;
  });
  if (todo.length === 0) return { predictions, faces };
  if (predictions.size > 0) context.log(`facedet: going on after ${predictions.size} of ${images.length} images`);
  const { detector } = await openDetector(context, { ...flags, model: model.path }, { defaults: evaluationDefaults, images: todo.length });
  const bar = await progress(context, { total: images.length, label: model.name, unit: 'images' });
  bar.update(predictions.size);
  const detectOne = async ({ name }: WiderImage): Promise<void> => {
    const { signal } = context;
    signal.throwIfAborted();
    const path = picturePath(pictures, name);
    try {
      const picture = await readImage(path, { signal });
      try {
        // Scored as it will be read again, so that a run that was broken off ends with the same figures.
        const found = await detector.detect(picture, { signal });
        const text = formatWiderPredictions(name, scoredBoxes(found));
        if (withLandmarks.has(name)) {
          faces.set(name, found);
          if (folder) writeOutputSync(facesPath(folder, name), `${JSON.stringify(found)}\n`);
        }
        if (folder) writeOutputSync(predictionsPath(folder, name), text);
        predictions.set(name, parseWiderPredictions(text, `${name}.txt`));
      } finally {
        picture.close();
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (isFaceDetError(error) && error.code.startsWith('MODEL_')) throw modelError(model.name, error);
      context.fail(path, error);
    }
    bar.tick();
  };
  try {
    for await (const _ of inOrder(todo, detector.concurrency + 2, detectOne)) context.signal.throwIfAborted();
  } finally {
    bar.stop();
    await detector.dispose();
  }
  return { predictions, faces };
}
