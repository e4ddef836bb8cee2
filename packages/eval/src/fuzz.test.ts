/// <reference types="node" />
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFaceDetError } from '@facedet/checks';
import { parseCocoResults, parseCocoTruth } from './detection/coco.ts';
import { evaluateDetections } from './detection/evaluate.ts';
import { parseVoc } from './detection/voc.ts';
import { parseYolo } from './detection/yolo.ts';
import { readMatlab } from './wider/matlab.ts';
import { evaluateMot } from './mot/evaluate.ts';
import { parseSequenceInfo } from './mot/sequence-info.ts';
import { parseMotRows } from './mot/track-rows.ts';
import { evaluateStability, frameTimes } from './stability/evaluate.ts';
import { parseTrackJsonl } from './stability/track-jsonl.ts';
import { parseWiderAnnotations, parseWiderImageList } from './wider/annotations.ts';
import { faceFile, subsetFile } from './wider/ground-truth.fixture.ts';
import { readWiderGroundTruth, type WiderGroundTruthFiles } from './wider/ground-truth.ts';
import { parseLandmarkLabels } from './wider/landmarks.ts';
import { parseWiderPredictions } from './wider/predictions.ts';
import { evaluateWider } from './wider/protocol.ts';

const jsonl = [0, 1, 2, 7]
  .map((frame) =>
    JSON.stringify({
      frame,
      timestamp: frame / 25,
      faces: [{ id: 1, box: { x: frame, y: 2, width: 30, height: 40 }, score: 0.9 }],
    }),
  )
  .join('\n');
const mot = '1,1,10,20,30,40,0.9,1,1\n2,1,11,20,30,40,0.9,1,1\n2,2,80,20,30,40,0.8,1,1\n4,1,12,21,30,40,0.7,1,1\n';
const truth = parseMotRows(mot, 'gt.txt');
const coco = {
  categories: [{ id: 1, name: 'face' }],
  images: [{ id: 1, file_name: 'a.jpg', width: 9, height: 9 }],
  annotations: [{ image_id: 1, category_id: 1, bbox: [1, 2, 3, 4], area: 5, iscrowd: 0 }],
};
const cocoImages = parseCocoTruth(JSON.stringify(coco), 't.json');

/** Each parser of text with a valid file; the metrics are computed from the result too. */
const parsers: [name: string, valid: string, parse: (text: string) => unknown][] = [
  [
    'parseMotRows',
    mot,
    (text) => {
      const rows = parseMotRows(text, 'tracks.txt');
      evaluateMot({ truth, tracks: rows });
      evaluateMot({ truth: rows, tracks: parseMotRows(mot, 'tracks.txt') });
      return evaluateStability(
        {
          rows,
          times: frameTimes(
            rows.frames.reduce((a, b) => Math.max(a, b), 4),
            25,
          ),
        },
        truth,
      );
    },
  ],
  ['parseTrackJsonl', jsonl, (text) => evaluateStability(parseTrackJsonl(text, 'rows.jsonl'))],
  [
    'parseSequenceInfo',
    '[Sequence]\nname=a\nseqLength=60\nframeRate=29.97\nimWidth=640\nimHeight=480\n',
    (text) => evaluateMot({ truth, tracks: truth, length: 4, ...parseLength(text) }),
  ],
  [
    'parseWiderAnnotations',
    'e/a.jpg\n2\n1 2 3 4 0 0 0 0 0 0 \n5 6 7 8 2 1 1 1 2 1 \ne/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n',
    (text) => {
      const images = parseWiderAnnotations(text, 'bbx.txt');
      return evaluateWider(
        images,
        new Map(images.map(({ name, boxes }) => [name, { boxes, scores: new Float64Array(boxes.length / 4) }])),
      );
    },
  ],
  ['parseWiderImageList', 'e/a.jpg\ne/b.jpg\n', (text) => parseWiderImageList(text, 'list.txt')],
  ['parseWiderPredictions', 'a\n2\n1 2 3 4 0.5\n5 6 7 8 0.25\n', (text) => parseWiderPredictions(text, 'e/a.txt')],
  [
    'parseLandmarkLabels',
    `# e/a.jpg\n10 10 40 40 ${'20 20 0.0 '.repeat(5)}0.82\n# e/b.jpg\n1 2 3 4\n`,
    (text) => parseLandmarkLabels(text, 'label.txt'),
  ],
  [
    'parseYolo',
    '0 0.5 0.5 0.1 0.2\n1 0.25 0.25 0.5 0.5\n',
    (text) => parseYolo(text, 'a.txt', { width: 100, height: 200 }),
  ],
  [
    'parseVoc',
    '<annotation><size><width>6</width><height>4</height></size><object><name>face</name><difficult>1</difficult>' +
      '<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax><ymax>6</ymax></bndbox></object></annotation>',
    (text) => parseVoc(text, 'a.xml'),
  ],
  ['parseCocoTruth', JSON.stringify(coco), (text) => evaluateDetections(parseCocoTruth(text, 't.json'), new Map())],
  [
    'parseCocoResults',
    JSON.stringify([{ image_id: 1, bbox: [1, 2, 3, 4], score: 0.5 }]),
    (text) => evaluateDetections(cocoImages, parseCocoResults(text, 'r.json', cocoImages)),
  ],
];

