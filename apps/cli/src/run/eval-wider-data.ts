import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import {
  parseLandmarkLabels,
  parseWiderAnnotations,
  parseWiderImageList,
  parseWiderPredictions,
  readWiderGroundTruth,
  widerGroundTruthNames,
  withSubsets,
  type LandmarkLabels,
  type ScoredBoxes,
  type WiderGroundTruthFiles,
  type WiderImage,
} from '@facedet/eval';
import { CommandError, usageError } from '../shared/errors.ts';

/** Where the truth of an evaluation comes from. */
export interface TruthOptions {
  dataRoot?: string;
  split?: 'val' | 'train';
  groundTruth?: string;
  images?: string;
}

/** The images that count, with their faces: the data root's list or all of the `.mat` files, narrowed by `--images`. */
export async function readTruth({ dataRoot, split = 'val', groundTruth, images }: TruthOptions): Promise<WiderImage[]> {
  if (!dataRoot && !groundTruth) throw usageError('expected --data-root (WIDER FACE in its own layout) or --ground-truth (the folder of the official .mat files)');
  const official = groundTruth ? await readWiderGroundTruth(groundTruthFiles(groundTruth), { inflate: (packed) => inflateSync(packed, { chunkSize: 1 << 18, maxOutputLength: 1 << 28 }) }) : null;
  const all = dataRoot ? listed(dataRoot, split, official) : official!;
  if (!images) return all;
  const names = parseWiderImageList(readFileSync(images), images);
  const byName = new Map(all.map((image) => [image.name, image]));
  return names.map((name) => {
    const image = byName.get(name);
    if (!image) throw new CommandError('MISMATCHED_FILES', `expected images of ${dataRoot ? annotationsPath(dataRoot, split) : groundTruth}, which does not list ${name}`, { input: images });
    return image;
  });
}

function listed(dataRoot: string, split: 'val' | 'train', official: WiderImage[] | null): WiderImage[] {
  const path = annotationsPath(dataRoot, split);
  if (!existsSync(path)) throw new CommandError('NOT_FOUND', `expected WIDER FACE's own layout, with wider_face_split/wider_face_${split}_bbx_gt.txt; there is no such file`, { input: path });
  const images = parseWiderAnnotations(readFileSync(path), path);
  return official ? withSubsets(images, official, path) : images;
}

function annotationsPath(dataRoot: string, split: string): string {
  return join(dataRoot, 'wider_face_split', `wider_face_${split}_bbx_gt.txt`);
}

function groundTruthFiles(folder: string): WiderGroundTruthFiles {
  const files = Object.entries(widerGroundTruthNames).map(([role, name]) => {
    const path = join(folder, name);
    if (!existsSync(path)) throw new CommandError('NOT_FOUND', `expected the four official files ${Object.values(widerGroundTruthNames).join(', ')} in --ground-truth; there is no such file`, { input: path });
    return [role, { name: path, bytes: readFileSync(path) }];
  });
  return Object.fromEntries(files) as WiderGroundTruthFiles;
}

/** RetinaFace's landmarks of the images that have some, where the data root has `retinaface_gt/SPLIT/label.txt`. */
export function readLandmarkLabels(dataRoot: string, split: string): Map<string, LandmarkLabels> {
  const path = join(dataRoot, 'retinaface_gt', split, 'label.txt');
  if (!existsSync(path)) return new Map();
  return new Map([...parseLandmarkLabels(readFileSync(path), path)].filter(([, { points }]) => points.some((value) => !Number.isNaN(value))));
}

/** The path of an image's file in a submission folder. */
export function predictionsPath(folder: string, name: string): string {
  return join(folder, `${name}.txt`);
}

/** The predictions of a submission folder for the images given; an image without a file is not in the result. */
export function readPredictions(folder: string, images: readonly WiderImage[]): Map<string, ScoredBoxes> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new CommandError('NOT_FOUND', 'expected a folder of EVENT/NAME.txt files in --predictions; there is no such folder', { input: folder });
  const predictions = new Map<string, ScoredBoxes>();
  // One buffer for all: there are thousands of small files.
  const buffer = new Uint8Array(1 << 20);
  for (const { name } of images) {
    const path = predictionsPath(folder, name);
    const bytes = readInto(path, buffer);
    if (bytes) predictions.set(name, parseWiderPredictions(bytes, path));
  }
  if (predictions.size === 0) throw new CommandError('NO_INPUT', `expected EVENT/NAME.txt files in --predictions (like ${images[0]?.name ?? '0--Parade/…'}.txt), found none for the images that count`, { input: folder });
  return predictions;
}

/** The bytes of a file, in the buffer where they fit; null where there is no such file. */
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
    for (let read = -1; read !== 0 && size < buffer.length; size += read) read = readSync(file, buffer, size, buffer.length - size, null);
    return size < buffer.length ? buffer.subarray(0, size) : readFileSync(path);
  } finally {
    closeSync(file);
  }
}
