/// <reference types="node" />
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoredBoxes } from '../boxes.ts';
import { parseCocoResults, parseCocoTruth } from './coco.ts';
import { evaluateDetections } from './evaluate.ts';
import { referenceDetections } from './reference-metrics.fixture.ts';
import { createImageFinder } from './image-finder.ts';
import type { LabeledImage } from './labeled-image.ts';
import { parseVoc } from './voc.ts';
import { parseYolo } from './yolo.ts';

const face = (...[x, y, width, height, score]: [number, number, number, number, number]) => ({
  box: { x, y, width, height },
  score,
});

describe('evaluateDetections', () => {
  it.each([
    ['random faces, crowds and ties', 'pycocotools.json'],
    [
      'areas other than width × height, and `ignore` (from tools/training/parity/coco_areas.py)',
      'pycocotools-areas.json',
    ],
  ])('agrees with pycocotools to 1e-12 for %s', (_, fixture) => {
    const { expected, truth, results } = JSON.parse(
      readFileSync(new URL(`fixtures/${fixture}`, import.meta.url), 'utf8'),
    );
    const images = parseCocoTruth(JSON.stringify(truth), 'truth.json');
    const figures = evaluateDetections(images, parseCocoResults(JSON.stringify(results), 'results.json', images));
    for (const [name, value] of Object.entries(expected))
      expect(figures[name as 'AP'], name).toBeCloseTo(value as number, 12);
  });

  it('agrees with the straightforward reference implementation', () => {
    const side = fc.constantFrom(20, 32, 40, 96, 110);
    const box = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }), side, side);
    const scene = fc.record({
      faces: fc.array(
        fc.record({
          box,
          area: fc.constantFrom(null, 0, 400, 32 ** 2, 5000, 96 ** 2, 2e4, 2e10),
          ignored: fc.boolean(),
          crowd: fc.boolean(),
        }),
        { maxLength: 6 },
      ),
      found: fc.option(fc.array(fc.tuple(box, fc.integer({ min: 0, max: 6 })), { maxLength: 14 })),
    });
    fc.assert(
      fc.property(
        fc.array(scene, { maxLength: 5 }),
        fc.constantFrom(1, 3, 12, 100, Infinity),
        fc.constantFrom(-1, 0.5, 0.9),
        (scenes, maxDetections, scoreThreshold) => {
          const images = scenes.map(({ faces }, i): LabeledImage => ({
            name: String(i),
            boxes: Float64Array.from(faces.flatMap(({ box: sides }) => sides)),
            areas: Float64Array.from(faces, ({ box: [, , width, height], area }) => area ?? width * height),
            ignored: Uint8Array.from(faces, ({ ignored }) => Number(ignored)),
            crowd: Uint8Array.from(faces, ({ crowd }) => Number(crowd)),
          }));
          const predictions = new Map(
            scenes.flatMap(({ found }, i) =>
              found
                ? [[String(i), scoredBoxes(found.map(([[x, y, w, h], score]) => face(x, y, w, h, score / 6)))] as const]
                : [],
            ),
          );
          expect(evaluateDetections(images, predictions, { maxDetections, scoreThreshold })).toEqual(
            referenceDetections(images, predictions, maxDetections, scoreThreshold),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('accepts detections in any order', () => {
    const images: LabeledImage[] = [{ name: 'a', boxes: Float64Array.of(0, 0, 10, 10) }];
    const falling = scoredBoxes([face(0, 0, 10, 10, 0.9), face(40, 0, 10, 10, 0.2)]);
    const rising = { boxes: Float64Array.of(40, 0, 10, 10, 0, 0, 10, 10), scores: Float64Array.of(0.2, 0.9) };
    expect(evaluateDetections(images, new Map([['a', rising]]))).toEqual(
      evaluateDetections(images, new Map([['a', falling]])),
    );
  });

  it.each([
    [{ maxDetection: 5 }, 'did you mean maxDetections?'],
    [{ maxDetections: 0 }, 'Expected a whole number from 1, or Infinity, for maxDetections but received 0.'],
    [{ maxDetections: 2.5 }, 'Expected a whole number from 1, or Infinity, for maxDetections but received 2.5.'],
    [{ scoreThreshold: Number.NaN }, 'Expected a number for scoreThreshold but received NaN.'],
    [null, 'Expected an object for options but received null; leave it out for the defaults.'],
  ])('rejects the options %j', (options, message) => {
    expect(() => evaluateDetections([], new Map(), options as object)).toThrow(message);
  });

  it('uses the default of an option that is undefined', () => {
    const options = { maxDetections: undefined, scoreThreshold: undefined } as object;
    expect(evaluateDetections([], new Map(), options)).toEqual(evaluateDetections([], new Map()));
  });

  it('rejects arrays of inconsistent lengths', () => {
    const image = { name: 'a', boxes: Float64Array.of(0, 0, 10, 10) };
    expect(() => evaluateDetections([{ ...image, areas: new Float64Array(2) }], new Map())).toThrow(
      'one in areas for each face of "a" but received 4 and 2',
    );
    expect(() => evaluateDetections([{ ...image, boxes: new Float64Array(5) }], new Map())).toThrow(
      'Expected four numbers in boxes',
    );
    expect(() =>
      evaluateDetections([image], new Map([['a', { boxes: new Float64Array(3), scores: new Float64Array(1) }]])),
    ).toThrow('Expected four numbers in boxes for each score but received 3 for 1.');
    expect(() => scoredBoxes([face(Number.NaN, 0, 1, 1, 0.5)])).toThrow(
      'Expected a finite box and score of face 0 but received {',
    );
  });

  it('is perfect where the predictions equal the ground truth, for any boxes', () => {
    const box = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 5, max: 90 }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(box, { minLength: 1, maxLength: 12, selector: ([x, y]) => `${x} ${y}` }), (boxes) => {
        const faces = boxes.map(([x, y, side], i) => face(100 * x, 100 * y, side, side, 1 - i / 100));
        const image: LabeledImage = { name: 'a', boxes: scoredBoxes(faces).boxes };
        const figures = evaluateDetections([image], new Map([['a', scoredBoxes(faces)]]));
        expect(figures.AP).toBeCloseTo(1, 12);
        expect(figures).toMatchObject({ ARmax: 1, atThreshold: { precision: 1, recall: 1, f1: 1 } });
      }),
    );
  });

  it('computes precision, recall and F1 at the score threshold', () => {
    const images: LabeledImage[] = [
      {
        name: 'a',
        boxes: Float64Array.of(0, 0, 10, 10, 50, 0, 10, 10, 90, 0, 10, 10),
        ignored: Uint8Array.of(0, 0, 1),
      },
    ];
    const found = scoredBoxes([
      face(0, 0, 10, 10, 0.9),
      face(90, 0, 10, 10, 0.8),
      face(20, 20, 10, 10, 0.7),
      face(50, 0, 10, 10, 0.4),
    ]);
    const { atThreshold, faces } = evaluateDetections(images, new Map([['a', found]]));
    expect(faces).toBe(2);
    expect(atThreshold).toMatchObject({
      truePositives: 1,
      falsePositives: 1,
      falseNegatives: 1,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
    });
  });

  it('counts the faces of an image without predictions as missed, and has no AP without faces', () => {
    const images: LabeledImage[] = [{ name: 'a', boxes: Float64Array.of(0, 0, 10, 10) }];
    expect(evaluateDetections(images, new Map())).toMatchObject({
      AP: 0,
      ARmax: 0,
      atThreshold: { falseNegatives: 1 },
    });
    expect(evaluateDetections([{ name: 'a', boxes: new Float64Array(0) }], new Map())).toMatchObject({
      faces: 0,
      AP: null,
    });
  });
});