function parseLength(text: string): { length?: number } {
  const { length } = parseSequenceInfo(text, 'seqinfo.ini');
  return length === undefined ? {} : { length: Math.max(4, length) };
}

/** Content of damaged, foreign and hostile files. */
const snippets = [
  '999999999',
  '99999999999',
  '9'.repeat(400),
  '-1',
  '0',
  '0.5',
  '1e9',
  '1e308',
  '-1e308',
  '1e999',
  '5e-324',
  '0x10',
  'NaN',
  'Infinity',
  '-0',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '\0',
  '\uFEFF',
  '\r',
  '\n\n',
  '\t',
  ',',
  ',,',
  ' ',
  '"',
  '<',
  '</',
  '<!--',
  ']]>',
  '&amp;',
  '&#x110000;',
  '=',
  '#',
  '..',
  '../../x.jpg',
  'Ж面🙂',
  '\uD800',
  '__proto__',
  'constructor',
  '['.repeat(3000),
  '{"a":'.repeat(3000),
  '<a>'.repeat(3000),
  '1 '.repeat(3000),
  '1'.repeat(5000),
  'x'.repeat(5000),
  '\n'.repeat(3000),
];

/** A valid file, changed in a few places: spans replaced, inserted, removed, duplicated, and the end cut off. */
function damaged(valid: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: valid.length });
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...snippets) },
    fc.string({ maxLength: 8, unit: 'binary' }),
  );
  const change = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('number' as const), place, piece }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('insert' as const), place, piece }) },
    fc.record({ kind: fc.constant('remove' as const), place, length: fc.nat({ max: 30 }) }),
    fc.record({ kind: fc.constant('double' as const), place, length: fc.nat({ max: 60 }) }),
    fc.record({ kind: fc.constant('cut' as const), place }),
  );
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let text = valid;
    for (const one of changes) {
      const before = text.slice(0, one.place);
      const after = text.slice(one.place);
      if (one.kind === 'insert') text = before + one.piece + after;
      else if (one.kind === 'remove') text = before + after.slice(one.length);
      else if (one.kind === 'double') text = before + after.slice(0, one.length) + after;
      else if (one.kind === 'cut') text = before;
      else text = before + after.replace(/-?[\d.]+/, () => one.piece);
    }
    return text;
  });
}

function expectFileError(error: unknown): void {
  expect(isFaceDetError(error), String((error as Error)?.stack ?? error)).toBe(true);
  const { code, message } = error as { code: string; message: string };
  expect(['MALFORMED_FILE', 'MISMATCHED_FILES', 'TOO_DENSE', 'TOO_LARGE']).toContain(code);
  expect(message.length).toBeLessThan(1000);
  expect(message).toMatch(/expected .* but received /s);
}

/** Peak memory of this process in bytes. */
const peak = (): number => process.resourceUsage().maxRSS * 1024;

describe('damaged text files', () => {
  it.each(parsers)('%s parses a file or rejects it, in bounded memory', (_, valid, parse) => {
    expect(() => parse(valid)).not.toThrow();
    const before = peak();
    fc.assert(
      fc.property(damaged(valid), (text) => {
        try {
          parse(text);
        } catch (error) {
          expectFileError(error);
        }
      }),
      { numRuns: 400 },
    );
    // Timestamps of a week take 160 MB, and the same again during evaluation.
    expect(peak() - before).toBeLessThan(700e6);
  });

  it.each(parsers)('%s rejects content of any length with a short message', (_, valid, parse) => {
    for (const text of [
      `${valid}${'x'.repeat(1e6)}`,
      `${valid}\n${'7 '.repeat(5e5)}`,
      '\0'.repeat(1e6),
      '[{'.repeat(5e5),
      '<a x="/>">'.repeat(1e5),
      `${'1'.repeat(1e6)}x`,
    ]) {
      try {
        parse(text);
      } catch (error) {
        expectFileError(error);
      }
    }
  });
});

