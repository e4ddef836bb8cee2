import { readFile } from 'node:fs/promises';
import { FaceDetError } from '@facedet/core';
import { defaultTrainingImagesUrl } from '../default.ts';

/**
 * The WIDER FACE val images that the default weights have seen in training, as `EVENT/IMAGE` without extension: an AP
 * over all of val is no fair figure for them.
 *
 * @throws FaceDetError `NO_MODEL` where this build carries no default weights.
 */
export async function readTrainingImages(): Promise<string[]> {
  const url = defaultTrainingImagesUrl();
  try {
    const json = JSON.parse(await readFile(url, 'utf8')) as string[] | { images: string[] };
    return Array.isArray(json) ? json : json.images;
  } catch (cause) {
    throw new FaceDetError(
      'NO_MODEL',
      `The list of the default weights' training images is missing at ${url}: install @facedet/models again.`,
      { cause },
    );
  }
}
