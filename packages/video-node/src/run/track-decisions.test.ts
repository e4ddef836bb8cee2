import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VideoFace } from '@facedet/pipeline';
import type { Row } from './rows.ts';
import { collectEvidence, decidedRow, filledRows } from './track-decisions.ts';

const face = (id: number | null, score: number, size: number, x = 0, state: VideoFace['state'] = 'detected') => ({
  id,
  box: { x, y: 0, width: size, height: size },
  score,
  state,
});
const rowsOf = (...faces: VideoFace[][]): Row[] =>
  faces.map((each, frame) => ({ frame, timestamp: frame / 10, faces: each }));
const SIDE = 100;
const options = { shorterSide: SIDE };
const decideTracks = (rows: readonly Row[], more: { score?: number } = {}) => {
  const evidence = collectEvidence({ ...options, ...more });
  rows.forEach((row) => evidence.add(row));
  return evidence.decide();
};
const masked = (rows: readonly Row[], margin = 0.2, more: { score?: number } = {}) => {
  const decided = decideTracks(rows, more).filter(({ isMasked }) => isMasked);
  const ids = new Set(decided.map(({ id }) => id));
  return filledRows(
    rows.map((row) => decidedRow(row, ids, { ...options, ...more })),
    margin,
  );
};

describe('the decision for a track', () => {
  it('asks for less evidence of small faces than of large ones', () => {
    const rows = rowsOf(
      [face(1, 0.4, 4), face(2, 0.4, 60), face(3, 0.8, 60)],
      [face(1, 0.3, 4), face(2, 0.5, 60), face(3, 0.2, 60)],
    );
    expect(decideTracks(rows)).toMatchObject([
      { id: 1, isMasked: true, detections: 2, firstFrame: 0, lastFrame: 1, needed: expect.closeTo(0.22) },
      { id: 2, isMasked: false, evidence: 0.5, needed: 0.55 },
      { id: 3, isMasked: true, evidence: 0.8 },
    ]);
  });

  it('asks for more where there is a single detection', () => {
    const [decision] = decideTracks(rowsOf([face(1, 0.3, 4)]));
    expect(decision).toMatchObject({ isMasked: false, evidence: 0.3 });
    expect(decision!.needed).toBeCloseTo(0.37, 12);
  });

  it('counts detections only, not predictions', () => {
    const rows = rowsOf([face(1, 0.9, 60)], [face(1, 0.9, 60, 0, 'predicted')], [face(1, 0.9, 60, 0, 'interpolated')]);
    expect(decideTracks(rows)).toMatchObject([{ detections: 1, firstFrame: 0, lastFrame: 0 }]);
  });

  it('is monotonic: higher scores never unmask a track', () => {
    const track = fc.array(
      fc.record({ score: fc.double({ min: 0.1, max: 1, noNaN: true }), size: fc.integer({ min: 2, max: 90 }) }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(track, fc.double({ min: 0, max: 0.5, noNaN: true }), (faces, more) => {
        const before = decideTracks(rowsOf(...faces.map(({ score, size }) => [face(1, score, size)])))[0]!;
        const raised = faces.map(({ score, size }) => [face(1, Math.min(1, score + more), size)]);
        const after = decideTracks(rowsOf(...raised))[0]!;
        expect(after.needed).toBe(before.needed);
        if (before.isMasked) expect(after.isMasked).toBe(true);
      }),
    );
  });
});

describe('masked rows', () => {
  it('fill gaps and hold a face before its first and after its last detection', () => {
    const rows = rowsOf([], [], [], [face(1, 0.9, 60, 10)], [], [face(1, 0.8, 60, 20)], [], [], [], []);
    expect(masked(rows).map(({ faces }) => faces.map(({ box, state }) => [box.x, state])[0])).toEqual([
      undefined,
      [10, 'predicted'],
      [10, 'predicted'],
      [10, 'detected'],
      [15, 'interpolated'],
      [20, 'detected'],
      [20, 'predicted'],
      [20, 'predicted'],
      undefined,
      undefined,
    ]);
  });

  it('leave out tracks without evidence, and single detections too weak for their size', () => {
    const rows = rowsOf([face(1, 0.3, 60), face(null, 0.6, 60), face(null, 0.75, 60), face(null, 0.5, 4)]);
    expect(masked(rows)[0]!.faces.map(({ id, score }) => [id, score])).toEqual([
      [null, 0.75],
      [null, 0.5],
    ]);
  });

  it('have each masked track once in every frame of its span, as a slow version says', () => {
    const frame = fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 3 }), score: fc.double({ min: 0.1, max: 1, noNaN: true }) }),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 20 }), fc.integer({ min: 0, max: 5 }), (frames, reach) => {
        const rows = frames.map((faces, i): Row => ({
          frame: i,
          timestamp: i,
          faces: [...new Map(faces.map(({ id, score }) => [id, face(id, score, 40)])).values()],
          ...(i % 5 === 4 && { failed: true }),
        }));
        const decisions = decideTracks(rows);
        const result = masked(rows, reach);
        expect(result.map(({ faces: _, ...rest }) => rest)).toEqual(rows.map(({ faces: _, ...rest }) => rest));
        const expected = rows.map((_, i) =>
          decisions
            .filter(
              ({ isMasked, firstFrame, lastFrame }) => isMasked && i >= firstFrame - reach && i <= lastFrame + reach,
            )
            .map(({ id }) => id),
        );
        expect(result.map(({ faces }) => faces.map(({ id }) => id))).toEqual(expected);
      }),
    );
  });

  it('end at the cuts of shots', () => {
    const rows = rowsOf([], [], [face(1, 0.9, 60)], [], []).map((row, i): Row =>
      [1, 4].includes(i) ? { ...row, cut: true } : row,
    );
    expect(masked(rows, 1).map(({ faces }) => faces.length)).toEqual([0, 1, 1, 1, 0]);
  });

  it('have everything from the score up that is given, and what was masked without it', () => {
    const rows = rowsOf([face(1, 0.2, 60), face(2, 0.9, 60), face(null, 0.2, 60), face(null, 0.19, 60)]);
    expect(masked(rows, 0, { score: 0.2 })[0]!.faces.map(({ id, score }) => [id, score])).toEqual([
      [1, 0.2],
      [2, 0.9],
      [null, 0.2],
    ]);
  });
});
