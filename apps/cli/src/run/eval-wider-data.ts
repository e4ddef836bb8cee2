import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { Face } from '@facedet/core';
import {
  formatWiderPredictions,
  parseLandmarkLabels,
  parseWiderAnnotations,
  parseWiderImageList,
  parseWiderPredictions,
  readWiderGroundTruth,
  scoredBoxes,
  widerGroundTruthNames,
  withSubsets,
  type LandmarkLabels,
  type ScoredBoxes,
  type WiderGroundTruthFiles,
  type WiderImage,
} from '@facedet/eval/wider';
import { writeOutputSync } from '@facedet/files';
import { CommandError, usageError } from '../shared/errors.ts';

/** The sources of the ground truth. */
export interface TruthOptions {
  dataRoot?: string;
  split?: 'val' | 'train';
  groundTruth?: string;
  images?: string;
}

/** The pictures of a data root. */
export interface PictureFolder {
  dataRoot: string;
  split: 'val' | 'train';
}

/** The path of an image's picture in WIDER's own layout. */
export function picturePath({ dataRoot, split }: PictureFolder, name: string): string {
  return join(dataRoot, `WIDER_${split}`, 'images', `${name}.jpg`);
}

/** The evaluated images with their faces: of the data root's list or the `.mat` files, limited by `--images`. */
export async function readTruth({ dataRoot, split = 'val', groundTruth, images }: TruthOptions): Promise<WiderImage[]> {
  if (!dataRoot && !groundTruth) {
    const options =
      '--data-root (WIDER FACE in its own layout) or --ground-truth (the folder of the official .mat files)';
    throw usageError(`expected ${options} but received neither`);
  }
  const official = groundTruth ? await readOfficial(groundTruth) : null;
  const all = dataRoot ? readList(dataRoot, split, official) : official!;
  if (!images) return all;
  const byName = new Map(all.map((image) => [image.name, image]));
  return parseWiderImageList(readFileSync(images), images).map((name) => {
    const image = byName.get(name);
    if (image) return image;
    const source = dataRoot ? annotationsPath(dataRoot, split) : groundTruth;
    const message = `expected images of ${source} but received ${name}, which it does not list`;
    throw new CommandError('MISMATCHED_FILES', message, { input: images });
  });
}

function readOfficial(folder: string): Promise<WiderImage[]> {
  const files = Object.entries(widerGroundTruthNames).map(([role, name]) => {
    const path = join(folder, name);
    if (existsSync(path)) return [role, { name: path, bytes: readFileSync(path) }];
    const names = Object.values(widerGroundTruthNames).join(', ');
    const message = `expected the official files ${names} in --ground-truth but received a folder without this one`;
    throw new CommandError('NOT_FOUND', message, { input: path });
  });
  return readWiderGroundTruth(Object.fromEntries(files) as WiderGroundTruthFiles, {
    inflate: (compressed) => inflateSync(compressed, { chunkSize: 1 << 18, maxOutputLength: 1 << 28 }),
  });
}

function readList(dataRoot: string, split: 'val' | 'train', official: WiderImage[] | null): WiderImage[] {
  const path = annotationsPath(dataRoot, split);
  if (!existsSync(path)) {
    const layout = `WIDER FACE's own layout, with wider_face_split/wider_face_${split}_bbx_gt.txt,`;
    throw new CommandError('NOT_FOUND', `expected ${layout} but received no such file`, { input: path });
  }
  const images = parseWiderAnnotations(readFileSync(path), path);
  return official ? withSubsets(images, official, path) : images;
}

function annotationsPath(dataRoot: string, split: string): string {
  return join(dataRoot, 'wider_face_split', `wider_face_${split}_bbx_gt.txt`);
}

/** RetinaFace's landmarks of the images that have any, if the data root has `retinaface_gt/SPLIT/label.txt`. */
export function readLandmarkLabels(dataRoot: string, split: string): Map<string, LandmarkLabels> {
  const path = join(dataRoot, 'retinaface_gt', split, 'label.txt');
  if (!existsSync(path)) return new Map();
  const labels = [...parseLandmarkLabels(readFileSync(path), path)];
  return new Map(labels.filter(([, { points }]) => points.some((value) => !Number.isNaN(value))));
}

/** The path of an image's file in a submission folder. */
export function predictionsPath(folder: string, name: string): string {
  return join(folder, `${name}.txt`);
}

/** The stored predictions of an image; null where the folder has none, and without a folder. */
export function loadPredictions(folder: string | undefined, name: string): ScoredBoxes | null {
  if (folder === undefined) return null;
  const path = predictionsPath(folder, name);
  return existsSync(path) ? parseWiderPredictions(readFileSync(path), path) : null;
}

/**
 * Stores the faces of an image if there is a folder. Returns the predictions as parsed from the stored text, so that an
 * interrupted run ends with the same metrics.
 */
export function storePredictions(folder: string | undefined, name: string, faces: readonly Face[]): ScoredBoxes {
  const text = formatWiderPredictions(name, scoredBoxes(faces));
  if (folder !== undefined) writeOutputSync(predictionsPath(folder, name), text);
  return parseWiderPredictions(text, `${name}.txt`);
}

/** The predictions of a submission folder for the given images; an image without a file is not in the result. */
export function readPredictions(folder: string, images: readonly WiderImage[]): Map<string, ScoredBoxes> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    const message = 'expected a folder of EVENT/NAME.txt files in --predictions but received no folder';
    throw new CommandError('NOT_FOUND', message, { input: folder });
  }
  const predictions = new Map<string, ScoredBoxes>();
  // One buffer for all, as there are thousands of small files.
  const buffer = new Uint8Array(1 << 20);
  for (const { name } of images) {
    const path = predictionsPath(folder, name);
    const bytes = readInto(path, buffer);
    if (bytes) predictions.set(name, parseWiderPredictions(bytes, path));
  }
  if (predictions.size === 0) {
    const example = predictionsPath('', images[0]?.name ?? '0--Parade/…');
    const message = `expected EVENT/NAME.txt files in --predictions (like ${example}) but received none for the images`;
    throw new CommandError('NO_INPUT', message, { input: folder });
  }
  return predictions;
}

/** The bytes of a file, in the buffer if they fit; null for a missing file. */
function readInto(path: string, buffer: Uint8Array): Uint8Array | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    let size = 0;
    for (let read = -1; read !== 0 && size < buffer.length; size += read)
      read = readSync(file, buffer, size, buffer.length - size, null);
    return size < buffer.length ? buffer.subarray(0, size) : readFileSync(path);
  } finally {
    closeSync(file);
  }
}
