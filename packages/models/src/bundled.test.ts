import { expect, it } from 'vitest';
import { describeBundled, identifyBundled } from './bundled.ts';

const weights = { name: 'facedet_x', file: 'x.onnx', bytes: 7, sha256: 'a'.repeat(64) };

it('the first of weights.json is the default, and all carry the license of their data', () => {
  const bundled = identifyBundled([weights, { ...weights, name: 'facedet_x_int8' }]);
  const [first, second] = describeBundled(bundled, {
    facedet_x: { accuracy: { easy: 0.9, medium: 0.8, hard: 0.6, setting: 'dev' } },
    facedet_x_int8: { use: 'small' },
  });
  expect(first).toMatchObject({
    name: 'facedet_x',
    aliases: ['default'],
    use: expect.stringMatching(/^the default/),
    accuracy: { hard: 0.6, source: expect.stringContaining('MODEL_CARD') },
  });
  expect(first!.file).toEqual({ name: 'x.onnx', size: 7, sha256: weights.sha256, verification: 'bundled' });
  expect(second).toMatchObject({ aliases: [], use: 'small', license: { use: 'research', mustAccept: false } });
  expect(second).not.toHaveProperty('accuracy');
});

it('weights without figures are described all the same', () => {
  expect(describeBundled(identifyBundled([weights]), {})).toMatchObject([
    { name: 'facedet_x', landmarks: true, use: 'the default: comes with the package', downloads: [] },
  ]);
});

it('an empty list gives no entry', () => {
  expect(describeBundled(identifyBundled([]), {})).toEqual([]);
});
