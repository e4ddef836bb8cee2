/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeMatlab } from './write-matlab.fixture.ts';
import { type ScoredBoxes, scoredBoxes } from '../boxes.ts';
import { parseWiderAnnotations, parseWiderImageList } from './annotations.ts';
import { recallBreakdown } from './recall-breakdown.ts';
import {
  type WiderGroundTruthFiles,
  readWiderGroundTruth,
  widerGroundTruthNames,
  withSubsets,
} from './ground-truth.ts';
import { faceFile, imageLists, subsetFile } from './ground-truth.fixture.ts';
import { type WiderImage, widerName, widerSubsets } from './image.ts';
import { hardestMisses, worstFalsePositives } from './error-examples.ts';
import { formatWiderPredictions, parseWiderPredictions } from './predictions.ts';
import { evaluateWider } from './protocol.ts';

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

/** The protocol directly from its definition: every threshold, every image, one after the other. */
function referenceAp(
  images: readonly WiderImage[],
  predictions: ReadonlyMap<string, ScoredBoxes>,
  subset: 'easy',
): number {
  const scores = images.flatMap(({ name }) => Array.from(predictions.get(name)?.scores ?? []));
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const curve = Array.from({ length: 1000 }, (_, t) => {
    let [matched, predicted, faces] = [0, 0, 0];
    for (const { name, boxes, counted } of images) {
      const flags = counted![subset];
      faces += flags.filter(Boolean).length;
      const found = new Set<number>();
      const own = predictions.get(name);
      if (!own || boxes.length === 0) continue;
      for (let i = 0; i < own.scores.length; i++) {
        if (!((own.scores[i]! - low) / (high - low || 1) >= 1 - (t + 1) / 1000)) continue;
        const overlap = Array.from({ length: boxes.length / 4 }, (_, f) =>
          plusOneOverlap(own.boxes.subarray(4 * i, 4 * i + 4), boxes.subarray(4 * f, 4 * f + 4)),
        );
        const best = overlap.indexOf(Math.max(...overlap));
        if (overlap[best]! >= 0.5) {
          if (!flags[best]) continue;
          if (!found.has(best)) matched++;
          found.add(best);
        }
        predicted++;
      }
    }
    return { recall: matched / Math.max(faces, 1), precision: matched / Math.max(predicted, 1) };
  });
  return curve.reduce(
    (sum, { recall }, k) =>
      sum + (recall - (curve[k - 1]?.recall ?? 0)) * Math.max(...curve.slice(k).map(({ precision }) => precision)),
    0,
  );
}

function plusOneOverlap(a: Float64Array, b: Float64Array): number {
  const w = Math.min(a[0]! + a[2]!, b[0]! + b[2]!) - Math.max(a[0]!, b[0]!) + 1;
  const h = Math.min(a[1]! + a[3]!, b[1]! + b[3]!) - Math.max(a[1]!, b[1]!) + 1;
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / ((a[2]! + 1) * (a[3]! + 1) + (b[2]! + 1) * (b[3]! + 1) - w * h);
}

const box = fc.tuple(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 4, max: 25 }),
  fc.integer({ min: 4, max: 25 }),
);
const scene = fc.record({
  faces: fc.array(fc.tuple(box, fc.boolean()), { maxLength: 5 }),
  found: fc.option(fc.array(fc.tuple(box, fc.integer({ min: 0, max: 20 })), { maxLength: 8 })),
});

function build(scenes: readonly { faces: [number[], boolean][]; found: [number[], number][] | null }[]) {
  const predictions = new Map<string, ScoredBoxes>();
  const images = scenes.map(({ faces, found }, i): WiderImage => {
    const name = `e/${i}`;
    if (found)
      predictions.set(
        name,
        scoredBoxes(
          found.map(([[x, y, width, height], score]) => ({
            box: { x: x!, y: y!, width: width!, height: height! },
            score: score / 20,
          })),
        ),
      );
    const flags = Uint8Array.from(faces, ([, counts]) => Number(counts));
    return {
      name,
      boxes: Float64Array.from(faces.flatMap(([sides]) => sides)),
      attributes: new Uint8Array(6 * faces.length),
      counted: { easy: flags, medium: flags, hard: flags },
    };
  });
  return { images, predictions };
}

