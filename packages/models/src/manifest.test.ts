import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  defaultModel,
  defaultTrainingImagesUrl,
  defaultWeightsUrl,
  findModel,
  findModelBySha256,
  models,
} from './index.ts';

const shared = join(import.meta.dirname, '../../../../shared/models');
const hasShared = existsSync(shared);
if (!hasShared)
  console.warn('Skipped: the test that compares sizes with official files, because ../shared/models is missing.');

describe('the manifest', () => {
  it('has the zoo, each under names of its own', () => {
    expect(models.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'scrfd_34g',
        'scrfd_10g',
        'scrfd_10g_kps',
        'scrfd_2.5g',
        'scrfd_2.5g_kps',
        'scrfd_1g',
        'scrfd_0.5g',
        'scrfd_0.5g_kps',
      ]),
    );
    const names = models.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(findModel('scrfd_500m')).toBe(findModel('SCRFD_0.5G'));
    expect(findModel('yolo')).toBeUndefined();
  });

  it.each(models.map((model) => [model.name, model] as const))('%s is complete and sane', (_, model) => {
    const { file, downloads, accuracy, license } = model;
    for (const sha256 of [
      file.sha256,
      ...(file.otherExports ?? []).map((other) => other.sha256),
      ...downloads.map(({ archive }) => archive?.sha256),
    ]) {
      if (sha256 !== undefined) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(file.sha256 === undefined).toBe(file.verification === 'not verified');
    if (file.sha256) expect(findModelBySha256(file.sha256.toUpperCase())).toBe(model);
    if (file.verification !== 'bundled') expect(downloads.length > 0).toBe(model.manual === undefined);
    if (model.name.startsWith('scrfd_')) {
      expect(license).toMatchObject({ use: 'non-commercial-research', mustAccept: true });
      expect(accuracy!.easy).toBeGreaterThan(accuracy!.medium);
      expect(accuracy!.medium).toBeGreaterThan(accuracy!.hard);
    }
    for (const value of accuracy ? [accuracy.easy, accuracy.medium, accuracy.hard] : [])
      expect(value).toSatisfy((ap: number) => ap > 0 && ap < 1);
    for (const { url } of downloads) expect(new URL(url).protocol).toBe('https:');
  });

  it.skipIf(!hasShared)('lists the true size of every file whose hash it knows [needs ../shared]', () => {
    const files = [
      'det_500m',
      'scrfd_1g',
      'scrfd_2.5g',
      'scrfd_2.5g_kps',
      'scrfd_2.5g_kps_4d_heads_640',
      'scrfd_500m',
      'scrfd_500m_kps',
    ];
    for (const name of files) {
      const bytes = readFileSync(join(shared, `${name}.onnx`));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const { file } = findModelBySha256(sha256)!;
      expect([file, ...(file.otherExports ?? [])].find((one) => one.sha256 === sha256)?.size).toBe(bytes.length);
    }
  });
});

describe('the default weights', () => {
  it('are in this package', () => {
    expect(fileURLToPath(defaultWeightsUrl())).toBe(join(import.meta.dirname, '../weights/scrfd_0.5g_kps.onnx'));
    expect(fileURLToPath(defaultTrainingImagesUrl())).toBe(
      join(import.meta.dirname, '../weights/training-images.json'),
    );
  });

  it('are the file that weights.json describes, and claim no right that the data does not give', () => {
    expect(models[0]).toBe(defaultModel);
    expect(new URL(defaultModel!.file.name!, defaultWeightsUrl()).href).toBe(defaultWeightsUrl().href);
    for (const { file } of models.filter((model) => model.file.verification === 'bundled')) {
      const bytes = readFileSync(new URL(file.name!, defaultWeightsUrl()));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
      expect(bytes.length).toBe(file.size);
    }
    expect(defaultModel!.license).toMatchObject({ use: 'research', notice: expect.stringContaining('WIDER FACE') });
  });
});
