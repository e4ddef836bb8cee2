import { describe, expect, it } from 'vitest';
import { scoredBoxes } from './boxes.ts';
import { evaluateDetections } from './detection/evaluate.ts';
import { parseCocoTruth } from './detection/coco.ts';
import { parseVoc } from './detection/voc.ts';
import { parseYolo } from './detection/yolo.ts';
import { evaluateMot } from './mot/evaluate.ts';
import { parseMotRows } from './mot/track-rows.ts';
import { createScene } from './synthetic/scene.ts';
import { renderGroup } from './synthetic/group-picture.ts';
import { toJsonl, toMot } from './synthetic/ground-truth-text.ts';
import { readWiderGroundTruth } from './wider/ground-truth.ts';
import { hardestMisses, worstFalsePositives } from './wider/error-examples.ts';
import { evaluateWider } from './wider/protocol.ts';

const truth = parseMotRows('1,1,0,0,9,9,1\n', 'gt.txt');
const images = [{ name: 'e/a', boxes: Float64Array.of(0, 0, 10, 10), attributes: new Uint8Array(6) }];
const evaluation = evaluateWider(
  images,
  new Map([['e/a', scoredBoxes([{ box: { x: 90, y: 0, width: 9, height: 9 }, score: 0.5 }])]]),
);
const frames = [{ index: 0, timestamp: 0, truth: [] }];

/** Each function with options, a call, the options' names, a misspelled one and the suggestion for it. */
const functions: [
  name: string,
  call: (options: object) => unknown,
  names: string[],
  misspelled: string,
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
  ['renderGroup', (options) => renderGroup(options).truth, ['seed', 'width', 'height', 'faces'], 'face', 'faces'],
  ['toMot', (options) => toMot(frames, options), ['minVisibility'], 'minVisibilty', 'minVisibility'],
  ['toJsonl', (options) => toJsonl(frames, options), ['minVisibility'], 'minvisibility', 'minVisibility'],
];

describe.each(functions)('the options of %s', (_, call, names, misspelled, suggestion) => {
  it('are rejected where their name is unknown, with a suggestion', () => {
    expect(() => call({ [misspelled]: 1 })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(`received "${misspelled}"; did you mean ${suggestion}?`) as string,
      }),
    );
  });

  it('have their default where they are undefined', () => {
    expect(call(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(call({}));
  });
});

describe('options out of range', () => {
  it.each<[string, () => unknown, string]>([
    [
      'the size of a group picture',
      () => renderGroup({ width: 1.5 }),
      'Expected width and height as integers from 1 to 8192 but received 1.5 × 640.',
    ],
    [
      'the seed of a group picture',
      () => renderGroup({ seed: Number.NaN }),
      'Expected seed as an integer but received NaN.',
    ],
    [
      'the faces of a group picture',
      () => renderGroup({ faces: 0 }),
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