describe('counts and frame numbers', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a frame of a MOT row',
      () => parseMotRows('1,1,0,0,9,9\n999999999,1,0,0,9,9\n', 'a.txt'),
      'a.txt, line 2: expected a frame number from 1 to 20000000 but received 999999999.',
    ],
    [
      'a frame beyond 32 bits',
      () => parseMotRows('4294967297,1,0,0,9,9\n', 'a.txt'),
      'a.txt, line 1: expected a frame number from 1 to 20000000 but received 4294967297.',
    ],
    [
      'a class of a MOT row',
      () => parseMotRows('1,1,0,0,9,9,1,4294967297\n', 'a.txt'),
      'a.txt, line 1: expected a class in column 8 but received 4294967297.',
    ],
    [
      'a coordinate of a MOT row',
      () => parseMotRows('1,1,0,0,1e308,9\n', 'a.txt'),
      'a.txt, line 1: expected x, y, width and height in pixels, up to 1e9 but received 1e+308.',
    ],
    [
      'a frame of a JSON line',
      () => parseTrackJsonl(`${jsonl}\n{"frame":999999999,"timestamp":9,"faces":[]}`, 'a.jsonl'),
      'a.jsonl, line 5: expected "frame" below 20000000 but received 999999999.',
    ],
    [
      'a length of seqinfo.ini',
      () => parseSequenceInfo('[Sequence]\nseqLength=999999999', 's.ini'),
      's.ini, line 2: expected an integer from 1 to 20000000 for seqLength but received "999999999".',
    ],
    [
      'an infinite length of seqinfo.ini',
      () => parseSequenceInfo('seqLength=Infinity', 's.ini'),
      's.ini, line 1: expected an integer from 1 to 20000000 for seqLength but received "Infinity".',
    ],
    [
      'a frame rate of seqinfo.ini',
      () => parseSequenceInfo('frameRate=1e999', 's.ini'),
      's.ini, line 1: expected a number above 0 and up to 1000000 for frameRate but received "1e999".',
    ],
    [
      'a count of predictions',
      () => parseWiderPredictions('a\n99999999999\n1 2 3 4 0.5\n', 'e/a.txt'),
      'e/a.txt, line 4: expected 99999999999 boxes, as line 2 states but received the end of the file after 1.',
    ],
    [
      'a count that is not a number',
      () => parseWiderPredictions(`a\n${'9'.repeat(400)}\n1 2 3 4 0.5\n`, 'e/a.txt'),
      'e/a.txt, line 2: expected the number of boxes but received "999',
    ],
    [
      'a count of annotations',
      () => parseWiderAnnotations('e/a.jpg\n99999999999\n1 2 3 4 0 0 0 0 0 0\n', 'b.txt'),
      'b.txt, line 4: expected 99999999999 faces of e/a.jpg but received the end of the file after 1.',
    ],
    [
      'an attribute of annotations',
      () => parseWiderAnnotations('e/a.jpg\n1\n1 2 3 4 0 0 0 256 0 0\n', 'b.txt'),
      'b.txt, line 3: expected attributes that are integers from 0 to 255 but received "1 2 3 4 0 0 0 256 0 0".',
    ],
    [
      'a path that leaves its folder',
      () => parseWiderAnnotations('../a.jpg\n0\n', 'b.txt'),
      'b.txt, line 1: expected the path of an image (EVENT/NAME.jpg) but received "../a.jpg".',
    ],
    [
      'a length passed by the caller',
      () => evaluateMot({ truth, tracks: truth, length: 1e10 }),
      'Expected a whole number of frames up to 20000000 for length but received 10000000000.',
    ],
    [
      'a number of frame times',
      () => frameTimes(1e10, 25),
      'Expected a whole number of frames up to 20000000 but received 10000000000.',
    ],
  ])('rejects %s before memory is allocated for it', (_, parse, message) => {
    const before = peak();
    expect(parse).toThrow(message);
    expect(peak() - before).toBeLessThan(100e6);
  });

  it('evaluates a sparse video of twenty million frames', () => {
    const rows = (shift: number) =>
      [1, 500_000, 1_000_000, 20_000_000].map((frame) => `${frame},1,${shift},0,10,10,1`).join('\n');
    const before = peak();
    const figures = evaluateMot({
      truth: parseMotRows(rows(0), 'gt.txt'),
      tracks: parseMotRows(rows(1), 'tracks.txt'),
      length: 20_000_000,
    });
    expect(figures).toMatchObject({ MOTA: 1, IDF1: 1, CLR_Frames: 20_000_000, Frag: 0 });
    expect(peak() - before).toBeLessThan(50e6);
    const { times } = parseTrackJsonl(`${jsonl}\n{"frame":999999,"timestamp":40000,"faces":[]}`, 'a.jsonl');
    expect(times).toHaveLength(1_000_000);
    expect(times.every((time, k) => k === 0 || time > times[k - 1]!)).toBe(true);
  });

  it('evaluates twenty thousand boxes in one frame, and rejects pairs that would take minutes', () => {
    const line = (id: number, x: number) => `1,${id},${x},0,10,10,1`;
    const spread = parseMotRows(Array.from({ length: 20_000 }, (_, k) => line(k, 8 * k)).join('\n'), 'gt.txt');
    expect(evaluateMot({ truth: spread, tracks: spread })).toMatchObject({ MOTA: 1, IDF1: 1, HOTA: 1 });
    const heap = parseMotRows(Array.from({ length: 3000 }, (_, k) => line(k, 0)).join('\n'), 'gt.txt');
    expect(() => evaluateMot({ truth: heap, tracks: heap })).toThrow(
      'gt.txt, line 1: expected at most 4194304 overlapping pairs of true and tracked boxes in frame 1',
    );
  });

  it('bounds the search for a lag with timestamps a nanosecond apart', () => {
    const rows = (shift: number) =>
      Array.from({ length: 3000 }, (_, k) =>
        JSON.stringify({
          frame: k,
          timestamp: k * 1e-9,
          faces: [{ id: 1, box: { x: 50 * Math.sin(k) + shift, y: 0, width: 99, height: 99 } }],
        }),
      ).join('\n');
    expect(
      evaluateStability(parseTrackJsonl(rows(0), 'a.jsonl'), parseTrackJsonl(rows(1), 'b.jsonl').rows).againstTruth
        ?.covered,
    ).toBe(3000);
  });
});

