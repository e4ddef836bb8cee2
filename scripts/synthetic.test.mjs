// A real detector finds the synthetic people of @facedet/eval/synthetic where their ground truth is.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './lib/workspace.mjs';

const model = join(dirname(root), 'shared', 'models', 'scrfd_2.5g_kps.onnx');
const there = existsSync(model);
if (!there) console.warn('skipped: synthetic faces held against SCRFD 2.5g (no ../shared/models)');

describe.skipIf(!there)('synthetic faces, found by SCRFD 2.5g [needs ../shared]', () => {
  let detector, synthetic;

  beforeAll(async () => {
    // In this thread: the pool's workers would start with the test runner's flags.
    const { createDetector } = await import(join(root, 'packages', 'core', 'dist', 'index.js'));
    const { onnxBackend } = await import(join(root, 'packages', 'runtime-node', 'dist', 'index.js'));
    synthetic = await import(join(root, 'packages', 'eval', 'dist', 'synthetic', 'index.js'));
    detector = await createDetector({ model, backend: onnxBackend({ threads: 1 }) });
  });
  afterAll(() => detector?.dispose());

  it('the sample: every face, nothing else', async () => {
    const { image, truth } = synthetic.renderGroup();
    const faces = await detector.detect(image);
    expect(faces).toHaveLength(truth.length);
    for (const { box } of truth) expect(Math.max(...faces.map((face) => overlap(face.box, box)))).toBeGreaterThan(0.8);
  });

  it('scenes: faces at least half visible, in motion, blur, dark, noise and compression', async () => {
    const found = [];
    for (const [seed, width, height] of [
      [1, 640, 360],
      [2, 320, 240],
      [3, 1280, 720],
    ]) {
      const scene = synthetic.createScene({ seed, width, height });
      for (let i = 0; i < scene.length; i += 25) {
        const { image, truth } = scene.frame(i);
        const faces = await detector.detect(image);
        for (const { box, visibility } of truth) {
          if (visibility < 0.5) continue;
          const [best] = faces
            .map((face) => ({ score: face.score, overlap: overlap(face.box, box) }))
            .sort((a, b) => b.overlap - a.overlap);
          found.push(best && best.overlap > 0.3 ? best : { score: 0, overlap: 0 });
        }
      }
    }
    const mean = found.reduce((sum, face) => sum + face.overlap, 0) / found.length;
    const sure = found.filter(({ score }) => score >= 0.6).length / found.length;
    console.log(
      `${found.length} faces: mean IoU ${mean.toFixed(3)}, ${(100 * sure).toFixed(1)} % with a score of at least 0.6`,
    );
    expect(found.length).toBeGreaterThan(90);
    expect(mean).toBeGreaterThan(0.8);
    expect(sure).toBeGreaterThan(0.9);
  });
});

function overlap(a, b) {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return w <= 0 || h <= 0 ? 0 : (w * h) / (a.width * a.height + b.width * b.height - w * h);
}