describe('evaluateWider', () => {
  it('agrees with the definition', () => {
    fc.assert(
      fc.property(fc.array(scene, { minLength: 1, maxLength: 4 }), (scenes) => {
        const { images, predictions } = build(scenes as Parameters<typeof build>[0]);
        expect(evaluateWider(images, predictions).metrics.easy!.ap).toBeCloseTo(
          referenceAp(images, predictions, 'easy'),
          12,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('counts the faces of an image without predictions as missed', () => {
    const { images, predictions } = build([
      { faces: [[[0, 0, 9, 9], true]], found: [[[0, 0, 9, 9], 9]] },
      { faces: [[[0, 0, 9, 9], true]], found: null },
    ]);
    const { metrics, perImage } = evaluateWider(images, predictions);
    expect(metrics.easy).toMatchObject({ faces: 2, ap: 0.5 });
    expect(perImage[1]).toMatchObject({ predictions: null, matchScores: Float64Array.of(Number.NaN) });
  });

  it('returns metrics for no predictions and no images', () => {
    expect(evaluateWider([], new Map()).metrics.all).toMatchObject({ faces: 0, ap: 0 });
    const { images } = build([{ faces: [[[0, 0, 9, 9], true]], found: null }]);
    expect(evaluateWider(images, new Map()).metrics.hard!.ap).toBe(0);
  });
});

describe('recallBreakdown, hardestMisses, worstFalsePositives', () => {
  const attributes = Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);
  const images: WiderImage[] = [
    { name: 'e/a', boxes: Float64Array.of(0, 0, 10, 15, 100, 0, 90, 96, 300, 0, 20, 20, 400, 0, 20, 40), attributes },
  ];
  const found = scoredBoxes([
    { box: { x: 0, y: 0, width: 10, height: 15 }, score: 0.9 },
    { box: { x: 100, y: 0, width: 90, height: 96 }, score: 0.3 },
    { box: { x: 700, y: 0, width: 9, height: 9 }, score: 0.8 },
  ]);
  const evaluation = evaluateWider(images, new Map([['e/a', found]]));

  it('counts faces by height and attribute, without invalid ones', () => {
    const { size, blur, occlusion, pose, illumination } = recallBreakdown(evaluation, 0.5);
    expect(size.map(({ faces, found: hits, foundAtThreshold }) => [faces, hits, foundAtThreshold])).toEqual([
      [1, 1, 1],
      [0, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(blur.map(({ faces }) => faces)).toEqual([2, 0, 1]);
    expect(occlusion.map(({ faces }) => faces)).toEqual([2, 1, 0]);
    expect(pose.map(({ faces }) => faces)).toEqual([2, 1]);
    expect(illumination.map(({ faces }) => faces)).toEqual([2, 1]);
  });

  it('lists what should have been found first, and false positives by score', () => {
    expect(hardestMisses(evaluation)).toEqual([
      { image: 'e/a', box: { x: 400, y: 0, width: 20, height: 40 }, score: null, difficulties: ['atypical pose'] },
      {
        image: 'e/a',
        box: { x: 100, y: 0, width: 90, height: 96 },
        score: 0.3,
        difficulties: ['heavy blur', 'partial occlusion', 'extreme illumination'],
      },
    ]);
    expect(worstFalsePositives(evaluation)).toEqual([
      { image: 'e/a', box: { x: 700, y: 0, width: 9, height: 9 }, score: 0.8 },
    ]);
  });
});

describe('annotations', () => {
  const text =
    'e/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0 \n5 6 7 8 2 1 1 1 2 1 \ne/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \ne/c.jpg\n1\n1 1 1 1 0 0 0 0 0 0\n';

  it('parses images with and without faces', () => {
    const images = parseWiderAnnotations(text, 'bbx.txt');
    expect(images.map(({ name, line }) => [name, line])).toEqual([
      ['e/a', 1],
      ['e/b', 5],
      ['e/c', 8],
    ]);
    expect(images[0]!.boxes).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(images[0]!.attributes.subarray(6)).toEqual(Uint8Array.of(2, 1, 1, 1, 2, 1));
    expect(images[1]!.boxes).toHaveLength(0);
    expect(parseWiderImageList(text, 'bbx.txt')).toEqual(['e/a', 'e/b', 'e/c']);
    expect(parseWiderImageList('x/e/a.jpg\nx/e/b.jpg', 'list.txt')).toEqual(['e/a', 'e/b']);
  });

  it.each([
    [
      'cut after an image',
      text.slice(0, 8),
      'bbx.txt, line 2: expected the number of faces of e/a.jpg but received the end of the file',
    ],
    ['cut in a row', text.slice(0, 18), 'bbx.txt, line 3: expected x y width height blur'],
    [
      'cut between rows',
      text.slice(0, 31),
      'bbx.txt, line 4: expected 2 faces of e/a.jpg but received the end of the file after 1',
    ],
    ['a row missing', text.replace('5 6 7 8 2 1 1 1 2 1 \n', ''), 'bbx.txt, line 4: expected x y width height blur'],
    [
      'an additional row',
      text.replace('e/c.jpg', '1 2 3 4 0 0 0 0 0 0\ne/c.jpg'),
      'bbx.txt, line 8: expected the path of an image',
    ],
    [
      'a word in place of a count',
      text.replace('\n2\n', '\ntwo\n'),
      'bbx.txt, line 2: expected the number of faces of e/a.jpg but received "two"',
    ],
    [
      'an image twice',
      text + text,
      'bbx.txt, line 11: expected each image once but received e/a.jpg again (first in line 1)',
    ],
  ])('rejects %s', (_, broken, message) => {
    expect(() => parseWiderAnnotations(broken, 'bbx.txt')).toThrow(message);
  });

  it('rejects a list without images', () => {
    expect(() => parseWiderImageList('nothing\n', 'list.txt')).toThrow('list.txt, line 1: expected paths of images');
  });
});

describe('predictions', () => {
  it('survive formatting and parsing to a thousandth of a pixel', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            box: fc.record({
              x: fc.double({ min: -9, max: 2000, noNaN: true }),
              y: fc.double({ min: -9, max: 2000, noNaN: true }),
              width: fc.double({ min: 0, max: 900, noNaN: true }),
              height: fc.double({ min: 0, max: 900, noNaN: true }),
            }),
            score: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
        ),
        (faces) => {
          const written = scoredBoxes(faces);
          const read = parseWiderPredictions(formatWiderPredictions('e/a', written), 'out/e/a.txt');
          expect(read.scores).toHaveLength(faces.length);
          written.scores.forEach((score, i) => expect(read.scores[i]).toBeCloseTo(score, 8));
          // Predictions whose scores are equal to eight decimals may be reordered.
          if (new Set(read.scores).size === faces.length)
            written.boxes.forEach((value, k) => expect(Math.abs(read.boxes[k]! - value)).toBeLessThan(0.000501));
        },
      ),
    );
  });

  it.each([
    ['', "e/a.txt, line 1: expected the image's name, a but received an empty file"],
    ['b\n0\n', 'e/a.txt, line 1: expected the image\'s name, a but received "b"'],
    ['a\n', 'e/a.txt, line 2: expected the number of boxes but received the end of the file'],
    ['e/a.jpg\n-1\n', 'e/a.txt, line 2: expected the number of boxes but received "-1"'],
    [
      'a\n2\n1 2 3 4 0.5\n',
      'e/a.txt, line 4: expected 2 boxes, as line 2 states but received the end of the file after 1',
    ],
    ['a\n1\n1 2 3 4\n', 'e/a.txt, line 3: expected x y width height score but received "1 2 3 4"'],
    [
      'a\n1\n1 2 3 4 0.5\n1 2 3 4 0.4\n',
      'e/a.txt, line 4: expected the end of the file after 1 boxes, as line 2 states but received "1 2 3 4 0.4"',
    ],
  ])('rejects %j', (text, message) => {
    expect(() => parseWiderPredictions(text, 'e/a.txt')).toThrow(message);
  });

  it('name images by event and base name', () => {
    expect(widerName('/data/WIDER_val/images/0--Parade/0_Parade_a.b.jpg')).toBe('0--Parade/0_Parade_a.b');
  });
});

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
      'easy.mat: expected the images of face.mat in the same order (in file_list: a) but received b; take all four .mat files from one download.',
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
