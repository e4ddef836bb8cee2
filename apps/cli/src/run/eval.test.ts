import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectionSettings } from '@facedet/core/engine';
import type { WiderImage } from '@facedet/eval/wider';
import { outputOf } from '../testing/output-of.ts';
import { run as detections } from './eval-detections.ts';
import { run as mot } from './eval-mot.ts';
import { run as stability } from './eval-stability.ts';
import { claimFolder } from './eval-wider-resume.ts';
import { run as wider } from './eval-wider.ts';

const folder = mkdtempSync(join(tmpdir(), 'facedet-eval-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

const rows = (frames: number, id = 1, x = 0) =>
  Array.from({ length: frames }, (_, k) => `${k + 1},${id},${x + k},0,20,20,1,-1,-1,-1`).join('\n');

describe('eval mot', () => {
  beforeAll(() => {
    file('truth/a/gt/gt.txt', rows(4));
    file('truth/a/seqinfo.ini', '[Sequence]\nname=a\nseqLength=6\n');
    file('truth/b/gt.txt', rows(4));
    file('tracks/a.txt', rows(4, 7));
    file('tracks/b.txt', rows(2, 7));
  });
  const options = { groundTruth: join(folder, 'truth'), tracks: join(folder, 'tracks') };

  it('accepts both layouts and combines sequences', async () => {
    const { json } = await outputOf<{ sequences: Record<string, object>; combined: object }>((context) =>
      mot(context, { ...options, json: true }),
    );
    expect(Object.keys(json.sequences)).toEqual(['a', 'b']);
    expect(json.sequences.a).toMatchObject({ MOTA: 1, IDF1: 1, CLR_Frames: 6 });
    expect(json.combined).toMatchObject({ CLR_TP: 6, CLR_FN: 2, MOTA: 0.75 });
    const table = await outputOf((context) => mot(context, options));
    expect(table.text).toMatch(/combined +\d/);
  });

  it('accepts one sequence and its file', async () => {
    const { json } = await outputOf<{ sequences: object }>((context) =>
      mot(context, { groundTruth: join(folder, 'truth/a'), tracks: join(folder, 'tracks/a.txt'), json: true }),
    );
    expect(Object.keys(json.sequences)).toEqual(['a']);
  });

  it('accepts a file of ground truth and a file of tracks, as synth and video write them', async () => {
    const truth = file('scene.gt.txt', rows(4));
    const { json } = await outputOf<{ sequences: object }>((context) =>
      mot(context, { groundTruth: truth, tracks: join(folder, 'tracks/a.txt'), json: true }),
    );
    expect(json.sequences).toMatchObject({ scene: { MOTA: 1 } });
    await expect(
      outputOf((context) => mot(context, { groundTruth: truth, tracks: join(folder, 'tracks') })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND', input: join(folder, 'tracks') });
  });

  it('names missing files', async () => {
    await expect(
      outputOf((context) => mot(context, { ...options, tracks: join(folder, 'truth') })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND', input: join(folder, 'truth', 'a.txt') });
    await expect(
      outputOf((context) => mot(context, { ...options, groundTruth: join(folder, 'tracks') })),
    ).rejects.toMatchObject({ code: 'NO_INPUT' });
  });
});

describe('eval stability', () => {
  const line = (frame: number, x: number) =>
    JSON.stringify({
      frame,
      timestamp: frame / 25,
      faces: [{ id: 3, box: { x, y: 0, width: 20, height: 20 }, score: 0.9, state: 'detected' }],
    });

  it('reads JSON Lines and MOT text, with and without ground truth', async () => {
    const tracks = file('rows.jsonl', [0, 1, 2, 3].map((k) => line(k, k + (k % 2))).join('\n'));
    const truth = file('truth.txt', rows(4));
    const { json } = await outputOf<object>((context) =>
      stability(context, { groundTruth: truth, fps: 25, json: true }, [tracks]),
    );
    expect(json).toMatchObject({ frames: 4, tracks: 1, againstTruth: { covered: 4 }, tracking: { MOTA: 1, IDF1: 1 } });
    const alone = await outputOf<object>((context) => stability(context, { fps: 25, json: true }, [truth]));
    expect(alone.json).toMatchObject({ frames: 4, accelerationEnergy: expect.closeTo(0, 9) as number });
    expect(alone.json).not.toHaveProperty('againstTruth');
    const both = await outputOf((context) =>
      stability(context, { groundTruth: truth, fps: 25 }, [tracks, truth, file('broken.txt', '1,2')]),
    );
    expect(both.text.split('\n').filter((row) => row.includes('rows.jsonl'))).toHaveLength(2);
    expect(both.log[0]).toContain('line 1: expected frame,id,x,y,width,height');
  });
});

describe('eval detections', () => {
  const detected = JSON.stringify([
    {
      source: '/pictures/a.jpg',
      width: 100,
      height: 200,
      faces: [{ box: { x: 10, y: 20, width: 30, height: 40 }, score: 0.9 }],
    },
    { source: 'c.jpg', width: 9, height: 9, faces: [] },
  ]);
  const evaluate = async (groundTruth: string, predictions: string) =>
    (
      await outputOf<object>((context) =>
        detections(context, { groundTruth, predictions, score: 0.5, maxDetections: 100, json: true }),
      )
    ).json;

  it('accepts VOC, YOLO, COCO and WIDER labels, and the output of detect', async () => {
    const predictions = file('detected.json', detected);
    const perfect = { images: 1, faces: 1, AP50: expect.closeTo(1, 9), atThreshold: { precision: 1, recall: 1 } };
    file(
      'voc/a.xml',
      '<annotation><object><bndbox><xmin>10</xmin><ymin>20</ymin>' +
        '<xmax>40</xmax><ymax>60</ymax></bndbox></object></annotation>',
    );
    file('yolo/a.txt', '0 0.25 0.2 0.3 0.2\n');
    const coco = file(
      'coco.json',
      JSON.stringify({
        images: [{ id: 1, file_name: 'a.jpg' }],
        annotations: [{ image_id: 1, category_id: 1, bbox: [10, 20, 30, 40] }],
      }),
    );
    const list = file('wider_face_x_bbx_gt.txt', 'pictures/a.jpg\n1\n10 20 30 40 0 0 0 0 0 0\n');
    for (const truth of [join(folder, 'voc'), join(folder, 'yolo'), coco, list])
      expect(await evaluate(truth, predictions), truth).toMatchObject(perfect);
    expect(
      await evaluate(
        coco,
        file(
          'detected.jsonl',
          JSON.parse(detected)
            .map((entry: object) => JSON.stringify(entry))
            .join('\n'),
        ),
      ),
    ).toMatchObject(perfect);
    expect(
      await evaluate(coco, file('results.json', JSON.stringify([{ image_id: 1, bbox: [10, 20, 30, 40], score: 0.7 }]))),
    ).toMatchObject(perfect);
    file('submission/pictures/a.txt', 'a\n1\n10 20 30 40 0.9\n');
    expect(await evaluate(list, join(folder, 'submission'))).toMatchObject(perfect);
  });

  it('skips a byte order mark of the predictions', async () => {
    const face = { box: { x: 0, y: 0, width: 9, height: 9 }, score: 1 };
    const line = `\uFEFF${JSON.stringify({ source: 'a.jpg', faces: [face] })}`;
    const list = `\uFEFF${JSON.stringify([{ source: 'a.jpg', faces: [face] }])}`;
    const read = async (path: string) => (await evaluate(join(folder, 'coco.json'), path)) as unknown;
    expect(await read(file('marked.jsonl', line))).toEqual(await read(file('plain.jsonl', line.slice(1))));
    expect(await read(file('marked.json', list))).toEqual(await read(file('plain.json', list.slice(1))));
  });

  it('names what does not match', async () => {
    const predictions = file('unknown.json', JSON.stringify([{ source: 'z.jpg', faces: [] }]));
    await expect(evaluate(join(folder, 'voc'), predictions)).rejects.toMatchObject({ code: 'MISMATCHED_FILES' });
    await expect(evaluate(join(folder, 'yolo'), predictions)).rejects.toThrow(
      'expected the image of these labels among the predictions',
    );
    await expect(
      evaluate(join(folder, 'coco.json'), file('blank.jsonl', '{"source":"a.jpg","faces":[]}\n\n{"sour')),
    ).rejects.toThrow('line 3: expected JSON');
    for (const faces of ['5', '[{"score":1}]', '[{"box":{"x":0,"y":0,"width":9,"height":"9"},"score":1}]', '[null]']) {
      await expect(
        evaluate(join(folder, 'coco.json'), file('damaged.json', `[{"source":"a.jpg","faces":${faces}}]`)),
      ).rejects.toMatchObject({ code: 'MALFORMED_FILE', message: expect.stringContaining('in [0].faces') as string });
    }
    await expect(
      evaluate(join(folder, 'coco.json'), file('cut.jsonl', '{"source":"a.jpg","faces":[]}\n{"sour')),
    ).rejects.toThrow('line 2: expected JSON');
  });
});

describe('eval wider', () => {
  beforeAll(() => {
    file(
      'root/wider_face_split/wider_face_val_bbx_gt.txt',
      'e/a.jpg\n1\n10 20 30 40 0 0 0 0 0 0\ne/b.jpg\n1\n10 20 30 40 0 0 0 0 0 0\n',
    );
    file('given/e/a.txt', 'a\n1\n10 20 30 40 0.9\n');
  });
  const options = { dataRoot: join(folder, 'root'), split: 'val' as const };

  it('scores existing predictions; the faces of an image without any count as missed', async () => {
    const { json, log } = await outputOf<object>((context) =>
      wider(context, { ...options, predictions: join(folder, 'given'), json: true }),
    );
    expect(json).toMatchObject({ images: 2, imagesWithoutPredictions: 1, ap: { all: 0.5 } });
    expect(log[0]).toContain('AP over all faces');
    const one = await outputOf<object>((context) =>
      wider(context, {
        ...options,
        images: file('list.txt', 'e/a.jpg\n'),
        predictions: join(folder, 'given'),
        outputDir: join(folder, 'report'),
        json: true,
      }),
    );
    expect(one.json).toMatchObject({ images: 1, ap: { all: 1 } });
    for (const name of ['results.json', 'curves.svg', 'report.html'])
      expect(existsSync(join(folder, 'report', name)), name).toBe(true);
  });

  it('rejects contradictory options and mismatched lists', async () => {
    await expect(outputOf((context) => wider(context, { split: 'val' }))).rejects.toMatchObject({ exitCode: 2 });
    await expect(
      outputOf((context) => wider(context, { ...options, predictions: folder, degrade: true })),
    ).rejects.toMatchObject({ exitCode: 2 });
    await expect(
      outputOf((context) => wider(context, { ...options, predictions: join(folder, 'none') })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(
      outputOf((context) => wider(context, { ...options, predictions: join(folder, 'root') })),
    ).rejects.toMatchObject({ code: 'NO_INPUT' });
    await expect(
      outputOf((context) =>
        wider(context, { ...options, images: file('other.txt', 'e/z.jpg\n'), predictions: join(folder, 'given') }),
      ),
    ).rejects.toThrow('but received e/z, which it does not list');
    await expect(
      outputOf((context) => wider(context, { ...options, dataRoot: folder, predictions: join(folder, 'given') })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('never reuses predictions of another model or other settings', () => {
    const images = [{ name: 'e/a' }] as WiderImage[];
    const fingerprint = { model: 'm', sha256: 'aa', settings: detectionSettings({ preset: 'paper' }) };
    const output = join(folder, 'output');
    claimFolder(output, fingerprint, images);
    claimFolder(output, fingerprint, images);
    expect(() => claimFolder(output, { ...fingerprint, sha256: 'bb' }, images)).toThrow('made with the model m');
    expect(() =>
      claimFolder(
        output,
        { ...fingerprint, settings: detectionSettings({ preset: 'paper', iouThreshold: 0.3 }) },
        images,
      ),
    ).toThrow('made with iouThreshold 0.45');
    expect(() => claimFolder(join(folder, 'given'), fingerprint, images)).toThrow(
      'one that holds predictions (e/a.txt) but no settings.json',
    );
  });
});
