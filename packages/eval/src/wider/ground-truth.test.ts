/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseWiderAnnotations } from './annotations.ts';
import { faceFile, imageLists, subsetFile } from './ground-truth.fixture.ts';
import {
  type WiderGroundTruthFiles,
  readWiderGroundTruth,
  widerGroundTruthNames,
  withSubsets,
} from './ground-truth.ts';
import { widerSubsets } from './image.ts';
import { writeMatlab } from './write-matlab.fixture.ts';

const shared = join(dirname(fileURLToPath(import.meta.url)), '../../../../../shared/wider');
const hasShared = existsSync(shared);
if (!hasShared) console.warn('skipped: reading the official ground truth needs ../shared/wider beside the repository');

function officialFiles(): WiderGroundTruthFiles {
  return Object.fromEntries(
    Object.entries(widerGroundTruthNames).map(([role, name]) => [
      role,
      { name, bytes: readFileSync(join(shared, 'ground_truth', name)) },
    ]),
  ) as unknown as WiderGroundTruthFiles;
}

describe('ground truth', () => {
  const files = (over: Partial<Record<keyof WiderGroundTruthFiles, Uint8Array>> = {}) =>
    ({
      face: { name: 'face.mat', bytes: over.face ?? faceFile() },
      easy: { name: 'easy.mat', bytes: over.easy ?? subsetFile([[], []]) },
      medium: { name: 'medium.mat', bytes: over.medium ?? subsetFile([[2], []]) },
      hard: { name: 'hard.mat', bytes: over.hard ?? subsetFile([[1, 2], [1]]) },
    }) satisfies WiderGroundTruthFiles;

  it('combines faces, attributes and subsets', async () => {
    const [a, b] = await readWiderGroundTruth(files());
    expect(a).toMatchObject({
      name: 'e/a',
      boxes: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      counted: { easy: Uint8Array.of(0, 0), medium: Uint8Array.of(0, 1), hard: Uint8Array.of(1, 1) },
    });
    expect(b).toMatchObject({ name: 'e/b', counted: { hard: Uint8Array.of(1) } });
  });

  it.each([
    [
      'other images',
      { easy: subsetFile([[], []], { file_list: { cells: [{ cells: ['b', 'a'] }] } }) },
      'easy.mat: expected the images of face.mat in the same order (in file_list: a) but received b; take all four',
    ],
    ['an index without a face', { hard: subsetFile([[3], []]) }, 'hard.mat: expected indices from 1 to 2 for e/a'],
    [
      'a missing variable',
      { hard: writeMatlab(imageLists) },
      'hard.mat: expected a MATLAB 5 file but received one without gt_list (of event_list, file_list, gt_list).',
    ],
  ])('rejects %s', async (_, over, message) => {
    await expect(readWiderGroundTruth(files(over))).rejects.toThrow(message);
  });

  it('adds subsets to a list of images, and names the line where they differ', async () => {
    const truth = await readWiderGroundTruth(files());
    const list = (text: string) => withSubsets(parseWiderAnnotations(text, 'bbx.txt'), truth, 'bbx.txt');
    expect(list('e/b.jpg\n1\n9 9 9 9 0 0 0 0 0 0\n')[0]).toMatchObject({
      name: 'e/b',
      counted: { hard: Uint8Array.of(1) },
    });
    expect(() => list('e/c.jpg\n1\n9 9 9 9 0 0 0 0 0 0\n')).toThrow(
      "bbx.txt, line 1: expected an image of the ground truth's .mat files but received e/c",
    );
    expect(() => list('e/a.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n')).toThrow(
      'bbx.txt, line 1: expected the 2 faces of e/a in the .mat files but received 1',
    );
    expect(() => list('e/a.jpg\n2\n5 6 7 8 0 0 0 0 0 0\n1 2 3 4 0 0 0 0 0 0\n')).toThrow(
      'bbx.txt, line 3: expected the box of the .mat files, 1 2 3 4 but received 5 6 7 8',
    );
  });

  it.skipIf(!hasShared)(
    'reads the official files: 3,226 images with 7,211 easy, 13,319 medium and 31,958 hard faces [needs ../shared]',
    async () => {
      const truth = await readWiderGroundTruth(officialFiles());
      expect(truth).toHaveLength(3226);
      const faces = widerSubsets.map((subset) =>
        truth.reduce((sum, { counted }) => sum + counted![subset].reduce((a, b) => a + b, 0), 0),
      );
      expect(faces).toEqual([7211, 13319, 31958]);
      const list = join(shared, 'dev/wider_face_val_bbx_gt.txt');
      expect(withSubsets(parseWiderAnnotations(readFileSync(list), list), truth, list)).toHaveLength(492);
    },
  );
});
