import { describe, expect, it } from 'vitest';
import { scoredBoxes } from './scored-boxes.ts';
import { evaluateDetections } from './detection/metrics.ts';
import { parseCocoTruth } from './detection/coco-files.ts';
import { parseVoc } from './detection/voc.ts';
import { parseYolo } from './detection/yolo.ts';
import { coverLower } from './degrade/degrade.ts';
import { evaluateMot } from './mot/evaluate.ts';
import { parseMotRows } from './mot/rows.ts';
import { createScene } from './synthetic/scene.ts';
import { groupPicture, renderPortrait } from './synthetic/portrait.ts';
import { toJsonl, toMot } from './synthetic/truth-text.ts';
import { readWiderGroundTruth } from './wider/ground-truth.ts';
import { hardestMisses, worstFalsePositives } from './wider/misses.ts';
import { evaluateWider } from './wider/protocol.ts';

const truth = parseMotRows('1,1,0,0,9,9,1\n', 'gt.txt');
const images = [{ name: 'e/a', boxes: Float64Array.of(0, 0, 10, 10), attributes: new Uint8Array(6) }];
const evaluation = evaluateWider(
  images,
  new Map([['e/a', scoredBoxes([{ box: { x: 90, y: 0, width: 9, height: 9 }, score: 0.5 }])]]),
);
const frames = [{ index: 0, timestamp: 0, truth: [] }];

/** Each function that takes options, called with some; their names; a misspelt one and the suggestion for it. */
const functions: [
  name: string,
  call: (options: object) => unknown,
  names: string[],
  misspelt: string,
  suggestion: string,
][] = [
  [
    'evaluateDetections',
    (options) => evaluateDetections(images, new Map(), options),
    ['maxDetections', 'scoreThreshold'],
    'scoreTreshold',
    'scoreThreshold',
  ],
  [
    'parseCocoTruth',
    (options) => parseCocoTruth('{"images":[],"annotations":[]}', 'a', options),
    ['label'],
    'labels',
    'label',
  ],
  ['parseVoc', (options) => parseVoc('<annotation/>', 'a', options), ['label'], 'labels', 'label'],
  ['parseYolo', (options) => parseYolo('', 'a', { width: 1, height: 1 }, options), ['label'], 'labell', 'label'],
  [
    'evaluateMot',
    (options) => evaluateMot({ truth, tracks: truth, ...options }),
    ['length', 'distractors'],
    'distractor',
    'distractors',
  ],
  [
    'hardestMisses',
    (options) => hardestMisses(evaluation, options),
    ['count', 'scoreThreshold', 'perImage'],
    'per_image',
    'perImage',
  ],
  [
    'worstFalsePositives',
    (options) => worstFalsePositives(evaluation, options),
    ['count', 'perImage'],
    'counts',
    'count',
  ],
  [
    'createScene',
    (options) => createScene(options).truth(0),
    ['seed', 'width', 'height', 'fps', 'duration', 'frames', 'faces', 'events'],
    'frame',
    'frames',
  ],
  ['renderPortrait', (options) => renderPortrait(options).truth, ['seed', 'width', 'height'], 'heigth', 'height'],
  ['groupPicture', (options) => groupPicture(options).truth, ['seed', 'width', 'height', 'faces'], 'face', 'faces'],
  ['toMot', (options) => toMot(frames, options), ['minVisibility'], 'minVisibilty', 'minVisibility'],
  ['toJsonl', (options) => toJsonl(frames, options), ['minVisibility'], 'minvisibility', 'minVisibility'],
];

describe.each(functions)('the options of %s', (_, call, names, misspelt, suggestion) => {
  it('are refused where their name is unknown, with a suggestion', () => {
    expect(() => call({ [misspelt]: 1 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`received "${misspelt}"; did you mean ${suggestion}?`) as string,
      }),
    );
  });

  it('have their defaults where they are undefined', () => {
    expect(call(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(call({}));
  });
});

describe('options out of range', () => {
  it.each<[string, () => unknown, string]>([
    [
      'the size of a portrait',
      () => renderPortrait({ width: 1.5 }),
      'Expected width and height as integers from 1 to 8192 but received 1.5 × 400.',
    ],
    [
      'the seed of a portrait',
      () => renderPortrait({ seed: Number.NaN }),
      'Expected seed as an integer but received NaN.',
    ],
    [
      'the faces of a group',
      () => groupPicture({ faces: 0 }),
      'Expected faces as an integer from 1 to 1000 but received 0.',
    ],
    [
      'the events of a scene',
      () => createScene({ events: 'blur' as never }),
      'Expected events as a list of crossing, absence',
    ],
    [
      'the length of a scene',
      () => createScene({ duration: Number.NaN }),
      'Expected at least one frame but received duration NaN.',
    ],
    ['a visibility', () => toMot(frames, { minVisibility: 2 }), 'Expected minVisibility from 0 to 1 but received 2.'],
    [
      'a covered part',
      () => coverLower({ data: new Uint8Array(3), width: 1, height: 1, format: 'rgb' }, [], 1.5),
      'Expected a part from 0 to 1 but received 1.5.',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('of readWiderGroundTruth reject', async () => {
    const file = { name: 'a.mat', bytes: new Uint8Array(0) };
    const files = { face: file, easy: file, medium: file, hard: file };
    await expect(readWiderGroundTruth(files, { inflateSync: () => file.bytes } as object)).rejects.toThrow(
      'received "inflateSync"; did you mean inflate?',
    );
    await expect(readWiderGroundTruth(files, { inflate: undefined } as object)).rejects.toThrow(
      'a.mat: expected a MATLAB 5 file',
    );
  });
});
