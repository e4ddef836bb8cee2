import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iou, type Box } from '@facedet/core';
import type { VideoFace } from '@facedet/pipeline';
import { createMasks } from './masks.ts';
import type { Row } from './rows.ts';

const face = (id: number, box: Box, state: VideoFace['state'] = 'detected'): VideoFace => ({
  id,
  box,
  score: 0.9,
  state,
});
const at = (x: number, size = 60): Box => ({ x, y: 80, width: size, height: size });
const row = (frame: number, faces: VideoFace[]): Row => ({ frame, timestamp: frame / 25, faces });

describe('masks', () => {
  it('keep a neighbor whose box overlaps a track, which may be kept visible', () => {
    const masks = createMasks();
    const neighbor = { box: at(127), score: 0.25 };
    expect(iou(at(100), neighbor.box)).toBeGreaterThan(0.3);
    const { faces } = masks.next(row(0, [face(1, at(100))]), [neighbor]);
    expect(faces.map(({ id, box }) => [id, box.x])).toEqual([
      [1, 100],
      [null, 127],
    ]);
  });

  it('keep a new face at the place where a track has just ended, as after a shot cut', () => {
    const masks = createMasks();
    masks.next(row(0, [face(1, at(100))]), []);
    const { faces } = masks.next(row(1, []), [{ box: at(102), score: 0.28 }]);
    expect(faces.map(({ id, state }) => [id, state])).toEqual([
      [1, 'predicted'],
      [null, 'detected'],
    ]);
  });

  it('have one box where a detection is that of a track in the same frame', () => {
    const { faces } = createMasks().next(row(0, [face(1, at(100))]), [{ box: at(102), score: 0.28 }]);
    expect(faces.map(({ id }) => id)).toEqual([1]);
  });

  it('have every detection, or a detected face of a track that is nearly the same box', () => {
    const box = fc.record({
      x: fc.integer({ min: 0, max: 200 }),
      y: fc.integer({ min: 0, max: 100 }),
      width: fc.integer({ min: 8, max: 80 }),
      height: fc.integer({ min: 8, max: 80 }),
    });
    const states = fc.constantFrom<VideoFace['state']>('detected', 'predicted', 'interpolated');
    const frame = fc.record({
      tracks: fc.array(fc.tuple(box, states), { maxLength: 4 }),
      others: fc.array(box, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
        const masks = createMasks();
        frames.forEach(({ tracks, others }, i) => {
          const found = tracks.map(([place, state], id) => face(id + 1, place, state));
          const { faces } = masks.next(
            row(i, found),
            others.map((place) => ({ box: place, score: 0.3 })),
          );
          expect(faces.slice(0, found.length)).toEqual(found);
          for (const place of others) {
            const isThere = faces.some(({ id, box: other }) => id === null && iou(place, other) === 1);
            const isTrack = found.some(({ state, box: other }) => state === 'detected' && iou(place, other) >= 0.6);
            expect(isThere || isTrack).toBe(true);
          }
        });
      }),
    );
  });
});
