/// <reference types="node" />
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoredBoxes } from '../scored-boxes.ts';
import { parseCocoResults, parseCocoTruth } from './coco-files.ts';
import { evaluateDetections } from './metrics.ts';
import { type TruthImage, imageFinder } from './truth.ts';
import { parseVoc } from './voc.ts';
import { parseYolo } from './yolo.ts';

const face = (x: number, y: number, width: number, height: number, score: number) => ({ box: { x, y, width, height }, score });

describe('evaluateDetections', () => {
  it('gives what pycocotools gives for random faces, crowds and ties', () => {
    const { expected, truth, results } = JSON.parse(readFileSync(new URL('fixtures/pycocotools.json', import.meta.url), 'utf8'));
    const images = parseCocoTruth(JSON.stringify(truth), 'truth.json');
    const figures = evaluateDetections(images, parseCocoResults(JSON.stringify(results), 'results.json', images));
    for (const [name, value] of Object.entries(expected)) expect(figures[name as 'AP'], name).toBeCloseTo(value as number, 12);
  });

  it('is perfect where the predictions are the truth, whatever the boxes', () => {
    const box = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 5, max: 90 }));
    fc.assert(
      fc.property(fc.uniqueArray(box, { minLength: 1, maxLength: 12, selector: ([x, y]) => `${x} ${y}` }), (boxes) => {
        const faces = boxes.map(([x, y, side], i) => face(100 * x, 100 * y, side, side, 1 - i / 100));
        const image: TruthImage = { name: 'a', boxes: scoredBoxes(faces).boxes };
        const figures = evaluateDetections([image], new Map([['a', scoredBoxes(faces)]]));
        expect(figures.AP).toBeCloseTo(1, 12);
        expect(figures).toMatchObject({ ARmax: 1, atThreshold: { precision: 1, recall: 1, f1: 1 } });
      }),
    );
  });

  it('tells precision, recall and F1 at the threshold', () => {
    const images: TruthImage[] = [{ name: 'a', boxes: Float64Array.of(0, 0, 10, 10, 50, 0, 10, 10, 90, 0, 10, 10), ignored: Uint8Array.of(0, 0, 1) }];
    const found = scoredBoxes([face(0, 0, 10, 10, 0.9), face(90, 0, 10, 10, 0.8), face(20, 20, 10, 10, 0.7), face(50, 0, 10, 10, 0.4)]);
    const { atThreshold, faces } = evaluateDetections(images, new Map([['a', found]]));
    expect(faces).toBe(2);
    expect(atThreshold).toMatchObject({ truePositives: 1, falsePositives: 1, falseNegatives: 1, precision: 0.5, recall: 0.5, f1: 0.5 });
  });

  it('counts the faces of an image without predictions as missed, and has no AP without faces', () => {
    const images: TruthImage[] = [{ name: 'a', boxes: Float64Array.of(0, 0, 10, 10) }];
    expect(evaluateDetections(images, new Map())).toMatchObject({ AP: 0, ARmax: 0, atThreshold: { falseNegatives: 1 } });
    expect(evaluateDetections([{ name: 'a', boxes: new Float64Array(0) }], new Map())).toMatchObject({ faces: 0, AP: null });
  });
});

describe('labels', () => {
  const voc = `<annotation>
  <size><width>640</width><height>480</height></size>
  <object><name>face</name><difficult>1</difficult><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>
  <object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>
</annotation>`;

  it('reads VOC', () => {
    expect(parseVoc(voc, 'set/a.xml')).toEqual({ name: 'set/a', boxes: Float64Array.of(10, 20, 30, 40, 1, 2, 2, 2), ignored: Uint8Array.of(1, 0), width: 640, height: 480 });
    expect(parseVoc(voc, 'a.xml', { label: 'face' }).boxes).toHaveLength(4);
  });

  it.each([
    [voc.slice(0, 130), 'a.xml, line 3: expected XML'],
    [voc.replace('<ymax>60</ymax>', '<ymax>tall</ymax>'), 'a.xml, line 3: expected a number in <ymax>, got "tall"'],
    [voc.replace('<xmax>40</xmax>', ''), 'a.xml, line 3: expected a number in <xmax>, got no such element'],
    ['<html/>', 'a.xml, line 1: expected <annotation>, got <html>'],
    ['', 'a.xml, line 1: expected XML'],
  ])('names the line of broken VOC', (xml, message) => {
    expect(() => parseVoc(xml, 'a.xml')).toThrow(message);
  });

  it('reads YOLO', () => {
    expect(parseYolo('0 .5 .5 .1 .2\n1 0.25 0.25 0.5 0.5\n', 'a.txt', { width: 100, height: 200 }, { label: '0' }).boxes).toEqual(Float64Array.of(45, 80, 10, 40));
    expect(() => parseYolo('0 .5 .5 .1 .2\n0 .5 .5 .1\n', 'a.txt', { width: 1, height: 1 })).toThrow('a.txt, line 2: expected class');
    expect(() => parseYolo('0 50 50 10 20\n', 'a.txt', { width: 1, height: 1 })).toThrow('a.txt, line 1: expected class');
  });

  it('names the entry of broken COCO files', () => {
    const truth = { images: [{ id: 1, file_name: 'a.jpg' }], annotations: [{ image_id: 1, bbox: [0, 0, 1] }] };
    expect(() => parseCocoTruth(JSON.stringify(truth), 't.json')).toThrow('t.json: expected [x, y, width, height] in annotations[0].bbox, got [0,0,1]');
    expect(() => parseCocoTruth('{\n"images": [', 't.json')).toThrow('t.json, line 2: expected JSON');
    expect(() => parseCocoResults('[{"image_id": 2}]', 'r.json', [{ id: 1, name: 'a', boxes: new Float64Array(0) }])).toThrow('r.json: expected the id of an image of the ground truth in [0].image_id, got 2');
  });

  it('finds an image by the end of its path', () => {
    const find = imageFinder([{ name: 'x/a' }, { name: 'y/a' }, { name: 'b' }]);
    expect(find('/data/y/a.jpg')?.name).toBe('y/a');
    expect(find('somewhere/b.png')?.name).toBe('b');
    expect(find('c.png')).toBeUndefined();
    expect(() => find('z/a.jpg')).toThrow('expected z/a.jpg to name one image');
  });
});
