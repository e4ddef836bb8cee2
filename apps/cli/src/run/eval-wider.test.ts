import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outputOf } from '../testing/output-of.ts';
import { run, type WiderOptions } from './eval-wider.ts';

const shared = fileURLToPath(new URL('../../../../../shared', import.meta.url));
const hasShared = existsSync(join(shared, 'wider', 'dev'));
if (!hasShared)
  console.warn('skipped: evaluating the detector needs ../shared/wider and ../shared/models beside the repository');

// Created only if the tests run: otherwise nothing would remove it.
const folder = join(tmpdir(), `facedet-wider-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const root = join(folder, 'root');
const output = join(folder, 'output');
const prediction = join(output, '0--Parade', '0_Parade_Parade_0_472.txt');

beforeAll(() => {
  if (!hasShared) return;
  for (const part of ['WIDER_val', 'wider_face_split', 'retinaface_gt/val'])
    mkdirSync(join(root, part), { recursive: true });
  symlinkSync(join(shared, 'wider/dev/images'), join(root, 'WIDER_val/images'));
  symlinkSync(
    join(shared, 'wider/dev/wider_face_val_bbx_gt.txt'),
    join(root, 'wider_face_split/wider_face_val_bbx_gt.txt'),
  );
  writeFileSync(
    join(root, 'retinaface_gt/val/label.txt'),
    '# 0--Parade/0_Parade_Parade_0_472.jpg\n' +
      '319 118 42 47 330 135 0.0 348 135 0.0 339 146 0.0 332 155 0.0 347 155 0.0 0.82\n',
  );
  writeFileSync(join(folder, 'list.txt'), '0--Parade/0_Parade_Parade_0_472.jpg\n0--Parade/0_Parade_Parade_0_205.jpg\n');
});

interface Result {
  images: number;
  ap: Record<string, number>;
  landmarks: { faces: number; mean: number };
  degraded?: { condition: string; ap: Record<string, number>; clahe: Record<string, number> }[];
}

async function evaluate(options: Partial<WiderOptions> = {}): Promise<{ result: Result; log: string[] }> {
  const { json, log } = await outputOf<Result>((context) =>
    run(context, {
      split: 'val',
      dataRoot: root,
      groundTruth: join(shared, 'wider/ground_truth'),
      images: join(folder, 'list.txt'),
      model: join(shared, 'models/scrfd_500m_kps.onnx'),
      outputDir: output,
      workers: 1,
      json: true,
      ...options,
    }),
  );
  return { result: json, log };
}

describe.skipIf(!hasShared)('eval wider with a detector [needs ../shared]', () => {
  it('continues an interrupted run and ends with the same metrics', async () => {
    const { result: whole } = await evaluate();
    expect(whole.images).toBe(2);
    for (const subset of ['easy', 'medium', 'hard', 'all']) expect(whole.ap[subset], subset).toBeGreaterThan(0.3);
    expect(whole.landmarks).toMatchObject({ faces: 1 });
    expect(whole.landmarks.mean).toBeGreaterThan(0);
    const kept = statSync(join(output, '0--Parade', '0_Parade_Parade_0_205.txt')).mtimeMs;
    const text = readFileSync(prediction, 'utf8');
    unlinkSync(prediction);
    const { result, log } = await evaluate();
    expect(log).toContain('facedet: continuing after 1 of 2 images');
    expect(result).toEqual(whole);
    expect(readFileSync(prediction, 'utf8')).toBe(text);
    expect(statSync(join(output, '0--Parade', '0_Parade_Parade_0_205.txt')).mtimeMs).toBe(kept);
  });

  it('rejects the folder for other settings, and scores its files alone', async () => {
    const { result } = await evaluate();
    await expect(evaluate({ preset: 'paper' })).rejects.toMatchObject({ code: 'OUTPUT_IN_USE', exitCode: 2 });
    const { model: _, outputDir: __, ...given } = { model: '', outputDir: '', predictions: output };
    const { result: scored } = await evaluate({ ...given, ...({ model: undefined, outputDir: undefined } as object) });
    expect(scored.ap).toEqual(result.ap);
  });

  it('degrades the images, and reuses existing results', async () => {
    writeFileSync(join(folder, 'one.txt'), '0--Parade/0_Parade_Parade_0_472.jpg\n');
    const degraded = {
      degrade: true as const,
      size: 320,
      images: join(folder, 'one.txt'),
      outputDir: join(folder, 'degraded'),
    };
    const { result } = await evaluate(degraded);
    expect(result.degraded!.map(({ condition }) => condition)).toEqual([
      'clean',
      'blur σ 1 px',
      'blur σ 2 px',
      'blur σ 3 px',
      'JPEG quality 80',
      'JPEG quality 50',
      'JPEG quality 20',
      'darkened γ 1.5',
      'darkened γ 2',
      'darkened γ 3',
      'lower 25 % of faces covered',
      'lower 50 % of faces covered',
      'shrunk to 1/2',
      'shrunk to 1/4',
    ]);
    // The whole picture as pixels is scaled without intermediate rounding to bytes, which changes scores a little.
    expect(Math.abs(result.degraded![0]!.ap.hard! - result.ap.hard!)).toBeLessThan(0.1);
    expect(result.degraded!.at(-1)!.ap.hard).toBeLessThan(result.ap.hard!);
    const path = join(degraded.outputDir, 'degraded/shrunk-4-clahe/0--Parade/0_Parade_Parade_0_472.txt');
    const kept = statSync(path).mtimeMs;
    expect((await evaluate(degraded)).result).toEqual(result);
    expect(statSync(path).mtimeMs).toBe(kept);
    expect(readFileSync(join(degraded.outputDir, 'report.html'), 'utf8')).toContain('<h2>Robustness</h2>');
  });

  it('reports an unreadable picture and counts its faces as missed', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'WIDER_val/images/0--Parade'), { recursive: true });
    symlinkSync(join(root, 'wider_face_split'), join(broken, 'wider_face_split'));
    writeFileSync(
      join(broken, 'WIDER_val/images/0--Parade/0_Parade_Parade_0_472.jpg'),
      readFileSync(join(root, 'WIDER_val/images/0--Parade/0_Parade_Parade_0_472.jpg')).subarray(0, 20_000),
    );
    const { result, log } = await evaluate({ dataRoot: broken, outputDir: join(folder, 'broken-output') });
    expect(log.filter((line) => line.startsWith(join(broken, 'WIDER_val')))).toHaveLength(2);
    expect(result).toMatchObject({ images: 2, imagesWithoutPredictions: 2, ap: { hard: 0 } });
  });
});
