// The 492 pictures of WIDER FACE val in the shared data, with attributes and official subsets.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { Box } from '@facedet/core';
import {
  parseWiderAnnotations,
  readWiderGroundTruth,
  widerAttributes,
  widerGroundTruthNames,
  withSubsets,
} from '@facedet/eval/wider';
import { sharedFolder } from './folder.ts';

export interface DevFace {
  readonly box: Box;
  /** Not blurred, occluded, invalid or in an atypical pose. */
  readonly clear: boolean;
  /** Counted by the official medium subset. */
  readonly medium: boolean;
}

export interface DevPicture {
  /** `EVENT/NAME`. */
  readonly name: string;
  readonly path: string;
  readonly faces: readonly DevFace[];
}

const SPOILING = ['blur', 'occlusion', 'invalid', 'pose'] as const;

/** The pictures in the order of their names. */
export async function widerDev(): Promise<DevPicture[]> {
  const list = join(sharedFolder('wider', 'dev'), 'wider_face_val_bbx_gt.txt');
  const folder = sharedFolder('wider', 'ground_truth');
  const file = (name: string) => ({ name, bytes: readFileSync(join(folder, name)) });
  const { face, easy, medium, hard } = widerGroundTruthNames;
  const files = { face: file(face), easy: file(easy), medium: file(medium), hard: file(hard) };
  const truth = await readWiderGroundTruth(files, { inflate: (bytes) => inflateSync(bytes) });
  const images = withSubsets(parseWiderAnnotations(readFileSync(list), basename(list)), truth, basename(list));
  const spoiling = SPOILING.map((attribute) => widerAttributes.indexOf(attribute));
  return images
    .map(({ name, boxes, attributes, counted }) => ({
      name,
      path: sharedFolder('wider', 'dev', 'images', `${name}.jpg`),
      faces: Array.from({ length: boxes.length / 4 }, (_, f): DevFace => {
        const [x, y, width, height] = boxes.subarray(4 * f, 4 * f + 4) as unknown as [number, number, number, number];
        return {
          box: { x, y, width, height },
          clear: spoiling.every((a) => attributes[6 * f + a] === 0),
          medium: counted?.medium[f] === 1,
        };
      }),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
