import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { evaluateMot17, trackText } from './shared/mot17.ts';

const folder = fileURLToPath(new URL('../../../../shared/mot/MOT17-val', import.meta.url));
const shared = existsSync(folder);
if (!shared) console.warn('mot17.test.ts: skipped, the MOT17-val data of ../shared is missing');

describe('the default mode of the tracker', () => {
  it.skipIf(!shared).each([
    ["the original's options", { highScoreThreshold: 0.6, matchThreshold: 0.9 }, true],
    ['those of facedet track', { highScoreThreshold: 0.6 }, false],
  ])('is not below the original ByteTrack on MOT17-val with %s [needs ../shared]', (_name, options, ownBuffer) => {
    const figures = evaluateMot17(folder, (_sequence, buffer, detections) =>
      trackText(detections, { ...(ownBuffer && { maxLostSeconds: buffer / 30 }), ...options }),
    );
    expect(figures.MOTA).toBeGreaterThanOrEqual(0.6608);
    expect(figures.IDF1).toBeGreaterThanOrEqual(0.6758);
    expect(figures.HOTA).toBeGreaterThanOrEqual(0.5628);
  });
});