describe('damaged .mat files', () => {
  const face = faceFile();
  const subset = subsetFile([[1, 2], [1]]);
  const files = (bytes: { face?: Uint8Array; hard?: Uint8Array } = {}): WiderGroundTruthFiles => ({
    face: { name: 'face.mat', bytes: bytes.face ?? face },
    easy: { name: 'easy.mat', bytes: subset },
    medium: { name: 'medium.mat', bytes: subset },
    hard: { name: 'hard.mat', bytes: bytes.hard ?? subset },
  });
  /** The content of an uncompressed zlib stream without its checksum, so that damage reaches the parser. */
  const stored = (compressed: Uint8Array): Uint8Array => compressed.subarray(7);

  it('are read or rejected, wherever a byte or a word is changed', async () => {
    expect(await readWiderGroundTruth(files(), { inflate: stored })).toHaveLength(2);
    const before = peak();
    const word = fc.constantFrom(0, 1, 2, 5, 9, 14, 15, 0x7fffffff, 0x80000000, 0xffffffff, 0x00040005, 0x0fffffff);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('face' as const, 'hard' as const),
        fc.array(fc.record({ place: fc.nat(), value: word, isByte: fc.boolean() }), { minLength: 1, maxLength: 3 }),
        async (role, changes) => {
          const bytes = (role === 'face' ? face : subset).slice();
          for (const { place, value, isByte } of changes) {
            const at = 128 + (place % (bytes.length - 132));
            if (isByte) bytes[at] = value;
            else new DataView(bytes.buffer).setUint32(at - (at % 4), value, true);
          }
          try {
            await readWiderGroundTruth(files({ [role]: bytes }), { inflate: stored });
          } catch (error) {
            expectFileError(error);
          }
        },
      ),
      { numRuns: 1500 },
    );
    expect(peak() - before).toBeLessThan(300e6);
  });

  it('do not decompress to gigabytes', async () => {
    const { deflateSync } = await import('node:zlib');
    const compressed = deflateSync(new Uint8Array(3e8));
    const bomb = new Uint8Array(136 + compressed.length);
    bomb.set(face.subarray(0, 128));
    new DataView(bomb.buffer).setUint32(128, 15, true);
    new DataView(bomb.buffer).setUint32(132, compressed.length, true);
    bomb.set(compressed, 136);
    await expect(readMatlab(bomb, 'a.mat', ['x'])).rejects.toThrow(
      'a.mat: expected a MATLAB 5 file but received one whose compressed data at byte 136 is damaged',
    );
    await expect(readMatlab(bomb, 'a.mat', ['x'], () => new Uint8Array(3e8))).rejects.toThrow(
      'one that decompresses to more than 268435456 bytes',
    );
  });
});
