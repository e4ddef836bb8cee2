import type { Frame } from '@facedet/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FPS, faceAt, fakeDetector, frameAt } from './fixtures/film.fixture.ts';
import type { FrameResult, VideoSnapshot } from './types.ts';
import { createVideoDetector } from './video-detector.ts';

const make = (lookAhead: number, lookAheadBytes: number) =>
  createVideoDetector({
    detector: fakeDetector((index) => [faceAt(100 + index, 80)], { scoreThreshold: 0.1, concurrency: 2 }).detector,
    lookAhead,
    lookAheadBytes,
  });
type Row = Omit<FrameResult, 'frame'>;
const rowOf = ({ frame: _, ...row }: FrameResult): Row => row;

/** Frames at the given times from `first` on; their pictures take a moment to be loaded again. */
function* frames(times: readonly number[], first = 0): Generator<Frame> {
  for (let index = first; index < times.length; index++)
    yield {
      ...frameAt(index, times[index]!),
      byteLength: 1,
      unload() {},
      reload: () => new Promise<void>((done) => setTimeout(done)),
    } as unknown as Frame;
}

/** Times that rise by 1 to 15 frames of a constant frame rate. */
const risingTimes = fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 2, maxLength: 30 }).map((steps) =>
  steps.map(
    (
      (sum) => (step: number) =>
        (sum += step) / FPS
    )(0),
  ),
);

describe('a run that is interrupted', () => {
  it('goes on from its snapshot with the rows of one that is not, whatever the moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        risingTimes,
        fc.constantFrom(0, 0.2, 1),
        fc.constantFrom(0, 4, Infinity),
        fc.nat({ max: 29 }),
        fc.nat({ max: 3 }),
        async (times, lookAhead, bytes, stopAt, turns) => {
          const whole: Row[] = [];
          for await (const result of make(lookAhead, bytes || 1).run(frames(times))) whole.push(rowOf(result));

          const controller = new AbortController();
          async function* interrupted() {
            for (const frame of frames(times)) {
              if (frame.index === stopAt % times.length) {
                // Some turns of the event loop later the run is somewhere between two results.
                void (async () => {
                  for (let i = 0; i < turns; i++) await new Promise((done) => setTimeout(done));
                  controller.abort(new Error('stopped'));
                })();
              }
              yield frame;
            }
          }
          const video = make(lookAhead, bytes || 1);
          const rows: Row[] = [];
          const run = (async () => {
            for await (const result of video.run(interrupted(), { signal: controller.signal }))
              rows.push(rowOf(result));
          })();
          await run.catch((error: Error) => expect(error.message).toBe('stopped'));

          const snapshot = JSON.parse(JSON.stringify(video.snapshot())) as VideoSnapshot;
          expect(snapshot.lastIndex).toBe(rows.length - 1);
          const next = make(lookAhead, bytes || 1);
          next.restore(snapshot);
          for await (const result of next.run(frames(times, rows.length))) rows.push(rowOf(result));
          expect(rows.map(({ index }) => index)).toEqual(whole.map(({ index }) => index));
          expect(rows).toEqual(whole);
        },
      ),
      { numRuns: 100 },
    );
  });
});
