import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTracker } from './tracker.ts';
import type { Detection, Track, TrackerOptions } from './types.ts';

interface EmbeddedDetection extends Detection {
  embedding: readonly number[];
}
const face = (x: number, side = 50): Detection => ({ box: { x, y: 100, width: side * 0.8, height: side }, score: 0.9 });

/** The ID of a detection after the face at 0 was lost for some frames. */
function idAfterLoss(found: Detection, options: TrackerOptions): number {
  const tracker = createTracker(options);
  for (let i = 0; i < 10; i++) tracker.update([face(0)]);
  for (let i = 0; i < 5; i++) tracker.update([]);
  return tracker.update([found]).find(({ detection }) => detection)!.id;
}

/** Seeded numbers of a normal distribution (Box–Muller). */
function gaussian(seed: number): () => number {
  let s = seed >>> 0;
  const uniform = () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (s + 1) / (2 ** 32 + 1);
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const unit = (vector: readonly number[]) => {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};
const cosine = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const BESIDE = 45; // no overlap with a box 40 wide, well within three standard deviations

describe('affinity', () => {
  it('finds a lost face beside its prediction again from minAffinity up, and not below', () => {
    const thresholds = fc.constantFrom(undefined, 0.4, 0.7, 0.9);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }).map((k) => k / 1000),
        thresholds,
        (affinity, minAffinity) => {
          const id = idAfterLoss(face(BESIDE), {
            affinity: () => affinity,
            ...(minAffinity !== undefined && { minAffinity }),
          });
          // The mean of affinity and overlap must still pass matchThreshold: above 0.4 without overlap.
          expect(id).toBe(affinity >= (minAffinity ?? 0.7) && affinity > 0.4 ? 1 : 2);
        },
      ),
    );
  });

  it('never continues a lost track with a face of another size', () => {
    const same = { affinity: () => 1 };
    expect(idAfterLoss(face(BESIDE, 55), same)).toBe(1);
    expect(idAfterLoss(face(BESIDE, 65), same)).toBe(2);
    expect(idAfterLoss(face(BESIDE, 35), same)).toBe(2);
    // With as much overlap as is needed without affinity, the size does not matter.
    expect(idAfterLoss(face(2, 35), same)).toBe(1);
  });

  it("does not match strangers by (1 + cosine) / 2 of their embeddings, and matches one person's", () => {
    let strangers = 0;
    let same = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const normal = gaussian(seed);
      const ann = unit(Array.from({ length: 128 }, normal));
      const bob = unit(Array.from({ length: 128 }, normal));
      // Another image of Ann, with a cosine of about 0.6 to the first.
      const again = unit(ann.map((value) => 0.6 * value + (0.8 * normal()) / Math.sqrt(128)));
      const trackThenFind = (embedding: readonly number[]) => {
        const seen = new Map<number, readonly number[]>();
        const tracker = createTracker<EmbeddedDetection>({
          affinity: (track: Track<EmbeddedDetection>, detection) =>
            (1 + cosine(seen.get(track.id)!, detection.embedding)) / 2,
        });
        const update = (...faces: EmbeddedDetection[]) =>
          tracker.update(faces).forEach(({ id, detection }) => detection && seen.set(id, detection.embedding));
        for (let i = 0; i < 10; i++) update({ ...face(0), embedding: ann });
        for (let i = 0; i < 5; i++) update();
        update({ ...face(BESIDE), embedding });
        return tracker.tracks.find(({ detection }) => detection)!.id;
      };
      if (trackThenFind(bob) === 1) strangers++;
      if (trackThenFind(again) === 1) same++;
    }
    expect(strangers).toBe(0);
    expect(same).toBeGreaterThan(190);
  });

  it('of strangers does not separate a track from a detection that overlaps it', () => {
    const tracker = createTracker({ affinity: () => 0.5 });
    for (let i = 0; i < 20; i++) expect(tracker.update([face(4 * i)])).toMatchObject([{ id: 1, state: 'tracked' }]);
  });

  it('does not change the overlap that a tentative track needs, however strict the first stage is', () => {
    for (const options of [{}, { affinity: () => 0.5 }]) {
      const tracker = createTracker({ matchThreshold: 0.3, ...options });
      tracker.update([]);
      tracker.update([face(0)]);
      // IoU · score is 0.58, the size similarity 0.64.
      expect(tracker.update([face(0, 40)])).toMatchObject([{ id: 1, state: 'tracked' }]);
    }
  });

  it('is called once for each pair that may match, and not for others', () => {
    const calls: string[] = [];
    const tracker = createTracker<EmbeddedDetection>({
      affinity: (track, { embedding }) => {
        calls.push(`${track.id}-${embedding[0]}`);
        return 1;
      },
    });
    const named = (name: number, x: number, side = 50): EmbeddedDetection => ({ ...face(x, side), embedding: [name] });
    tracker.update([named(0, 0), named(1, 300)]);
    tracker.update([named(2, 0), named(3, 300), named(4, 900), named(5, 20, 20)]);
    expect(calls.sort()).toEqual(['1-2', '2-3']);
  });

  it.each([[2], [-0.1], [NaN], ['0.5'], [undefined], [null]])(
    'that returns %j is an error that leaves the tracker unchanged',
    (value) => {
      const tracker = createTracker({ affinity: () => value as never });
      tracker.update([face(0)]);
      const before = tracker.snapshot();
      expect(() => tracker.update([face(0)])).toThrow(
        expect.objectContaining({
          name: 'FaceDetError',
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/^Expected a number in \[0, 1\] from affinity but received .+; .+\.$/),
        }),
      );
      expect(tracker.snapshot()).toEqual(before);
    },
  );
});
