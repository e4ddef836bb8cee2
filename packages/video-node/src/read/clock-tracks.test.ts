import type { Detector, Face, Frame, PixelBuffer } from '@facedet/core';
import { createVideoDetector } from '@facedet/pipeline';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock } from './clock.ts';

const FRAME = 0.04;
/** Pixels that the face moves from one frame to the next, to the right and back. */
const STEP = 3;
const SIDE = 60;
const WIDTH = 640;
const HEIGHT = 360;

function faceAt(index: number): Face {
  const way = (STEP * index) % (2 * (WIDTH - SIDE));
  const x = way < WIDTH - SIDE ? way : 2 * (WIDTH - SIDE) - way;
  return { box: { x, y: 100, width: SIDE, height: SIDE }, score: 0.9 };
}

/** A detector that knows each frame by its number. */
const detector: Detector = {
  concurrency: 1,
  rotate: 0,
  detect: async (image) => [faceAt((image as Frame).index)],
  detectBatch: async (images) => images.map((image) => faceAt((image as Frame).index)).map((face) => [face]),
  warmup: async () => {},
  dispose: async () => {},
} as Detector;

async function* frames(timestamps: readonly number[]): AsyncGenerator<Frame, void> {
  for (const [index, timestamp] of timestamps.entries()) {
    yield {
      index,
      timestamp,
      width: WIDTH,
      height: HEIGHT,
      rasterize: async (width, height): Promise<PixelBuffer> => ({
        width,
        height,
        format: 'rgb',
        data: new Uint8Array(3 * width * height).fill(90),
      }),
      close() {},
    };
  }
}

/** IDs, and the largest distance in pixels of a box from its face, in frames that the tracker saw with these times. */
async function track(
  timestamps: readonly number[],
  detectEvery: number,
): Promise<{ ids: Set<number>; farthest: number }> {
  const pipeline = createVideoDetector({ detector, detectEvery, smoother: false, shotCuts: false });
  const ids = new Set<number>();
  let farthest = 0;
  for await (const { faces, index } of pipeline.run(frames(timestamps))) {
    for (const { id, box } of faces) {
      ids.add(id!);
      for (const value of Object.values(box)) expect(Number.isFinite(value)).toBe(true);
      farthest = Math.max(farthest, Math.abs(box.x - faceAt(index).box.x));
    }
  }
  return { ids, farthest };
}

describe('tracks behind a clock that jumps', () => {
  it.each([1, 2])(
    'keep their ID and their place, with the detector on every frame or each other one: %i',
    async (every) => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.double({ min: -1, max: 0.5, noNaN: true }), fc.double({ min: -5000, max: 5000, noNaN: true })),
          fc.integer({ min: 20, max: 40 }),
          async (jump, before) => {
            fc.pre(jump <= 0.5 || jump > 11);
            const clock = createClock({ discontinuous: true });
            const times = Array.from({ length: 90 }, (_, i) => 100 + i * FRAME + (i < before ? 0 : jump));
            const { ids, farthest } = await track(
              times.map((time) => clock.stamp(time, FRAME)),
              every,
            );
            expect([...ids]).toEqual([1]);
            // A prediction over a short jump ahead, which is taken for time that passed, goes on for as long.
            const passed = jump > 0 && jump < 1 ? jump / FRAME : 0;
            expect(farthest).toBeLessThan(STEP * (2 * every + passed));
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});