describe('labels', () => {
  const bndbox = (...[left, top, right, bottom]: number[]) =>
    `<bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax><ymax>${bottom}</ymax></bndbox>`;
  const voc = `<annotation>
  <size><width>640</width><height>480</height></size>
  <object><name>face</name><difficult>1</difficult>${bndbox(10, 20, 40, 60)}</object>
  <object><name>dog</name>${bndbox(1, 2, 3, 4)}</object>
</annotation>`;

  it('parses VOC', () => {
    expect(parseVoc(voc, 'set/a.xml')).toEqual({
      name: 'set/a',
      boxes: Float64Array.of(10, 20, 30, 40, 1, 2, 2, 2),
      ignored: Uint8Array.of(1, 0),
      width: 640,
      height: 480,
    });
    expect(parseVoc(voc, 'a.xml', { label: 'face' }).boxes).toHaveLength(4);
  });

  it.each([
    [voc.slice(0, 130), 'a.xml, line 3: expected XML'],
    [
      voc.replace('<ymax>60</ymax>', '<ymax>tall</ymax>'),
      'a.xml, line 3: expected a number in <ymax> but received "tall"',
    ],
    [voc.replace('<xmax>40</xmax>', ''), 'a.xml, line 3: expected a number in <xmax> but received no such element'],
    ['<html/>', 'a.xml, line 1: expected <annotation> but received <html>'],
    ['', 'a.xml, line 1: expected XML'],
  ])('names the line of malformed VOC', (xml, message) => {
    expect(() => parseVoc(xml, 'a.xml')).toThrow(message);
  });

  it('parses YOLO', () => {
    expect(
      parseYolo('0 0.5 0.5 0.1 0.2\n1 0.25 0.25 0.5 0.5\n', 'a.txt', { width: 100, height: 200 }, { label: '0' }).boxes,
    ).toEqual(Float64Array.of(45, 80, 10, 40));
    expect(() => parseYolo('0 0.5 0.5 0.1 0.2\n0 0.5 0.5 0.1\n', 'a.txt', { width: 1, height: 1 })).toThrow(
      'a.txt, line 2: expected class',
    );
    expect(() => parseYolo('0 50 50 10 20\n', 'a.txt', { width: 1, height: 1 })).toThrow(
      'a.txt, line 1: expected class',
    );
  });

  it('names the entry of malformed COCO files', () => {
    const truth = { images: [{ id: 1, file_name: 'a.jpg' }], annotations: [{ image_id: 1, bbox: [0, 0, 1] }] };
    expect(() => parseCocoTruth(JSON.stringify(truth), 't.json')).toThrow(
      't.json: expected [x, y, width, height] in annotations[0].bbox but received [0,0,1]',
    );
    expect(() => parseCocoTruth('{\n"images": [', 't.json')).toThrow('t.json, line 2: expected JSON');
    expect(() =>
      parseCocoResults('[{"image_id": 2}]', 'r.json', [{ id: 1, name: 'a', boxes: new Float64Array(0) }]),
    ).toThrow('r.json: expected the id of an image of the ground truth in [0].image_id but received 2');
  });

  it('rejects COCO files that would silently be misread', () => {
    const image = (id: number, name: string) => ({ id, file_name: name });
    const truth =
      (images: object[], annotations: object[] = []) =>
      () =>
        parseCocoTruth(JSON.stringify({ images, annotations }), 't.json');
    expect(truth([image(1, 'a.jpg'), image(1, 'b.jpg')])).toThrow(
      't.json: expected each id once in images[1].id but received 1 again.',
    );
    expect(truth([image(1, 'a.jpg'), image(2, 'a.png')])).toThrow(
      't.json: expected each file_name without extension once, in images[1] but received "a.png", which images[0]',
    );
    for (const area of [null, '9', -1])
      expect(truth([image(1, 'a')], [{ image_id: 1, bbox: [0, 0, 1, 1], area }])).toThrow(
        't.json: expected a number of at least 0 in annotations[0].area',
      );
  });

  it.each([
    ['parseCocoTruth', () => parseCocoTruth('{}', 'a', { labels: 'face' } as object)],
    ['parseVoc', () => parseVoc(voc, 'a', { labels: 'face' } as object)],
    ['parseYolo', () => parseYolo('', 'a', { width: 1, height: 1 }, { labels: '1' } as object)],
  ])('rejects an unknown option of %s', (_, parse) => {
    expect(parse).toThrow('Expected a known name in options but received "labels"; did you mean label?');
  });

  it('rejects class names and invalid sizes for YOLO', () => {
    expect(() => parseYolo('', 'a.txt', { width: 1, height: 1 }, { label: 'face' })).toThrow(
      'Expected the number of a class for label but received "face"',
    );
    expect(() => parseYolo('', 'a.txt', { width: 0, height: 1 })).toThrow('Expected the size of the image in pixels');
  });

  it('finds an image by the trailing parts of its path', () => {
    const find = createImageFinder([{ name: 'x/a' }, { name: 'y/a' }, { name: 'b' }]);
    expect(find('/data/y/a.jpg')?.name).toBe('y/a');
    expect(find('somewhere/b.png')?.name).toBe('b');
    expect(find('c.png')).toBeUndefined();
    expect(() => find('z/a.jpg')).toThrow(
      'z/a.jpg: expected a path that fits one image of the ground truth but received one that fits 2 (x/a, y/a)',
    );
  });
});
